"""Events that come late count in their own time, as far as nobody is told anything else afterwards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules.commands import Close, Declined, Earn, Redeem, Redeemed, Refund, Refunded
from mirabelle.rules.programme import Earning, Expiry, ExpiryPolicy
from tests.rules.ledger_world import LATER, RULES, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def balance_on(world: World, at: datetime) -> int:
    """What the postings say of a moment."""
    return sum(posting.moves.available for posting in world.postings if posting.at <= at)


def expired(rules: object = RULES) -> World:
    """Amina earned 30 points, which have expired on the eleventh day."""
    world = World(["amina"], rules)
    world.do(Earn("amina", "p1", 30, START), Close("amina", START + 20 * DAY))
    assert world.account("amina").available == 0
    return world


def test_a_late_redemption_is_paid_by_points_that_expired_after_it() -> None:
    world = expired()
    [redeemed] = world.do(Redeem("amina", "r1", "mug", START + 2 * DAY))
    assert isinstance(redeemed, Redeemed) and redeemed.redemption.paid_by == ((1, 20),)
    assert [balance_on(world, START + days * DAY) for days in (1, 3, 20)] == [30, 10, 0]
    assert sum(posting.moves.expired for posting in world.postings) == 10


def test_a_late_redemption_cannot_spend_what_had_expired_before_it() -> None:
    [declined] = expired().do(Redeem("amina", "r1", "mug", START + 12 * DAY))
    assert isinstance(declined, Declined)


def test_a_late_redemption_cannot_spend_what_had_not_arrived() -> None:
    world = expired(LATER)
    [early] = world.do(Redeem("amina", "r1", "mug", START + 1 * DAY))
    [in_time] = world.do(Redeem("amina", "r2", "mug", START + 3 * DAY))
    assert isinstance(early, Declined) and isinstance(in_time, Redeemed)


def test_a_late_refund_takes_back_what_expired_after_it() -> None:
    world = expired()
    assert world.do(Refund("amina", "f1", "p1", 10, START + 2 * DAY)) == [Refunded(10)]
    assert [balance_on(world, START + days * DAY) for days in (1, 3, 20)] == [30, 20, 0]


def test_late_activity_renews_points_of_a_rolling_policy() -> None:
    rolling = replace(RULES, expiry=Expiry(10, policy=ExpiryPolicy.ROLLING))
    world = expired(rolling)
    world.do(Earn("amina", "p2", 5, START + 9 * DAY))
    assert world.account("amina").available == 35
    world.do(Close("amina", START + 19 * DAY))
    assert balance_on(world, START + 15 * DAY) == 35
    world.do(Close("amina", START + 21 * DAY))
    assert world.account("amina").available == 0


@given(st.permutations([0, 1, 2, 3]), st.lists(st.integers(1, 9), min_size=4, max_size=4))
def test_purchases_end_in_the_same_balance_in_whatever_order_they_come(order: list[int], days: list[int]) -> None:
    in_time, shuffled = World(["amina"]), World(["amina"])
    earned = [Earn("amina", f"p{n}", 10 + n, START + sum(days[: n + 1]) * DAY) for n in range(4)]
    for number, command in zip(order, earned, strict=True):
        in_time.do(command)
        shuffled.do(earned[number])
    for world in (in_time, shuffled):
        world.do(Close("amina", START + 40 * DAY))
    for day in range(40):
        assert balance_on(in_time, START + day * DAY) == balance_on(shuffled, START + day * DAY)


def test_a_late_refund_takes_back_what_expired_before_it_arrived() -> None:
    hurried = replace(RULES, expiry=Expiry(policy=ExpiryPolicy.MONTH), earning=Earning(arrive_after_days=20))
    world = World(["amina"], hurried)
    world.do(Earn("amina", "p1", 30, START), Close("amina", START + 20 * DAY))
    assert world.do(Refund("amina", "f1", "p1", 10, START + DAY)) == [Refunded(10)]
    assert (world.account("amina").available, world.account("amina").pending) == (0, 0)
    assert sum(posting.moves.expired for posting in world.postings) == 20


def test_a_late_refund_takes_no_points_that_were_earned_after_it() -> None:
    world = World(["amina"], LATER)
    world.do(Earn("amina", "p1", 20, START), Redeem("amina", "r1", "mug", START + 3 * DAY))
    world.do(Earn("amina", "p2", 20, START + 5 * DAY))
    assert world.do(Refund("amina", "f1", "p1", 20, START + 4 * DAY)) == [Refunded(0, owed=20)]
    assert world.account("amina").pending == 20
