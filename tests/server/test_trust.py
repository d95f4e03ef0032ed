"""What a till is told, so that it can check vouchers without network: all of what matters, signed, and never older."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mirabelle.contract.trust import SignedTrust, TrustBundle, offered, read_bundle
from mirabelle.rules import holder, trust
from mirabelle.rules.voucher import check
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.services.context import system_clock
from tests.backend import Backend, Person
from tests.clock import MovableClock
from tests.people import people_with_points
from tests.server.commands import Shop
from tests.server.mailbox import sign_in


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[Backend]:
    with Backend(tmp_path / "data", database_url=database_url) as running:
        yield running


def told(till: Person, clock: Callable[[], datetime] = system_clock) -> TrustBundle:
    """What `till` is told, which must be well signed."""
    answer = till.get("/till/trust")
    assert answer.status_code == 200, answer.text
    signed = msgspec.json.decode(answer.content, type=SignedTrust)
    believed = trust.accept(None, offered(signed), read_bundle(signed.bundle).store, int(clock().timestamp()))
    assert isinstance(believed, trust.Trust)
    return read_bundle(signed.bundle)


def judged(till: Person, text: str, **more: Any) -> VoucherCode:
    """What `till` says without network to what is shown to it."""
    signed = msgspec.json.decode(till.get("/till/trust").content, type=SignedTrust)
    now = int(time.time())
    return check(text, trust.context_of(offered(signed).trust, trust.TillState(now, now, **more))).code


def test_a_till_is_told_who_signs_what_its_store_is_and_how_much_it_may_take(server: Backend) -> None:
    bundle = told(server.till())
    assert [key.state for key in bundle.keys] == ["current"]
    assert (bundle.store, bundle.groups) == (7, [1000])
    assert bundle.store_names["7"].en == "Café Lumière"
    assert bundle.caps["A"].count == 30 and bundle.caps["A"].value_minor == 15_000
    assert bundle.expires_at - bundle.issued_at == timedelta(days=14)
    assert any(reward.id == "croissant" and reward.value_minor == 220 for reward in bundle.rewards.values())


def test_a_voucher_is_accepted_without_network_by_what_the_till_was_told(server: Backend) -> None:
    amina, till = server.participant(), server.till()
    voucher = amina.redeem("croissant", 110).json()["voucher"]
    assert judged(till, amina.show(voucher, int(time.time()))) is VoucherCode.ACCEPTED


def test_a_cancelled_and_a_used_voucher_are_told_of_and_the_version_grows_each_time(server: Backend) -> None:
    amina, till = server.participant(), server.till()
    cancelled, used, online_only = (
        amina.redeem(reward, points, **details).json()
        for reward, points, details in (("croissant", 110, {}), ("croissant", 110, {}), ("trees", 600, {}))
    )
    before = told(till)
    assert told(till).version == before.version
    amina.post(f"/redemptions/{cancelled['id']}/cancellations")
    after = told(till)
    assert after.revoked == [cancelled["voucher"]["id"]] and after.version > before.version
    till.post("/scans", {"frame": amina.show(used["voucher"], int(time.time()))})
    last = told(till)
    assert last.used == [(used["voucher"]["id"], 1)] and last.version > after.version
    assert judged(till, amina.show(used["voucher"], int(time.time()))) is VoucherCode.ALREADY_USED
    assert judged(till, amina.show(cancelled["voucher"], int(time.time()))) is VoucherCode.REVOKED
    assert online_only["voucher"] is None or online_only["voucher"]["id"] not in str(last)


def test_another_stores_vouchers_are_not_told_of(server: Backend) -> None:
    amina, till = server.participant(), server.till()
    elsewhere = amina.redeem("cinema-tickets", 900).json()
    amina.post(f"/redemptions/{elsewhere['id']}/cancellations")
    assert told(till).revoked == []


def test_what_is_unchanged_is_not_sent_again_within_the_hour(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path, clock=clock) as server:
        till = server.till()
        etag = till.get("/till/trust").headers["etag"]

        def again() -> int:
            headers = {"Authorization": f"Bearer {till.session['access_token']}", "If-None-Match": etag}
            return till.http.get("/till/trust", headers=headers).status_code

        assert again() == 304
        amina = server.participant()
        cancelled = amina.redeem("croissant", 110).json()
        assert again() == 304
        amina.post(f"/redemptions/{cancelled['id']}/cancellations")
        assert again() == 200


def test_versions_go_on_across_a_restart_and_where_the_clock_goes_back(tmp_path: Path, database_url: str) -> None:
    clock = MovableClock()
    with Backend(tmp_path, database_url=database_url, clock=clock) as server:
        first = told(server.till())
    clock.ahead -= timedelta(days=1)
    with Backend(tmp_path, database_url=database_url, clock=clock) as server:
        till, amina = server.till(), server.participant()
        assert told(till).version == first.version
        cancelled = amina.redeem("croissant", 110).json()
        amina.post(f"/redemptions/{cancelled['id']}/cancellations")
        assert told(till).version == first.version + 1


def test_two_servers_of_one_ledger_never_go_back_whichever_is_asked(tmp_path: Path, database_url: str) -> None:
    with (
        Backend(tmp_path / "data", database_url=database_url) as one,
        Backend(tmp_path / "data", database_url=database_url) as other,
    ):
        amina, tills = one.participant(), [one.till(), other.till()]
        versions = []
        for round_ in range(6):
            cancelled = amina.redeem("croissant", 110).json()
            amina.post(f"/redemptions/{cancelled['id']}/cancellations")
            versions += [told(tills[(round_ + turn) % 2]).version for turn in (0, 1, 0)]
    changes = [versions[start : start + 3] for start in range(0, len(versions), 3)]
    assert versions == sorted(versions)
    assert all(len(set(same)) == 1 for same in changes) and len(set(versions)) == len(changes)


def test_a_ledger_that_was_brought_back_numbers_on_from_above_what_it_forgot(shop: Shop) -> None:
    data, file = shop.folder / "data", shop.folder / "monday.backup"
    with Backend(data) as server:
        till = server.till()
        first = told(till)
        assert shop.run("backup", file, *shop.store()).code == 0
        amina = server.participant()
        for _ in range(3):
            cancelled = amina.redeem("croissant", 110).json()
            amina.post(f"/redemptions/{cancelled['id']}/cancellations")
            last = told(till)
    assert shop.run("restore", file, *shop.store(), "--replace").code == 0
    with Backend(data) as server:
        restored = told(server.till())
    assert first.version < last.version < restored.version
    assert restored.programme == first.programme


def test_what_was_leased_so_long_ago_that_it_is_over_is_no_longer_told_of(tmp_path: Path, database_url: str) -> None:
    clock = MovableClock()
    with Backend(tmp_path, database_url=database_url, clock=clock) as server:
        amina, till = server.participant(), server.till()
        cancelled, used = (amina.redeem("croissant", 110).json() for _ in range(2))
        amina.post(f"/redemptions/{cancelled['id']}/cancellations")
        till.post("/scans", {"frame": amina.show(used["voucher"], int(time.time()))})
        before = told(till)
        clock.ahead += timedelta(hours=74)
        after = told(server.till())
    assert len(before.revoked) == len(before.used) == 1
    assert (after.revoked, after.used) == ([], [])


def test_a_device_that_was_replaced_is_told_of_until_its_last_lease_is_over(tmp_path: Path) -> None:
    clock = MovableClock()
    people_with_points(tmp_path, "basil@example.org")
    with Backend(tmp_path, clock=clock) as server:
        old, till = sign_in(server, "basil@example.org"), server.till()
        voucher = old.redeem("croissant", 110).json()["voucher"]
        assert told(till).epochs == {}
        shown = old.show(voucher, int(time.time()))
        new = sign_in(server, "basil@example.org")
        new_key = holder.public_key(holder.derive_holder_key(new.seed, voucher["key_salt"].encode())).hex()
        renewed = new.post(f"/vouchers/{voucher['id']}/leases", {"holder_key": new_key}).json()
        assert list(told(till).epochs) == [voucher["id"]]
        assert judged(till, shown) is VoucherCode.SUPERSEDED_DEVICE
        assert judged(till, new.show(renewed, int(time.time()))) is VoucherCode.ACCEPTED
        clock.move(hours=74)
        assert told(server.till()).epochs == {}


def test_only_staff_are_told(server: Backend) -> None:
    assert server.participant().get("/till/trust").json()["code"] == "wrong_role"


def test_a_use_that_was_told_of_days_later_is_in_the_bundle_as_long_as_the_lease_is_good(
    tmp_path: Path, database_url: str
) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "data", database_url=database_url, clock=clock) as server:
        amina, till, other = server.participant(), server.till(), server.till()
        voucher = amina.redeem("croissant", 110).json()["voucher"]
        accepted_at = clock()
        shown = amina.show(voucher, int(accepted_at.timestamp()))
        for hours in (40, 40):  # the till is switched off, and the phone renews
            clock.move(hours=hours)
            amina.go_on_as(amina)
            lease = {"holder_key": amina.redemption_request("croissant", 110, voucher["key_salt"])["holder_key"]}
            voucher = amina.post(f"/vouchers/{voucher['id']}/leases", lease).json()
        upload = {"key": "at-the-till-1", "frame": shown, "at": accepted_at.isoformat()}
        assert till.go_on_as(till).post("/scans/uploads", upload, "u-at-the-till-1").json()["outcome"] == "recorded"
        other.go_on_as(other)
        assert (voucher["id"], 1) in told(other, clock).used


def test_a_till_that_was_ended_is_told_nothing_more(shop: Shop) -> None:
    with Backend(shop.folder / "data") as server:
        till = server.till()
        assert shop.run("till", "revoke", till.session["subject"], *shop.store()).code == 0
        assert till.get("/till/trust").json()["code"] == "session_ended"
