"""A programme's rules: what is earned, when it expires, which tiers there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from mirabelle.rules.expiry import end_of_local_day

# ISO 4217 currencies whose minor unit is not a hundredth.
_MINOR_DIGITS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def minor_digits(currency: str) -> int:
    """How many decimal digits `currency` (an ISO 4217 code) has."""
    return _MINOR_DIGITS.get(currency, 2)


def minor_units(amount: str, currency: str) -> int:
    """The decimal `amount`, such as "12.50", in minor units of `currency`; raises ValueError when it is not one."""
    whole, point, fraction = amount.partition(".")
    digits = minor_digits(currency)
    well_formed = whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit()))
    if not well_formed or len(whole) > 12 or len(fraction) > digits:
        raise ValueError(f"not an amount of {currency} with at most {digits} decimals")
    return int(whole + fraction.ljust(digits, "0"))


@dataclass(frozen=True, slots=True)
class Earning:
    """Points for purchases. `arrive_after_days` is how long a purchase's points stay pending."""

    points_per_unit: int = 1
    arrive_after_days: int = 0


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long lots live. `after_days` is None for never; `grace_days` is what a returned, expired lot gets."""

    after_days: int | None = None
    grace_days: int = 30


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier, reached by points earned within the period."""

    id: str
    from_points: int


TIER_PERIOD: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Rules:
    """A version of a programme's rules; a newer version never changes lots that exist already."""

    currency: str
    zone: tzinfo
    earning: Earning
    expiry: Expiry
    tiers: Sequence[Tier] = ()
    version: int = 1

    def points_for(self, amount_minor: int) -> int:
        """The points of one purchase: per whole currency unit, rounded down."""
        return amount_minor // int(10 ** minor_digits(self.currency)) * self.earning.points_per_unit

    def expires_at(self, earned_at: datetime) -> datetime | None:
        """When points earned at `earned_at` expire; None for never."""
        days = self.expiry.after_days
        return None if days is None else end_of_local_day(earned_at, days, self.zone)

    def available_at(self, earned_at: datetime) -> datetime | None:
        """When points earned at `earned_at` arrive; None for at once."""
        days = self.earning.arrive_after_days
        return end_of_local_day(earned_at, days - 1, self.zone) if days else None

    def reinstated_until(self, returned_at: datetime) -> datetime:
        """When points that come back to a lot after its end expire for good."""
        return end_of_local_day(returned_at, self.expiry.grace_days, self.zone)


@dataclass(frozen=True, slots=True)
class Standing:
    """The tier held for the points earned in the period, and how far the next one is."""

    tier: Tier | None
    points_in_period: int
    next_tier: Tier | None
    points_to_next: int


def standing(points_in_period: int, tiers: Sequence[Tier]) -> Standing:
    """Where `points_in_period` stand among `tiers`."""
    ladder = sorted(tiers, key=lambda tier: tier.from_points)
    reached = [tier for tier in ladder if tier.from_points <= points_in_period]
    ahead = [tier for tier in ladder if tier.from_points > points_in_period]
    return Standing(
        tier=reached[-1] if reached else None,
        points_in_period=points_in_period,
        next_tier=ahead[0] if ahead else None,
        points_to_next=ahead[0].from_points - points_in_period if ahead else 0,
    )
