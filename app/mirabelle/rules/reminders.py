"""Reminders of what expires: which are due and when the next is, by what somebody chose and what was told already."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import count
from typing import Final, Literal, get_args

DaysBefore = Literal[1, 3, 7, 14, 30]
EveryDays = Literal[1, 7]
DAYS_BEFORE: Final[tuple[DaysBefore, ...]] = get_args(DaysBefore)


@dataclass(frozen=True, slots=True)
class Choices:
    """How many days before a last day somebody is reminded of it; on none of them: never.

    One reminder tells of all that is due, and there is one in `every_days` days at most. From the hour `quiet_from` to
    `quiet_to` there is none; where they are the same no hour is quiet. Days and hours are the programme's.
    """

    days: tuple[DaysBefore, ...] = (1, 7)
    every_days: EveryDays = 1
    quiet_from: int = 21
    quiet_to: int = 8


@dataclass(frozen=True, slots=True)
class Expiring:
    """Something that expires; another moment makes it another thing."""

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reminder:
    """That there are only so many days left of something."""

    thing: Expiring
    days: DaysBefore

    @property
    def id(self) -> str:
        """What it is told as, once."""
        return f"{self.thing.id}:{self.days}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to tell now, in one reminder, soonest end first; and when to tell next, None where there is nothing more."""

    due: tuple[Reminder, ...]
    next_at: datetime | None


def plan(
    things: Iterable[Expiring], choices: Choices, told: Mapping[str, datetime], now: datetime, zone: tzinfo
) -> Plan:
    """What is due of `things` at `now`, where reminders by their ids were `told` before.

    What would be over when somebody may be reminded the next time is told along with the rest, before its day.
    """
    ahead = sorted(
        (thing for thing in things if thing.expires_at > now), key=lambda thing: (thing.expires_at, thing.id)
    )
    last = max(told.values(), default=None)
    due: list[Reminder] = []
    if choices.days and may_tell(choices, last, now, zone):
        due = [found for thing in ahead if (found := _reached(thing, choices, told, now, zone))]
    if due:
        following = opening(choices, now, now, zone)
        due = [found for thing in ahead if (found := _by(thing, following, choices, told, now, zone))]
        last, told = now, {**told, **{reminder.id: now for reminder in due}}
    moments = (moment for thing in ahead for moment in _moments(thing, choices, told, last, now, zone))
    return Plan(tuple(due), min(moments, default=None))


def may_tell(choices: Choices, last: datetime | None, now: datetime, zone: tzinfo) -> bool:
    """Whether somebody who was reminded `last` may be reminded at `now`."""
    return bool(choices.days) and opening(choices, last, now, zone) == now


def opening(choices: Choices, last: datetime | None, earliest: datetime, zone: tzinfo) -> datetime:
    """The first moment from `earliest` on at which somebody who was reminded `last` may be reminded."""
    if last is not None:
        next_day = last.astimezone(zone).date() + timedelta(days=choices.every_days)
        earliest = max(earliest, _moment(next_day, 0, zone))
    if not _is_quiet(choices, earliest, zone):
        return earliest
    day = earliest.astimezone(zone).date()
    ends = (_moment(day + timedelta(days=days), choices.quiet_to, zone) for days in count())
    # On a day on which the clocks change the hour after the quiet ones may be missing.
    return next(end for end in ends if end > earliest and not _is_quiet(choices, end, zone))


def _is_quiet(choices: Choices, moment: datetime, zone: tzinfo) -> bool:
    hour, start, end = moment.astimezone(zone).hour, choices.quiet_from, choices.quiet_to
    return start <= hour < end if start <= end else hour >= start or hour < end


def _moment(day: date, hour: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)


def _starts_at(reminder: Reminder, zone: tzinfo) -> datetime:
    """From when on it can be told: so many days before the last day, which ends with the thing."""
    last_day = (reminder.thing.expires_at - timedelta(microseconds=1)).astimezone(zone).date()
    return _moment(last_day - timedelta(days=reminder.days), 0, zone)


def _left(thing: Expiring, choices: Choices, told: Mapping[str, datetime]) -> list[Reminder]:
    """What is still to be told of it, first to last: after a later reminder an earlier one says nothing new."""
    known = (days for days in DAYS_BEFORE if Reminder(thing, days).id in told)
    fewest = min(known, default=max(DAYS_BEFORE) + 1)
    return [Reminder(thing, days) for days in sorted(set(choices.days), reverse=True) if days < fewest]


def is_news(id_: str, told: Iterable[str]) -> bool:
    """Whether none that was `told` says more of the same thing than the reminder `id_`, which was asked for before."""
    thing, _, days = id_.rpartition(":")
    return not any(f"{thing}:{fewer}" in told for fewer in DAYS_BEFORE if fewer < int(days))


def _reached(
    thing: Expiring, choices: Choices, told: Mapping[str, datetime], now: datetime, zone: tzinfo
) -> Reminder | None:
    reached = [reminder for reminder in _left(thing, choices, told) if _starts_at(reminder, zone) <= now]
    return reached[-1] if reached else None


def _by(
    thing: Expiring,
    following: datetime,
    choices: Choices,
    told: Mapping[str, datetime],
    now: datetime,
    zone: tzinfo,
) -> Reminder | None:
    """What is due of it now, or has to be told now since the `following` reminder comes too late."""
    reached = _reached(thing, choices, told, now, zone)
    left = _left(thing, choices, told)
    if reached is None and left and thing.expires_at <= following:
        return left[0]
    return reached


def _moments(
    thing: Expiring,
    choices: Choices,
    told: Mapping[str, datetime],
    last: datetime | None,
    now: datetime,
    zone: tzinfo,
) -> Iterable[datetime]:
    for reminder in _left(thing, choices, told):
        moment = opening(choices, last, max(now, _starts_at(reminder, zone)), zone)
        if moment < thing.expires_at:
            yield moment
