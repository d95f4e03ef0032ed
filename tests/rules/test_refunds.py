"""What a refund takes back, where the points have gone meanwhile, and what is owed when they are spent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mirabelle.rules.commands import Cancel, Close, Declined, Earn, Redeem, Redeemed, Refund, Refunded
from mirabelle.rules.programme import RefundPolicy
from mirabelle.rules.redemption import NewVoucher
from tests.rules.ledger_world import LATER, RULES, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VOUCHER = NewVoucher(bytes(16), "code", b"k" * 32, "salt", 1)
NEVER_BELOW_ZERO = replace(RULES, refunds=RefundPolicy.NEVER_BELOW_ZERO)


def spent_and_refunded(rules: object = RULES) -> World:
    """Amina bought for 20 points, took a mug for them, and gave the purchase back."""
    world = World(["amina"], rules)
    world.do(Earn("amina", "p1", 20, START), Redeem("amina", "r1", "mug", START + HOUR, voucher=VOUCHER))
    assert world.do(Refund("amina", "f1", "p1", 20, START + 2 * HOUR)) == [Refunded(0, owed=20)]
    return world


def test_nobody_keeps_points_by_redeeming_refunding_and_cancelling() -> None:
    world = spent_and_refunded()
    [cancelled] = world.do(Cancel("amina", "r1", START + 3 * HOUR))
    assert isinstance(cancelled, Redeemed) and cancelled.redemption.available_after == 0
    assert world.account("amina").available == 0


def test_within_balance_lets_the_next_points_be() -> None:
    world = spent_and_refunded()
    world.do(Earn("amina", "p2", 30, START + 3 * HOUR))
    assert world.account("amina").available == 30


def test_never_below_zero_takes_what_is_owed_from_the_points_that_come_next() -> None:
    world = spent_and_refunded(NEVER_BELOW_ZERO)
    world.do(Earn("amina", "p2", 15, START + 3 * HOUR), Earn("amina", "p3", 15, START + 4 * HOUR))
    assert (world.account("amina").available, world.account("amina").owed) == (10, 0)


def test_what_is_owed_is_taken_once_also_where_the_spent_points_come_back() -> None:
    world = spent_and_refunded(NEVER_BELOW_ZERO)
    world.do(Earn("amina", "p2", 20, START + 3 * HOUR), Cancel("amina", "r1", START + 4 * HOUR))
    assert (world.account("amina").available, world.account("amina").owed) == (20, 0)


def test_a_refund_takes_from_its_own_lot_first_and_then_from_the_soonest_to_expire() -> None:
    world = World(["amina"])
    for number in range(3):
        world.do(Earn("amina", f"p{number}", 10, START + number * DAY))
    world.do(Redeem("amina", "r1", "mug", START + 3 * DAY))
    world.do(Earn("amina", "p3", 10, START + 4 * DAY), Earn("amina", "p4", 10, START + 5 * DAY))
    assert world.do(Refund("amina", "f1", "p4", 4, START + 6 * DAY)) == [Refunded(4)]
    assert world.do(Refund("amina", "f2", "p0", 10, START + 6 * DAY)) == [Refunded(10)]
    assert [lot.remaining for lot in world.account("amina").lots.values()] == [0, 0, 0, 10, 6]


def test_what_has_expired_is_gone_and_no_other_points_pay_for_it() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 20, START), Earn("amina", "p2", 20, START + 15 * DAY))
    assert world.do(Refund("amina", "f1", "p1", 20, START + 16 * DAY)) == [Refunded(0)]
    assert world.account("amina").available == 20


def test_expired_points_pay_for_one_refund_only() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "mug", START + HOUR))
    world.do(Earn("amina", "p2", 40, START + 15 * DAY))
    assert world.do(Refund("amina", "f1", "p1", 10, START + 16 * DAY)) == [Refunded(0)]
    assert world.do(Refund("amina", "f2", "p1", 10, START + 16 * DAY)) == [Refunded(10)]


def test_refunds_take_no_more_than_their_purchase_earned() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 20, START), Earn("amina", "p2", 20, START))
    world.do(Refund("amina", "f1", "p1", 15, START + HOUR))
    assert world.do(Refund("amina", "f2", "p1", 15, START + HOUR)) == [Refunded(5)]
    assert world.account("amina").available == 20


def test_refunded_points_count_for_no_tier() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 60, START), Earn("amina", "p2", 10, START))
    world.do(Refund("amina", "f1", "p1", 11, START + HOUR))
    [asked] = world.do(Redeem("amina", "r1", "silver-only", START + 2 * HOUR))
    assert isinstance(asked, Declined) and asked.reason == "tier_too_low"


def test_a_refund_dated_before_its_purchase_counts_at_the_purchase() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 20, START))
    assert world.do(Refund("amina", "f1", "p1", 20, START - DAY)) == [Refunded(20)]
    assert world.postings[-1].at == START


def test_points_on_their_way_pay_for_a_refund_after_those_that_are_there() -> None:
    world = World(["amina"], LATER)
    world.do(Earn("amina", "p1", 20, START), Close("amina", START + 3 * DAY))
    world.do(Redeem("amina", "r1", "mug", START + 3 * DAY), Earn("amina", "p2", 50, START + 3 * DAY))
    assert world.do(Refund("amina", "f1", "p1", 20, START + 3 * DAY)) == [Refunded(20)]
    assert (world.account("amina").pending, world.account("amina").owed) == (30, 0)
