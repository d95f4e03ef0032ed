"""A till takes back what it accepted, for some minutes: the voucher is ready again, under a new code."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.backend import Backend, Person, new_key
from tests.clock import MovableClock
from tests.server.commands import Shop


@pytest.fixture
def clock(any_backend: Backend) -> MovableClock:
    """The server's clock, set right."""
    assert isinstance(any_backend.clock, MovableClock)
    any_backend.clock.ahead = timedelta()
    return any_backend.clock


def scanned(till: Person, person: Person, voucher: dict[str, Any]) -> dict[str, Any]:
    return dict(till.post("/scans", {"frame": person.show(voucher, int(time.time()))}).json())


def redemption_of(person: Person, redemption: str) -> dict[str, Any]:
    [found] = [one for one in person.get("/redemptions").json()["redemptions"] if one["id"] == redemption]
    return dict(found)


def test_an_undone_scan_makes_the_voucher_ready_and_its_old_code_stays_used(
    any_backend: Backend, clock: MovableClock
) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    redemption = amina.redeem("coffee-and-cake", 450).json()
    old, wallet = redemption["voucher"], amina.get("/wallet").json()
    first = scanned(till, amina, old)
    assert first["value_minor"] == 900
    assert datetime.fromisoformat(first["undo_until"]) - datetime.fromisoformat(first["at"]) == timedelta(minutes=5)
    undone = till.post(f"/scans/{first['id']}/undos")
    assert undone.status_code == 201 and undone.json() == {**first, "undo_until": None} | {
        "undone_at": undone.json()["undone_at"]
    }
    assert till.get("/scans").json()["scans"] == [undone.json()]
    now = redemption_of(amina, redemption["id"])
    assert (now["voucher"]["state"], now["voucher"]["use"]) == ("ready", None)
    after = amina.get("/wallet").json()
    assert (after["available"], after["held"], after["lots"]) == (wallet["available"], wallet["held"], wallet["lots"])
    assert scanned(till, amina, old)["verdict"] == "already_used"
    assert scanned(till, amina, now["voucher"])["verdict"] == "accepted"
    assert redemption_of(amina, redemption["id"])["voucher"]["state"] == "used"


def test_what_a_scan_had_captured_is_held_again(any_backend: Backend, clock: MovableClock) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    redemption = amina.redeem("bowling", 1300).json()
    held = amina.get("/wallet").json()["held"]
    first = scanned(till, amina, redemption["voucher"])
    assert (redemption_of(amina, redemption["id"])["state"], amina.get("/wallet").json()["held"]) == ("captured", 0)
    assert till.post(f"/scans/{first['id']}/undos").status_code == 201
    assert (redemption_of(amina, redemption["id"])["state"], amina.get("/wallet").json()["held"]) == ("held", held)
    before = amina.available()
    assert amina.post(f"/redemptions/{redemption['id']}/cancellations").status_code == 201
    assert amina.available() == before + 1300


def test_undoing_twice_is_undoing_once(any_backend: Backend, clock: MovableClock) -> None:
    amina, till, key = any_backend.participant(), any_backend.till(), new_key()
    first = scanned(till, amina, amina.redeem("croissant", 110).json()["voucher"])
    answers = [till.post(f"/scans/{first['id']}/undos", key=key) for _ in range(2)]
    answers.append(till.post(f"/scans/{first['id']}/undos"))
    assert len({answer.text for answer in answers}) == 1 and answers[0].status_code == 201


def test_only_the_till_that_scanned_can_undo(any_backend: Backend, clock: MovableClock) -> None:
    amina, till, other = any_backend.participant(), any_backend.till(), any_backend.till()
    first = scanned(till, amina, amina.redeem("croissant", 110).json()["voucher"])
    answers = [other.post(f"/scans/{first['id']}/undos"), till.post("/scans/s-nothing/undos")]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 2


def test_after_its_minutes_a_scan_stays(any_backend: Backend, clock: MovableClock) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    first = scanned(till, amina, amina.redeem("croissant", 110).json()["voucher"])
    clock.move(minutes=5, seconds=1)
    answer = till.post(f"/scans/{first['id']}/undos")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")


def test_a_use_that_another_scan_lost_against_stays(any_backend: Backend, clock: MovableClock) -> None:
    amina, till, other = any_backend.participant(), any_backend.till(), any_backend.till()
    voucher = amina.redeem("coffee-and-cake", 450).json()["voucher"]
    first = scanned(till, amina, voucher)
    frame, at = amina.show(voucher, int(time.time())), datetime.now(UTC).isoformat()
    late = other.post("/scans/uploads", {"key": new_key(), "frame": frame, "at": at})
    assert late.json()["outcome"] == "conflict"
    for till_, scan in ((till, first["id"]), (other, late.json()["scan"]["id"])):
        assert till_.post(f"/scans/{scan}/undos").json()["code"] in ("too_late", "not_found")


def test_a_scan_without_network_of_the_old_code_has_the_next_use(any_backend: Backend, clock: MovableClock) -> None:
    amina, till, other = any_backend.participant(), any_backend.till(), any_backend.till()
    voucher = amina.redeem("coffee-and-cake", 450).json()["voucher"]
    frame, at = amina.show(voucher, int(time.time())), datetime.now(UTC).isoformat()
    till.post(f"/scans/{scanned(till, amina, voucher)['id']}/undos")
    receipts = [other.post("/scans/uploads", {"key": new_key(), "frame": frame, "at": at}).json() for _ in range(2)]
    assert [receipt["outcome"] for receipt in receipts] == ["recorded", "conflict"]


def test_after_all_that_the_ledger_still_adds_up(
    any_backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = any_backend.database_url or f"sqlite:///{any_backend.data / 'mirabelle.sqlite'}"
    audit = Shop(tmp_path, url, capsys).audit((datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert audit["wrong"] == []
