"""Policies of time: calendar and rolling expiry, versions, extensions, and the nightly close with its tiers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mirabelle.rules.commands import Cancel, Close, Closed, Declined, Earn, Extend, Extended, Redeem, Redeemed, Refund
from mirabelle.rules.earning import lots_to_extend
from mirabelle.rules.programme import Expiry, ExpiryPolicy, Extension, Rules
from mirabelle.rules.redemption import NewVoucher
from tests.rules.ledger_world import LATER, RULES, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROLLING = replace(RULES, expiry=Expiry(10, policy=ExpiryPolicy.ROLLING))
EXTENDING = replace(RULES, extension=Extension(active_within_days=5, ending_within_days=3, days=7, times=1))


def local(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


def with_policy(policy: ExpiryPolicy, after_periods: int = 0) -> Rules:
    return replace(RULES, expiry=Expiry(policy=policy, after_periods=after_periods))


@pytest.mark.parametrize(
    ("policy", "after_periods", "end"),
    [
        (ExpiryPolicy.MONTH, 0, local(2026, 4, 1)),
        (ExpiryPolicy.MONTH, 9, local(2027, 1, 1)),
        (ExpiryPolicy.QUARTER, 0, local(2026, 4, 1)),
        (ExpiryPolicy.QUARTER, 3, local(2027, 1, 1)),
        (ExpiryPolicy.YEAR, 0, local(2027, 1, 1)),
        (ExpiryPolicy.YEAR, 1, local(2028, 1, 1)),
    ],
)
def test_calendar_points_end_with_their_period(policy: ExpiryPolicy, after_periods: int, end: datetime) -> None:
    rules = with_policy(policy, after_periods)
    assert rules.expires_at(local(2026, 3, 1)) == end
    # The last moment of March in Paris is still March in summer time, and one more is not.
    assert rules.expires_at(local(2026, 4, 1) - timedelta(microseconds=1)) == end


@pytest.mark.parametrize("policy", [ExpiryPolicy.MONTH, ExpiryPolicy.QUARTER, ExpiryPolicy.YEAR])
def test_a_new_period_begins_at_local_midnight(policy: ExpiryPolicy) -> None:
    rules = with_policy(policy)
    last, first = rules.expires_at(local(2027, 1, 1) - timedelta(microseconds=1)), rules.expires_at(local(2027, 1, 1))
    assert last == local(2027, 1, 1) and first is not None and first > last


def test_activity_renews_every_lot_of_a_rolling_policy() -> None:
    world = World(["amina"], ROLLING)
    world.do(Earn("amina", "p1", 30, START), Earn("amina", "p2", 5, START + 8 * DAY))
    ends = {lot.expires_at for lot in world.account("amina").lots.values()}
    assert ends == {ROLLING.end_of_day(START + 8 * DAY, 10)}
    world.do(Redeem("amina", "r1", "mug", START + 12 * DAY))
    ends = {lot.expires_at for lot in world.account("amina").lots.values() if lot.remaining}
    assert ends == {ROLLING.end_of_day(START + 12 * DAY, 10)}


def test_what_is_not_activity_renews_nothing() -> None:
    world = World(["amina"], ROLLING)
    world.do(Earn("amina", "p1", 30, START))
    world.do(Redeem("amina", "r1", "no-such", START + 5 * DAY), Refund("amina", "f1", "p1", 1, START + 5 * DAY))
    assert world.account("amina").lots[1].expires_at == ROLLING.end_of_day(START, 10)


def test_a_new_version_of_the_rules_never_changes_lots_that_exist() -> None:
    world = World(["amina"], RULES)
    world.do(Earn("amina", "p1", 30, START))
    world.snapshot = replace(world.snapshot, rules=replace(ROLLING, version=2))
    world.do(Earn("amina", "p2", 5, START + 5 * DAY), Earn("amina", "p3", 5, START + 7 * DAY))
    fixed, rolling, _ = world.account("amina").lots.values()
    assert (fixed.policy_version, fixed.expires_at) == (1, RULES.end_of_day(START, 10))
    assert (rolling.policy_version, rolling.expires_at) == (2, ROLLING.end_of_day(START + 7 * DAY, 10))


def test_an_extension_gives_active_participants_more_time_for_what_ends_soon() -> None:
    world = World(["amina"], EXTENDING)
    world.do(Earn("amina", "p1", 30, START), Earn("amina", "p2", 5, START + 5 * DAY))
    now = START + 8 * DAY
    [extended] = world.do(Extend("amina", now))
    end = RULES.end_of_day(START, 10)
    assert isinstance(extended, Extended) and [lot.number for lot in extended.lots] == [1]
    assert world.account("amina").lots[1].expires_at == end + 7 * DAY
    assert world.postings[-1].lots == ((1, 0),) and world.postings[-1].moves.total() == 0
    assert world.do(Extend("amina", now)) == [Extended([])]  # at most once a lot


def test_an_extension_leaves_the_inactive_and_what_ends_later_or_has_ended() -> None:
    for earned, now in ((START, START + 9 * DAY), (START, START + 5 * DAY), (START, START + 12 * DAY)):
        world = World(["amina"], EXTENDING)
        world.do(Earn("amina", "p1", 30, earned))
        assert world.do(Extend("amina", now)) == [Extended([])]


def test_the_preview_of_an_extension_is_what_it_does() -> None:
    world = World(["amina"], EXTENDING)
    world.do(Earn("amina", "p1", 30, START), Earn("amina", "p2", 5, START + 5 * DAY))
    preview = lots_to_extend(world.account("amina"), EXTENDING, START + 8 * DAY)
    assert world.do(Extend("amina", START + 8 * DAY)) == [Extended(preview)]


def test_a_close_posts_what_the_day_did_and_a_second_one_nothing() -> None:
    world = World(["amina"], LATER)
    world.do(Earn("amina", "p1", 70, START))
    assert world.do(Close("amina", START + 3 * DAY)) == [Closed(70, 0, tier_changed=True)]
    world.do(Earn("amina", "p2", 10, START + 5 * DAY))
    assert world.do(Close("amina", START + 15 * DAY)) == [Closed(10, 70, tier_changed=False)]
    assert world.do(Close("amina", START + 15 * DAY)) == [Closed(0, 0, tier_changed=False)]


def test_closing_every_night_or_once_after_weeks_ends_in_the_same_postings() -> None:
    every_night, once = World(["amina"], LATER), World(["amina"], LATER)
    for world in (every_night, once):
        world.do(Earn("amina", "p1", 70, START), Earn("amina", "p2", 10, START + 5 * DAY))
    for night in range(30):
        every_night.do(Close("amina", START + night * DAY))
    once.do(Close("amina", START + 29 * DAY))
    assert every_night.postings == once.postings


def test_a_tier_is_kept_until_the_nightly_close() -> None:
    world = World(["amina"])
    world.do(Earn("amina", "p1", 60, START), Close("amina", START))
    world.do(Refund("amina", "f1", "p1", 10, START + DAY))
    [by_day] = world.do(Redeem("amina", "r1", "silver-only", START + DAY))
    world.do(Close("amina", START + DAY))
    [next_day] = world.do(Redeem("amina", "r2", "silver-only", START + DAY))
    assert isinstance(by_day, Redeemed) and isinstance(next_day, Declined)


def test_an_extension_done_again_on_its_day_extends_nothing_twice() -> None:
    often = replace(RULES, extension=Extension(active_within_days=20, ending_within_days=15, days=2, times=5))
    world = World(["amina"], often)
    world.do(Earn("amina", "p1", 30, START), Extend("amina", START + DAY))
    assert world.do(Extend("amina", START + DAY + timedelta(hours=9))) == [Extended([])]
    assert world.do(Extend("amina", START + 2 * DAY)) != [Extended([])]


@pytest.mark.parametrize("order", [(0, 9), (9, 0)])
def test_activity_renews_points_of_purchases_that_come_late(order: tuple[int, int]) -> None:
    world = World(["amina"], ROLLING)
    for day in order:
        world.do(Earn("amina", f"p{day}", 5, START + day * DAY))
    assert {lot.expires_at for lot in world.account("amina").lots.values()} == {ROLLING.end_of_day(START + 9 * DAY, 10)}


def test_activity_renews_points_that_are_on_their_way_or_held() -> None:
    rolling = replace(ROLLING, earning=LATER.earning)
    world = World(["amina"], rolling)
    world.do(Earn("amina", "p1", 30, START), Earn("amina", "p2", 1, START + DAY))
    assert world.account("amina").lots[1].expires_at == rolling.end_of_day(START + DAY, 10)
    world.do(Redeem("amina", "r1", "card", START + 5 * DAY, voucher=NewVoucher(bytes(16), "c", b"k" * 32, "s", 1)))
    world.do(Earn("amina", "p3", 1, START + 14 * DAY), Cancel("amina", "r1", START + 16 * DAY))
    assert world.account("amina").lots[1].expires_at == rolling.end_of_day(START + 14 * DAY, 10)
