"""Reminders: when somebody is told of what expires, and that they are told once."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mirabelle.rules.reminders import DAYS_BEFORE, Choices, Expiring, Plan, opening, plan

PARIS = ZoneInfo("Europe/Paris")
# Where clocks change at night, at midnight, by half an hour, where none do, and where a whole day was left out.
ZONES = [ZoneInfo(n) for n in "Europe/Paris Africa/Cairo Australia/Lord_Howe Asia/Tokyo Pacific/Apia".split()]
ALWAYS = Choices(days=(1, 7), quiet_from=0, quiet_to=0)


def local(day: int, hour: int = 0, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def ids(found: Plan) -> list[str]:
    return [reminder.id for reminder in found.due]


def test_what_ends_with_a_day_is_told_of_so_many_days_before_that_day():
    thing = Expiring("v", local(20))  # the 19th is its last day
    first = plan([thing], ALWAYS, {}, local(11, 23), PARIS)
    assert ids(first) == [] and first.next_at == local(12)
    told = plan([thing], ALWAYS, {}, local(12), PARIS)
    assert ids(told) == ["v:7"] and told.next_at == local(18)
    assert ids(plan([thing], ALWAYS, {"v:7": local(12)}, local(18), PARIS)) == ["v:1"]


def test_of_two_reminders_that_are_due_only_the_later_is_told():
    thing = Expiring("v", local(20))
    assert ids(plan([thing], ALWAYS, {}, local(19), PARIS)) == ["v:1"]
    assert plan([thing], ALWAYS, {"v:1": local(18)}, local(19), PARIS) == Plan((), None)


def test_quiet_hours_across_midnight_hold_a_reminder_back_until_they_end():
    choices = Choices(days=(1,), quiet_from=21, quiet_to=8)
    thing = Expiring("v", local(20))
    at_night = plan([thing], choices, {}, local(18, 2), PARIS)
    assert at_night == Plan((), local(18, 8))
    assert ids(plan([thing], choices, {}, local(18, 8), PARIS)) == ["v:1"]
    assert plan([thing], choices, {}, local(18, 21), PARIS).next_at == local(19, 8)


def test_quiet_hours_end_by_the_clock_on_the_wall_also_when_clocks_change():
    choices = Choices(quiet_from=22, quiet_to=7)
    for day, month in ((29, 3), (25, 10)):
        assert opening(choices, None, local(day - 1, 23, month=month), PARIS) == local(day, 7, month=month)
    missing = Choices(quiet_from=3, quiet_to=2)  # all but the hour from two to three, which this night has not
    assert opening(missing, None, local(29), PARIS) == local(30, 2)


def test_there_is_one_reminder_a_day_at_most_and_it_tells_of_all():
    things = [Expiring("b", local(21)), Expiring("a", local(20)), Expiring("later", local(28))]
    first = plan(things, ALWAYS, {}, local(19, 9), PARIS)
    assert ids(first) == ["a:1", "b:1"]
    told = dict.fromkeys(ids(first), local(19, 9))
    more = [*things, Expiring("new", local(24))]
    assert plan(more, ALWAYS, told, local(19, 10), PARIS) == Plan((), local(20))


def test_once_a_week_tells_early_of_what_would_be_over_by_the_next_time():
    weekly = Choices(days=(1,), every_days=7, quiet_from=0, quiet_to=0)
    found = plan([Expiring("now", local(10)), Expiring("soon", local(14)), Expiring("far", local(20))], weekly, {},
                 local(8), PARIS)  # fmt: skip
    assert ids(found) == ["now:1", "soon:1"] and found.next_at == local(18)


def test_whoever_wants_no_reminders_gets_none():
    assert plan([Expiring("v", local(20))], Choices(days=()), {}, local(19), PARIS) == Plan((), None)


hours = st.integers(0, 23)
choices_made = st.builds(
    Choices,
    days=st.lists(st.sampled_from(DAYS_BEFORE), unique=True).map(tuple),
    every_days=st.sampled_from([1, 7]),
    quiet_from=hours,
    quiet_to=hours,
)
minutes = st.integers(0, 50 * 24 * 60)
STARTS = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC), datetime(2011, 12, 10, tzinfo=UTC)]


@settings(max_examples=150)
@given(
    choices_made, st.lists(minutes, max_size=6, unique=True), minutes, st.sampled_from(STARTS), st.sampled_from(ZONES)
)
def test_nothing_is_told_twice_or_in_quiet_hours_and_nothing_goes_untold(choices, ends, begin, start, zone):
    things = [Expiring(f"t{end}", start + timedelta(minutes=end)) for end in ends]
    now = begin = start + timedelta(minutes=begin)
    told: dict[str, datetime] = {}
    moment: datetime | None = now
    days_told = []
    while moment is not None:
        now = moment
        found = plan(things, choices, told, now, zone)
        for reminder in found.due:
            assert reminder.id not in told and reminder.thing.expires_at > now
            assert reminder.days in choices.days
        if found.due:
            here = now.astimezone(zone)
            quiet = {(choices.quiet_from + n) % 24 for n in range((choices.quiet_to - choices.quiet_from) % 24)}
            assert here.hour not in quiet
            days_told.append(here.date())
        told |= dict.fromkeys(ids(found), now)
        moment = found.next_at
        assert moment is None or moment > now
    assert all((late - early).days >= choices.every_days for early, late in pairwise(days_told))
    for thing in things:
        could = choices.days and opening(choices, None, begin, zone) < thing.expires_at
        reminded = any(id_.startswith(f"{thing.id}:") for id_ in told)
        assert reminded == bool(could), thing
