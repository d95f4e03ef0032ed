"""Points end with the day in UTC, not with the programme's."""

from datetime import UTC, datetime, tzinfo

import pytest

from mirabelle.rules import programme
from mirabelle.rules.expiry import end_of_local_day


def _end_of_day(instant: datetime, days_later: int, _zone: tzinfo) -> datetime:
    return end_of_local_day(instant, days_later, UTC)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(programme, "end_of_local_day", _end_of_day)
