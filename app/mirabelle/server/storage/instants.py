"""Instants as both databases keep them: microseconds since 1970, exact."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds_of(value: datetime | None) -> int | None:
    """An instant as it is kept: microseconds since 1970; None stays None."""
    return None if value is None else (value - _EPOCH) // _MICROSECOND


def instant_of(value: int | None) -> datetime | None:
    """The instant, in UTC, that is kept as `value`."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC: exact, and the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Microseconds since 1970."""
        return microseconds_of(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """The instant, in UTC."""
        return instant_of(value)
