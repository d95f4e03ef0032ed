"""A voucher that the operator blocks is refused everywhere, however it is shown, until it is unblocked."""

import time
from pathlib import Path

import msgspec

from mirabelle.contract.trust import SignedTrust, read_bundle
from tests.backend import Backend, Person
from tests.clock import MovableClock
from tests.server.commands import Said, Shop


def do(shop: Shop, command: str, voucher: str, *words: object) -> Said:
    return shop.run("voucher", command, voucher, *words, *shop.store())


def blocked(till: Person) -> list[str]:
    return read_bundle(msgspec.json.decode(till.get("/till/trust").content, type=SignedTrust).bundle).blocked


def test_a_blocked_voucher_is_refused_as_frame_and_as_code_and_tills_are_told(any_shop: Shop) -> None:
    with Backend(any_shop.folder / "data", database_url=any_shop.database_url) as server:
        amina, till = server.participant(), server.till()
        voucher = amina.redeem("croissant", 110).json()["voucher"]
        assert do(any_shop, "block", voucher["id"], "--why", "sold on").code == 0
        frame, code = {"frame": amina.show(voucher, int(time.time()))}, {"code": voucher["code"]}
        assert [till.post("/scans", body).json()["verdict"] for body in (frame, code)] == ["revoked", "not_a_voucher"]
        assert blocked(till) == [voucher["id"]]
        listed = any_shop.run("voucher", "blocked", *any_shop.store()).out
        assert voucher["id"] in listed and "sold on" in listed and "1 vouchers are blocked" in listed
        assert do(any_shop, "unblock", voucher["id"]).code == 0
        assert blocked(till) == []
        assert till.post("/scans", frame).json()["verdict"] == "accepted"


def test_a_blocked_voucher_is_not_leased_anew(any_shop: Shop) -> None:
    clock = MovableClock()
    with Backend(any_shop.folder / "data", database_url=any_shop.database_url, clock=clock) as server:
        amina = server.participant()
        voucher = amina.redeem("croissant", 110).json()["voucher"]
        do(any_shop, "block", voucher["id"], "--why", "sold on")
        holder_key = {"holder_key": voucher["issued"][80:144]}
        clock.move(minutes=5)
        renewed = amina.post(f"/vouchers/{voucher['id']}/leases", holder_key).json()
        assert renewed["lease_ends_at"] == voucher["lease_ends_at"]
        do(any_shop, "unblock", voucher["id"])
        renewed = amina.post(f"/vouchers/{voucher['id']}/leases", holder_key).json()
        assert renewed["lease_ends_at"] > voucher["lease_ends_at"]


def test_a_blocked_voucher_is_not_turned_into_points_but_by_the_operator(any_shop: Shop) -> None:
    with Backend(any_shop.folder / "data", database_url=any_shop.database_url) as server:
        amina = server.participant()
        before = amina.available()
        redemption = amina.redeem("croissant", 110).json()
        do(any_shop, "block", redemption["voucher"]["id"], "--why", "sold on")
        refused = amina.post(f"/redemptions/{redemption['id']}/cancellations")
        assert (refused.json()["code"], amina.available()) == ("not_cancellable", before - 110)
        assert any_shop.run("reverse", redemption["id"], "--id", "t1", *any_shop.store()).code == 0
        assert amina.available() == before


def test_a_voucher_of_an_unknown_id_cannot_be_blocked(shop: Shop) -> None:
    shop.imported([])
    for said in (do(shop, "block", "ab", "--why", "x"), do(shop, "unblock", "ab")):
        assert (said.code, said.err) == (2, "mirabelle: there is no voucher ab\n")


def test_blocking_needs_a_reason(shop: Shop, tmp_path: Path) -> None:
    said = do(shop, "block", "ab")
    assert said.code == 2 and "--why" in said.err
