"""Points that come back: released, reversed, lapsed and reinstated, into the lots that paid them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import (
    Cancel,
    Close,
    Declined,
    Earn,
    Lapse,
    Redeem,
    Redeemed,
    Refund,
    Reverse,
    Scan,
    Scanned,
)
from mirabelle.rules.redemption import (
    NewVoucher,
    RedemptionRecord,
    RedemptionState,
    VoucherState,
    shares_to_return,
)
from mirabelle.rules.refusals import RedemptionRefusal
from tests.rules.ledger_world import REWARDS, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def voucher(number: int) -> NewVoucher:
    return NewVoucher(
        number.to_bytes(16, "big"),
        fallback_code.make(number.to_bytes(fallback_code.RANDOM_BYTES, "big")),
        b"k" * 32,
        "salt",
        1,
    )


def with_a_card(valid_days: int = 90) -> World:
    """Amina holds a card worth 30 points, paid by two lots of 20."""
    world = World(["amina"], rewards=[replace(one, valid_days=valid_days) for one in REWARDS])
    world.do(Earn("amina", "p1", 20, START), Earn("amina", "p2", 20, START + DAY))
    world.do(Redeem("amina", "r1", "card", START + DAY, voucher=voucher(1)))
    return world


def remaining(world: World) -> list[int]:
    return [lot.remaining for lot in world.account("amina").lots.values()]


def test_held_points_go_back_when_their_time_is_over_and_not_before() -> None:
    world = with_a_card(valid_days=3)
    until = world.snapshot.redemptions["r1"].held_until
    assert until is not None and until == world.snapshot.vouchers[voucher(1).id].expires_at
    [early] = world.do(Lapse("amina", "r1", until - timedelta(microseconds=1)))
    assert early == Declined(RedemptionRefusal.NOT_CANCELLABLE)
    [lapsed] = world.do(Lapse("amina", "r1", until))
    assert isinstance(lapsed, Redeemed) and lapsed.redemption.state is RedemptionState.RELEASED
    assert world.account("amina").held == 0 and remaining(world) == [20, 20]


def test_a_lapsed_voucher_is_refused_even_by_a_till_whose_clock_is_slow() -> None:
    world = with_a_card(valid_days=3)
    until = world.snapshot.redemptions["r1"].held_until
    assert until is not None
    world.do(Lapse("amina", "r1", until))
    [scanned] = world.do(Scan("s1", "till", 7, (), "", voucher(1).code, voucher(1).id, until - DAY))
    assert isinstance(scanned, Scanned) and scanned.verdict.code == "not_a_voucher"
    assert world.snapshot.vouchers[voucher(1).id].state is VoucherState.LAPSED


def test_held_points_lapse_once() -> None:
    world = with_a_card(valid_days=3)
    until = world.snapshot.redemptions["r1"].held_until
    assert until is not None
    world.do(Lapse("amina", "r1", until))
    assert world.do(Lapse("amina", "r1", until)) == [Declined(RedemptionRefusal.NOT_CANCELLABLE)]


def test_a_piece_that_lapsed_can_be_had_again() -> None:
    world = World(["amina"], rewards=[replace(one, stocked=True, valid_days=3) for one in REWARDS])
    world.snapshot = replace(world.snapshot, stock={"card": {0: 1}})
    world.do(Earn("amina", "p1", 60, START), Redeem("amina", "r1", "card", START, voucher=voucher(1)))
    until = world.snapshot.redemptions["r1"].held_until
    assert until is not None
    [sold_out, _, redeemed] = world.do(
        Redeem("amina", "r2", "card", START, voucher=voucher(2)),
        Lapse("amina", "r1", until),
        Redeem("amina", "r3", "card", until, voucher=voucher(3)),
    )
    assert isinstance(sold_out, Declined) and sold_out.reason is RedemptionRefusal.OUT_OF_STOCK
    assert isinstance(redeemed, Redeemed) and world.snapshot.stock["card"] == {0: 0}


def test_part_of_a_redemption_comes_back_to_the_lots_that_paid_last() -> None:
    world = with_a_card()
    world.do(Scan("s1", "till", 7, (), "", voucher(1).code, voucher(1).id, START + DAY))
    assert remaining(world) == [0, 10]
    [part] = world.do(Reverse("amina", "r1", 15, START + 2 * DAY))
    assert isinstance(part, Redeemed) and part.redemption.state is RedemptionState.CAPTURED
    assert remaining(world) == [5, 20]
    assert world.do(Reverse("amina", "r1", 16, START + 2 * DAY)) == [Declined(RedemptionRefusal.MORE_THAN_PAID)]
    [rest] = world.do(Reverse("amina", "r1", None, START + 2 * DAY))
    assert isinstance(rest, Redeemed) and rest.redemption.state is RedemptionState.RELEASED
    assert remaining(world) == [20, 20]
    assert world.do(Reverse("amina", "r1", None, START + 2 * DAY)) == [Declined(RedemptionRefusal.NOT_CANCELLABLE)]


def test_cancelling_after_a_partial_reversal_returns_the_rest() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 20, START), Redeem("amina", "r1", "mug", START, voucher=voucher(1)))
    world.do(Reverse("amina", "r1", 5, START), Cancel("amina", "r1", START))
    assert remaining(world) == [20] and world.account("amina").available == 20


@pytest.mark.parametrize(
    ("returned", "points", "shares"),
    [(0, 4, ((2, 4),)), (4, 8, ((1, 2), (2, 6))), (12, 8, ((1, 8),)), (0, 20, ((1, 10), (2, 10)))],
)
def test_what_paid_last_comes_back_first(returned: int, points: int, shares: tuple[tuple[int, int], ...]) -> None:
    record = RedemptionRecord(
        "r1", "amina", "mug", 20, RedemptionState.CAPTURED, START, paid_by=((1, 10), (2, 10)), returned=returned
    )
    assert shares_to_return(record, points) == shares


def test_no_coming_and_going_keeps_points_alive_for_ever() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "card", START, voucher=voucher(1)))
    world.do(Cancel("amina", "r1", START + 30 * DAY))
    assert world.account("amina").available == 30
    world.do(Redeem("amina", "r2", "card", START + 31 * DAY, voucher=voucher(2)))
    world.do(Cancel("amina", "r2", START + 60 * DAY))
    assert world.account("amina").available == 0 and world.postings[-1].moves.expired == 30
    world.do(Close("amina", START + 61 * DAY))
    assert world.postings[-1].at == START + 60 * DAY


def test_every_part_of_a_reversal_gets_the_days_of_grace() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 20, START), Redeem("amina", "r1", "mug", START))
    world.do(Reverse("amina", "r1", 5, START + 20 * DAY), Close("amina", START + 30 * DAY))
    world.do(Reverse("amina", "r1", None, START + 40 * DAY))
    assert world.account("amina").available == 15


def test_points_that_were_away_pay_for_no_event_of_that_time() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "mug", START + DAY, voucher=voucher(1)))
    world.do(Cancel("amina", "r1", START + 5 * DAY))
    [late] = world.do(Redeem("amina", "r2", "mug", START + 2 * DAY))
    assert isinstance(late, Declined)
    world.do(Refund("amina", "f1", "p1", 30, START + 2 * DAY))
    balances = [
        sum(posting.moves.available for posting in world.postings if posting.at <= START + day * DAY)
        for day in range(8)
    ]
    assert balances == [30, 10, 10, 10, 10, 0, 0, 0]
