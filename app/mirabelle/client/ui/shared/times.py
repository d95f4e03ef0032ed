"""Times as people mean them."""

from datetime import datetime, timedelta, tzinfo


def last_moment(expires_at: datetime) -> datetime:
    """The last moment before `expires_at`: what ends at midnight is good until the day before."""
    return expires_at - timedelta(microseconds=1)


def days_between(now: datetime, then: datetime, zone: tzinfo | None) -> int:
    """Whole days from the day of `now` to the day of `then` in `zone`, the device's own where it is None."""
    return (then.astimezone(zone).date() - now.astimezone(zone).date()).days
