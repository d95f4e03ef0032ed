"""Where local days and periods end, found by walking there."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


def local_day(instant: datetime, zone: str) -> date:
    """The day that it is at `instant` in the zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


@lru_cache(None)
def _end(day: date, zone: str) -> datetime:
    # No place is further ahead of UTC than 15 hours, and clocks change by quarters of an hour at least.
    moment = datetime.combine(day, time(9), UTC)
    while local_day(moment, zone) <= day:
        moment += timedelta(minutes=15)
    return moment


def day_end(instant: datetime, days_later: int, zone: str) -> datetime:
    """The first moment after the local day that is `days_later` days after `instant`'s."""
    return _end(local_day(instant, zone) + days_later * _DAY, zone)


@lru_cache(None)
def _last_day(day: date, months: int, periods_later: int) -> date:
    def period(of: date) -> int:
        return (of.year * 12 + of.month - 1) // months

    last = period(day) + periods_later
    while period(day + _DAY) <= last:
        day += _DAY
    return day


def period_end(instant: datetime, months: int, periods_later: int, zone: str) -> datetime:
    """The first moment after the calendar period of `months` that is `periods_later` after `instant`'s."""
    return _end(_last_day(local_day(instant, zone), months, periods_later), zone)
