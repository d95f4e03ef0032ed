"""What time it is at a till that cannot ask: the last time its server told, and what has gone by since.

Times are unix seconds. `elapsed` readings come from a clock that only runs forward, and are worth nothing once the
device was started anew: then the wall clock stands in, as long as nothing speaks against it.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

SKEW_SECONDS: Final = 60
"""How far a wall clock may be off before it is called wrong."""


class ClockRefusal(StrEnum):
    """Why a till does not know what time it is."""

    UNKNOWN = "clock_unknown"
    WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True)
class Told:
    """What a till remembers of time: `at` is the latest moment known to have passed.

    `elapsed` is the forward clock's reading then, None after a restart. `skew` is how far the wall clock was ahead of
    the server when they were last compared. `as_of` is the last moment that the server vouched for, where `at` is only
    the wall clock's word.
    """

    at: float
    elapsed: float | None
    skew: float
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """What time it is. `as_of` is the last moment known for certain, where only the wall clock vouches for now."""

    now: float
    as_of: float | None = None


def told_by_server(server: float, wall: float, elapsed: float) -> Told:
    """Take in what the server says."""
    return Told(at=server, elapsed=elapsed, skew=wall - server)


def after_restart(told: Told) -> Told:
    """What is left of it when the forward clock starts anew."""
    return replace(told, elapsed=None)


def trusted_time(told: Told | None, wall: float, elapsed: float) -> TrustedTime | ClockRefusal:
    """The time now, or why nobody knows it.

    After a restart the wall clock is believed if it was right when it was last compared, and does not say that it is
    earlier than a moment that has passed.
    """
    if told is None:
        return ClockRefusal.UNKNOWN
    if told.elapsed is None:
        is_wrong = wall < told.at or abs(told.skew) > SKEW_SECONDS
        return ClockRefusal.WRONG if is_wrong else TrustedTime(wall, as_of=_certain(told))
    now = told.at + max(0.0, elapsed - told.elapsed)
    return ClockRefusal.WRONG if abs(wall - now) > SKEW_SECONDS else TrustedTime(now, as_of=told.as_of)


def passed(told: Told, time: TrustedTime, elapsed: float) -> Told:
    """Remember that `time` has passed: from now on no wall clock can go back behind it, nor run away from it."""
    return Told(at=time.now, elapsed=elapsed, skew=told.skew, as_of=time.as_of)


def _certain(told: Told) -> float:
    return told.at if told.as_of is None else told.as_of
