"""Points end with a local day, whatever the clocks of the place do in between."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules.expiry import end_of_local_day

# Clocks that change at night, at midnight, by half an hour, in the southern year, or by leaving out a whole day.
ZONES = [
    "UTC", "Europe/Paris", "America/New_York", "Africa/Cairo", "Africa/Casablanca", "America/Sao_Paulo",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Asia/Beirut",
]  # fmt: skip
# Hypothesis wants its bounds without a zone.
instants = st.datetimes(datetime(2005, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_a_lot_of_the_first_of_january_with_ninety_days_is_gone_when_the_second_of_april_begins() -> None:
    new_york = ZoneInfo("America/New_York")
    earned = datetime(2017, 1, 1, 11, 53, 26, tzinfo=new_york)
    assert end_of_local_day(earned, 90, new_york) == datetime(2017, 4, 2, tzinfo=new_york)


@pytest.mark.parametrize("name", ZONES)
@given(instants, st.integers(0, 800))
def test_it_is_the_first_moment_of_the_day_after_the_last(name: str, instant: datetime, days: int) -> None:
    zone = ZoneInfo(name)
    end = end_of_local_day(instant, days, zone)
    last_day = instant.astimezone(zone).date() + timedelta(days=days)
    assert end.tzinfo is UTC and end > instant
    assert end.astimezone(zone).date() > last_day
    if last_day.isoformat() != "2011-12-30":  # the day that Apia left out has no moment at all
        assert (end - timedelta(microseconds=1)).astimezone(zone).date() <= last_day


@pytest.mark.parametrize("name", ZONES)
@given(instants, instants, st.integers(0, 400))
def test_what_was_earned_on_one_day_ends_together_and_a_later_day_ends_later(
    name: str, one: datetime, other: datetime, days: int
) -> None:
    zone = ZoneInfo(name)
    first, second = sorted((one, other))
    ends = end_of_local_day(first, days, zone), end_of_local_day(second, days, zone)
    same_day = first.astimezone(zone).date() == second.astimezone(zone).date()
    assert ends[0] == ends[1] if same_day else ends[0] <= ends[1]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)], ids=["spring", "autumn", "summer"]
)
def test_a_day_on_which_the_clocks_change_lasts_as_long_as_it_does(day: str, hours: int) -> None:
    paris = ZoneInfo("Europe/Paris")
    begins = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=paris)
    assert end_of_local_day(begins, 0, paris) - begins.astimezone(UTC) == timedelta(hours=hours)
