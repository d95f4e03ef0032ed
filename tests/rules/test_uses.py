"""Rewards of several uses: a voucher for each, and points that come back only while none was used."""

from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import Cancel, Declined, Earn, Give, Outcome, Redeem, Redeemed, Reverse, Scan, Scanned
from mirabelle.rules.fallback_code import normalise
from mirabelle.rules.redemption import NewVoucher, RewardTerms, ValueClass, VoucherState
from tests.rules.ledger_world import World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TEN = RewardTerms("ten-coffees", 50, value_class=ValueClass.A, uses=3, stocked=True)
KEYS = (b"2" * 32, b"3" * 32)


def redeem(keys: tuple[bytes, ...] = KEYS) -> Redeem:
    new = NewVoucher(
        bytes(range(16)), fallback_code.make(bytes(fallback_code.RANDOM_BYTES)), b"1" * 32, "salt", 1, b"seed", keys
    )
    return Redeem("amina", "r1", "ten-coffees", START, voucher=new)


def a_world() -> World:
    world = World(["amina", "basil"], rewards=[TEN])
    world.snapshot = world.snapshot.__class__(
        **{name: getattr(world.snapshot, name) for name in world.snapshot.__slots__} | {"stock": {TEN.id: {0: 5}}}
    )
    world.do(Earn("amina", "p1", 100, START))
    return world


def with_vouchers() -> tuple[World, list[bytes]]:
    world = a_world()
    [done] = world.do(redeem())
    assert isinstance(done, Redeemed) and done.voucher is not None
    return world, [done.voucher.id, *(voucher.id for voucher in done.others)]


def use(world: World, voucher: bytes) -> Outcome:
    code = world.snapshot.vouchers[voucher].code
    [scanned] = world.do(Scan(f"s-{code}", "till-1", 0, (), "", code, voucher, START + DAY))
    return scanned


def test_one_redemption_issues_a_voucher_for_each_use_with_its_own_id_code_and_key() -> None:
    world, ids = with_vouchers()
    vouchers = [world.snapshot.vouchers[id_] for id_ in ids]
    assert len(set(ids)) == len({voucher.code for voucher in vouchers}) == 3
    assert all(normalise(voucher.code) == voucher.code for voucher in vouchers[1:])
    assert [voucher.holder_key[:1] for voucher in vouchers] == [b"1", b"2", b"3"]
    assert [voucher.key_salt for voucher in vouchers] == ["salt", "salt/2", "salt/3"]
    assert [(voucher.number, voucher.out_of) for voucher in vouchers] == [(1, 3), (2, 3), (3, 3)]
    assert world.account("amina").available == 50


def test_each_is_used_by_itself_and_once() -> None:
    world, ids = with_vouchers()
    for id_ in ids:
        scanned = use(world, id_)
        assert isinstance(scanned, Scanned) and scanned.verdict.code == "accepted"
    states = {world.snapshot.vouchers[id_].state for id_ in ids}
    assert states == {VoucherState.USED} and len(world.snapshot.uses) == 3


def test_cancelling_gives_everything_back_while_none_was_used() -> None:
    world, ids = with_vouchers()
    world.do(Cancel("amina", "r1", START + DAY))
    assert world.account("amina").available == 100 and world.snapshot.stock[TEN.id][0] == 5
    assert {world.snapshot.vouchers[id_].state for id_ in ids} == {VoucherState.CANCELLED}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_once_one_was_used_nothing_can_be_cancelled(number: int) -> None:
    world, ids = with_vouchers()
    use(world, ids[number])
    [declined] = world.do(Cancel("amina", "r1", START + 2 * DAY))
    assert isinstance(declined, Declined) and declined.reason == "not_cancellable"


def test_once_one_was_given_away_nothing_can_be_cancelled() -> None:
    world, ids = with_vouchers()
    [given] = world.do(Give("amina", "basil", "g1", ids[1], "NEW", b"n" * 32, START + DAY))
    assert isinstance(given, Redeemed) and [voucher.given_to for voucher in given.others] == ["basil", None]
    [declined] = world.do(Cancel("amina", "r1", START + 2 * DAY))
    assert isinstance(declined, Declined) and declined.reason == "not_cancellable"


def test_the_operators_reversal_ends_what_is_left_and_a_used_piece_never_comes_back() -> None:
    world, ids = with_vouchers()
    use(world, ids[0])
    world.do(Reverse("amina", "r1", None, START + 2 * DAY))
    states = [world.snapshot.vouchers[id_].state for id_ in ids]
    assert states == [VoucherState.USED, VoucherState.CANCELLED, VoucherState.CANCELLED]
    assert world.account("amina").available == 100 and world.snapshot.stock[TEN.id][0] == 4


def test_whoever_agreed_to_another_number_of_uses_is_asked_again() -> None:
    [declined] = a_world().do(redeem(KEYS[:1]))
    assert isinstance(declined, Declined) and declined.reason == "price_changed"
