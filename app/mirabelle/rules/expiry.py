"""When points and vouchers end: always at the end of a local day."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache


def end_of_local_day(instant: datetime, days_later: int, zone: tzinfo) -> datetime:
    """The end of the local day `days_later` days after `instant`'s local day, in UTC.

    It is the first moment of the next local day, so a lot of 1 January with 90 days is gone when 2 April begins.
    Days are counted on the calendar, so a change to or from daylight-saving time never shortens or adds one.
    """
    return _start_of(instant.astimezone(zone).date() + timedelta(days=days_later + 1), zone)


def end_of_local_period(instant: datetime, months: int, periods_later: int, zone: tzinfo) -> datetime:
    """The end, in UTC, of the calendar period of `months` (1, 3 or 12) that lies `periods_later` after `instant`'s."""
    day = instant.astimezone(zone).date()
    first_month = (day.month - 1) // months * months + months * (1 + periods_later)
    years, month = divmod(first_month, 12)
    return _start_of(date(day.year + years, month + 1, 1), zone)


@lru_cache(maxsize=1024)  # the same few days come again with each lot
def _start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
