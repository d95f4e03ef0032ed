"""Keys change while they are in use: what is out changes over by itself, and a key in the wrong hands opens nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mirabelle.contract.trust import SignedTrust, TrustBundle, read_bundle
from mirabelle.server.services.sealing import SECRET_BYTES
from tests.backend import Backend, Person
from tests.clock import MovableClock
from tests.eventually import eventually
from tests.server.commands import Said, Shop

MASTER = "ab" * 32


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def server(any_shop: Shop, clock: MovableClock) -> Iterator[Backend]:
    """The demo programme's server, beside which the shop's commands run."""
    with Backend(any_shop.folder / "data", database_url=any_shop.database_url, clock=clock) as running:
        yield running


def keys(shop: Shop, *words: object) -> Said:
    return shop.run("keys", *words, *shop.store())


def rotated(shop: Shop, *words: object) -> str:
    """The id of the key that signs after a rotation."""
    said = keys(shop, "rotate", *words)
    assert said.code == 0, said
    return said.out.split()[0]


def told(till: Person) -> TrustBundle:
    return read_bundle(msgspec.json.decode(till.get("/till/trust").content, type=SignedTrust).bundle)


def states(till: Person) -> dict[str, str]:
    """The keys that a till is told to trust."""
    return {key.key_id: key.state for key in told(till).keys}


def voucher_of(person: Person, redemption: str) -> dict[str, Any]:
    """The voucher as a device gets it when it syncs."""
    found = [one for one in person.get("/redemptions").json()["redemptions"] if one["id"] == redemption]
    return dict(found[0]["voucher"])


def key_of(voucher: dict[str, Any]) -> str:
    return str(voucher["issued"][4:12])


def scanned(till: Person, person: Person, voucher: dict[str, Any]) -> str:
    return str(till.post("/scans", {"frame": person.show(voucher, int(time.time()))}).json()["verdict"])


def test_a_running_server_follows_a_rotation_and_old_vouchers_stay_good(server: Backend, any_shop: Shop) -> None:
    amina, till = server.participant(), server.till()
    redemption = amina.redeem("croissant", 110).json()
    before = redemption["voucher"]
    new = rotated(any_shop)
    assert states(till) == {key_of(before): "retired", new: "current"}
    eventually(lambda: key_of(voucher_of(amina, redemption["id"])) == new)
    assert key_of(amina.redeem("croissant", 110).json()["voucher"]) == new
    assert scanned(till, amina, before) == "accepted"


def test_a_retired_key_is_trusted_until_its_last_lease_is_over(
    server: Backend, any_shop: Shop, clock: MovableClock
) -> None:
    old = next(iter(states(server.till())))
    new = rotated(any_shop)
    clock.move(hours=72, minutes=59)
    assert states(server.till()) == {old: "retired", new: "current"}
    clock.move(minutes=2)
    assert states(server.till()) == {new: "current"}


def test_a_compromised_key_is_refused_at_once_and_its_vouchers_are_good_again_after_a_sync(
    server: Backend, any_shop: Shop
) -> None:
    amina, till = server.participant(), server.till()
    redemption = amina.redeem("croissant", 110).json()
    old = key_of(redemption["voucher"])
    new = rotated(any_shop, "--compromised", old)
    assert states(till) == {new: "current"}
    assert scanned(till, amina, redemption["voucher"]) == "unknown_key"
    eventually(lambda: key_of(voucher_of(amina, redemption["id"])) == new)
    assert scanned(till, amina, voucher_of(amina, redemption["id"])) == "accepted"


def test_a_retired_key_can_be_found_compromised_later(server: Backend, any_shop: Shop) -> None:
    amina, till = server.participant(), server.till()
    voucher = amina.redeem("croissant", 110).json()["voucher"]
    rotated(any_shop)
    new = rotated(any_shop, "--compromised", key_of(voucher))
    assert key_of(voucher) not in states(till) and states(till)[new] == "current"
    assert scanned(till, amina, voucher) == "unknown_key"


def test_a_server_with_keys_of_its_own_makes_a_new_one_once_its_key_is_retired(
    server: Backend, any_shop: Shop, tmp_path: Path
) -> None:
    with Backend(tmp_path / "other", database_url=any_shop.database_url or url_of(any_shop)) as other:
        amina, till = other.participant(), server.till()
        redemption = amina.redeem("croissant", 110).json()
        keys_before = (key_of(redemption["voucher"]), rotated(any_shop))
        eventually(lambda: key_of(voucher_of(amina, redemption["id"])) not in keys_before)
        voucher = amina.redeem("croissant", 110).json()["voucher"]
        assert scanned(till, amina, voucher) == "accepted"


def url_of(shop: Shop) -> str:
    return f"sqlite:///{shop.folder / 'data' / 'mirabelle.sqlite'}"


def test_of_a_key_that_was_rotated_nothing_is_left(shop: Shop) -> None:
    with Backend(shop.folder / "data"):
        pass
    file = shop.folder / "data" / "secrets" / "issuer.key"
    before = file.read_bytes()
    rotated(shop)
    assert file.read_bytes() != before and len(list(file.parent.iterdir())) == 3


def test_keys_are_listed_with_where_they_stand_and_how_they_are_kept(shop: Shop) -> None:
    with Backend(shop.folder / "data") as server:
        first = next(iter(states(server.till())))
    second, third = rotated(shop), rotated(shop, "--compromised", first)
    lines = {line.split()[1]: line for line in keys(shop, "list").out.splitlines()}
    assert "compromised" in lines[first] and "trusted no more since" in lines[first]
    assert "retired" in lines[second] and "trusted until" in lines[second]
    assert "current" in lines[third] and "signs here" in lines[third]
    assert "signs what tills go by" in keys(shop, "list").out and "not sealed" in keys(shop, "list").out


def test_what_cannot_be_rotated_is_one_line_and_changes_nothing(shop: Shop) -> None:
    with Backend(shop.folder / "data"):
        pass
    before = keys(shop, "list").out
    said = keys(shop, "rotate", "--compromised", "0badc0de")
    assert (said.code, said.err.count("\n")) == (2, 1) and "0badc0de" in said.err
    nowhere = shop.run("keys", "rotate", "--data", shop.folder, "--database", url_of(shop))
    assert nowhere.code == 2 and "holds no key to rotate" in nowhere.err
    assert keys(shop, "list").out == before


def test_sealed_keys_go_on_signing_and_open_under_their_master_key_alone(
    any_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = any_shop.folder / "data"
    with Backend(data, database_url=any_shop.database_url) as server:
        amina = server.participant()
        old = amina.redeem("croissant", 110).json()["voucher"]
    bare = {file.name: file.read_bytes() for file in (data / "secrets").iterdir()}
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    assert keys(any_shop, "seal").out.startswith("3 files sealed")
    assert keys(any_shop, "seal").out.startswith("0 files sealed")
    for file in (data / "secrets").iterdir():
        assert bare[file.name] not in file.read_bytes() and len(file.read_bytes()) > SECRET_BYTES
        assert file.stat().st_mode & 0o777 == 0o600
    assert "sealed under a master key" in keys(any_shop, "list").out
    new = rotated(any_shop)
    assert "sealed under a master key" in keys(any_shop, "list").out
    with Backend(data, database_url=any_shop.database_url, master_key=MASTER) as server:
        returned, till = server.somebody().go_on_as(amina), server.till()
        assert states(till) == {key_of(old): "retired", new: "current"}
        assert scanned(till, returned, old) == "accepted"
    file = tmp_path / "master"
    file.write_text(f"{MASTER.upper()}\n", encoding="utf-8")
    monkeypatch.delenv("MIRABELLE_MASTER_KEY")
    assert new in keys(any_shop, "list", "--master-key-file", file).out


@pytest.mark.parametrize(
    ("master", "why"),
    [
        (None, "issuer.key is sealed: give its master key"),
        ("cd" * 32, "issuer.key was sealed under another master key"),
        ("short", "MIRABELLE_MASTER_KEY is not 64 hexadecimal digits"),
    ],
)
def test_without_the_right_master_key_nothing_starts_and_one_line_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, master: str | None, why: str
) -> None:
    with Backend(shop.folder / "data"):
        pass
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    assert keys(shop, "seal").code == 0
    before = {file.name: file.read_bytes() for file in (shop.folder / "data" / "secrets").iterdir()}
    if master is None:
        monkeypatch.delenv("MIRABELLE_MASTER_KEY")
    else:
        monkeypatch.setenv("MIRABELLE_MASTER_KEY", master)
    for said in (keys(shop, "rotate"), shop.run("serve", "--port", 0, "--data", shop.folder / "data")):
        assert (said.code, said.err.count("\n")) == (2, 1), said
        assert why.partition(" ")[2] in said.err and "Traceback" not in said.err
    assert before == {file.name: file.read_bytes() for file in (shop.folder / "data" / "secrets").iterdir()}


def test_a_key_is_not_rotated_under_a_master_key_that_the_server_beside_it_does_not_have(
    server: Backend, any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina = server.participant()
    old = key_of(amina.redeem("croissant", 110).json()["voucher"])
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    said = keys(any_shop, "rotate", "--compromised", old)
    assert (said.code, said.err.count("\n")) == (2, 1) and "is not sealed: 'mirabelle keys seal' first" in said.err
    assert states(server.till()) == {old: "current"}


def test_a_server_whose_key_was_given_up_and_that_cannot_open_the_new_one_issues_nothing(
    server: Backend, any_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina = server.participant()
    voucher = amina.redeem("croissant", 110).json()["voucher"]
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    assert keys(any_shop, "seal").code == 0
    rotated(any_shop, "--compromised", key_of(voucher))

    def refusals() -> set[tuple[int, str]]:
        answers = [
            amina.redeem("croissant", 110),
            amina.post(f"/vouchers/{voucher['id']}/leases", {"holder_key": voucher["issued"][80:144]}),
            amina.post(f"/vouchers/{voucher['id']}/papers"),
        ]
        return {(answer.status_code, answer.json().get("code", "")) for answer in answers}

    eventually(lambda: refusals() == {(503, "busy")})
    before = amina.available()
    assert amina.redeem("croissant", 110).status_code == 503 and amina.available() == before


def test_a_sealed_key_under_another_name_does_not_open(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with Backend(shop.folder / "data"):
        pass
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    keys(shop, "seal")
    secrets = shop.folder / "data" / "secrets"
    (secrets / "issuer.key").write_bytes((secrets / "programme.key").read_bytes())
    assert "issuer.key was sealed under another master key, or is damaged" in keys(shop, "rotate").err


def test_a_voucher_whose_key_is_long_retired_is_good_again_once_it_is_renewed(
    server: Backend, any_shop: Shop, clock: MovableClock
) -> None:
    amina = server.participant()
    redemption = amina.redeem("croissant", 110).json()
    new = rotated(any_shop)
    clock.move(hours=80)
    returned, till = server.somebody().go_on_as(amina), server.till()
    eventually(lambda: key_of(voucher_of(returned, redemption["id"])) == new)
    voucher = voucher_of(returned, redemption["id"])
    renewed = returned.post(f"/vouchers/{voucher['id']}/leases", {"holder_key": voucher["issued"][80:144]}).json()
    frame = returned.show(renewed, int(clock().timestamp()))
    assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"
