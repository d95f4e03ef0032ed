"""Every day is taken to last 24 hours, those on which the clocks change as well."""

from datetime import datetime, timedelta, tzinfo

import pytest

from mirabelle.rules import programme
from mirabelle.rules.expiry import end_of_local_day


def _end_of_day(instant: datetime, days_later: int, zone: tzinfo) -> datetime:
    return end_of_local_day(instant, 0, zone) + timedelta(days=days_later)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(programme, "end_of_local_day", _end_of_day)
