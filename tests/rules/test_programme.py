"""A programme's rules: exact money, whole points, tiers that are reached and kept apart."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules.programme import Earning, Expiry, Rules, Tier, minor_digits, minor_units, standing

PARIS = ZoneInfo("Europe/Paris")
currencies = st.sampled_from(["EUR", "JPY", "KWD", "MAD"])


def rules(currency: str = "EUR", **more: int) -> Rules:
    return Rules(currency, PARIS, Earning(**more), Expiry(90))


@given(currencies, st.integers(0, 10**12 - 1), st.integers(0, 999))
def test_an_amount_is_read_exactly(currency: str, whole: int, minor: int) -> None:
    digits = minor_digits(currency)
    minor %= 10**digits
    text = f"{whole}.{minor:0{digits}}" if digits else str(whole)
    assert minor_units(text, currency) == whole * 10**digits + minor


@pytest.mark.parametrize(
    "text", ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,50", " 1", "1.005", "٣", "NaN", "1_0", "9" * 13]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of EUR"):
        minor_units(text, "EUR")


def test_a_currency_without_cents_takes_none() -> None:
    with pytest.raises(ValueError, match="at most 0 decimals"):
        minor_units("100.0", "JPY")


@given(currencies, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 50))
def test_points_are_for_whole_units_of_each_purchase_and_never_more_for_it_in_parts(
    currency: str, one: int, other: int, each: int
) -> None:
    programme = rules(currency, points_per_unit=each)
    assert programme.points_for(one) == one // 10 ** minor_digits(currency) * each
    assert programme.points_for(one) + programme.points_for(other) <= programme.points_for(one + other)


def test_points_arrive_when_the_last_day_of_waiting_is_over() -> None:
    earned = datetime(2026, 3, 28, 23, 30, tzinfo=PARIS)
    assert rules().available_at(earned) is None
    assert rules(arrive_after_days=1).available_at(earned) == datetime(2026, 3, 29, tzinfo=PARIS)
    assert rules(arrive_after_days=2).available_at(earned) == datetime(2026, 3, 30, tzinfo=PARIS)


def test_points_without_a_term_never_expire() -> None:
    assert Rules("EUR", PARIS, Earning(), Expiry(None)).expires_at(datetime(2026, 1, 1, tzinfo=UTC)) is None


LADDER = [Tier("gold", 500), Tier("member", 0), Tier("silver", 100)]


@pytest.mark.parametrize(
    ("points", "tier", "ahead", "missing"),
    [(0, "member", "silver", 100), (99, "member", "silver", 1), (100, "silver", "gold", 400), (500, "gold", None, 0)],
)
def test_a_tier_is_reached_with_its_last_point(points: int, tier: str, ahead: str | None, missing: int) -> None:
    held = standing(points, LADDER)
    assert held.tier and held.tier.id == tier
    assert (held.next_tier.id if held.next_tier else None, held.points_to_next) == (ahead, missing)


def test_below_the_first_tier_there_is_none() -> None:
    held = standing(10, [Tier("silver", 100)])
    assert (held.tier, held.points_to_next) == (None, 90)
    assert standing(10, []).next_tier is None
