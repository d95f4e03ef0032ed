"""When points and vouchers end: always at the end of a local day."""

from datetime import UTC, datetime, time, timedelta, tzinfo


def end_of_local_day(instant: datetime, days_later: int, zone: tzinfo) -> datetime:
    """The end of the local day `days_later` days after `instant`'s local day, in UTC.

    It is the first moment of the next local day, so a lot of 1 January with 90 days is gone when 2 April begins.
    Days are counted on the calendar, so a change to or from daylight-saving time never shortens or adds one.
    """
    last_day = instant.astimezone(zone).date() + timedelta(days=days_later)
    return datetime.combine(last_day + timedelta(days=1), time.min, tzinfo=zone).astimezone(UTC)
