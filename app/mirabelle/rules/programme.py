"""A programme's rules: what is earned, when it expires, which tiers there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from mirabelle.rules.expiry import end_of_local_day, end_of_local_period

# ISO 4217 currencies whose minor unit is not a hundredth.
_MINOR_DIGITS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


_WHOLE: Final = (1, 10, 100, 1000)  # what one whole unit is, by its digits


def minor_digits(currency: str) -> int:
    """How many decimal digits `currency` (an ISO 4217 code) has."""
    return _MINOR_DIGITS.get(currency, 2)


def minor_units(amount: str, currency: str) -> int:
    """The decimal `amount`, such as "12.50", in minor units of `currency`; raises ValueError when it is not one."""
    whole, point, fraction = amount.partition(".")
    digits = minor_digits(currency)
    well_formed = amount.isascii() and whole.isdigit() and (not point or fraction.isdigit())
    if not well_formed or len(whole) > 12 or len(fraction) > digits:
        raise ValueError(f"not an amount of {currency} with at most {digits} decimals")
    return int(whole + fraction.ljust(digits, "0"))


@dataclass(frozen=True, slots=True)
class Earning:
    """Points for purchases. `arrive_after_days` is how long a purchase's points stay pending."""

    points_per_unit: int = 1
    arrive_after_days: int = 0


class ExpiryPolicy(StrEnum):
    """When the points of a lot end: `after_days`, the same but renewed by activity, or with a calendar period."""

    FIXED = "fixed"
    ROLLING = "rolling"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS: Final = {ExpiryPolicy.MONTH: 1, ExpiryPolicy.QUARTER: 3, ExpiryPolicy.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Expiry:
    """How long lots live. `after_days` is None for never; `grace_days` is what a returned, expired lot gets.

    With a calendar policy, points live to the end of the period that is `after_periods` after the one they came in.
    """

    after_days: int | None = None
    grace_days: int = 30
    policy: ExpiryPolicy = ExpiryPolicy.FIXED
    after_periods: int = 0


class RefundPolicy(StrEnum):
    """What happens to refunded points that were spent. Both take other points, as far as the balance holds them.

    `within_balance` lets the rest be, unless the spent points themselves come back; `never_below_zero` takes it from
    the points that come in next.
    """

    WITHIN_BALANCE = "within_balance"
    NEVER_BELOW_ZERO = "never_below_zero"


@dataclass(frozen=True, slots=True)
class Extension:
    """More time for the points of participants who earned or spent in the last `active_within_days`.

    A lot that ends within `ending_within_days` gets `days` more, at most `times` times.
    """

    active_within_days: int
    ending_within_days: int
    days: int
    times: int = 1


@dataclass(frozen=True, slots=True)
class Transfers:
    """Whether participants may give points to each other: at least `from_points` at once."""

    allowed: bool = False
    from_points: int = 1


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
    refunds: RefundPolicy = RefundPolicy.WITHIN_BALANCE
    extension: Extension | None = None
    transfers: Transfers = Transfers()

    def points_for(self, amount_minor: int) -> int:
        """The points of one purchase: per whole currency unit, rounded down."""
        return amount_minor // _WHOLE[minor_digits(self.currency)] * self.earning.points_per_unit

    @property
    def renew_days(self) -> int | None:
        """How many days activity gives a lot earned under these rules; None where it gives none."""
        return self.expiry.after_days if self.expiry.policy is ExpiryPolicy.ROLLING else None

    def expires_at(self, earned_at: datetime) -> datetime | None:
        """When points earned at `earned_at` expire; None for never."""
        expiry = self.expiry
        if expiry.policy in _MONTHS:
            return end_of_local_period(earned_at, _MONTHS[expiry.policy], expiry.after_periods, self.zone)
        return None if expiry.after_days is None else self.end_of_day(earned_at, expiry.after_days)

    def end_of_day(self, instant: datetime, days_later: int) -> datetime:
        """The end of the programme's local day that is `days_later` after `instant`'s."""
        return end_of_local_day(instant, days_later, self.zone)

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


def standing(points_in_period: int, tiers: Sequence[Tier], kept: str = "") -> Standing:
    """Where `points_in_period` stand among `tiers`; the tier `kept` from the last nightly close is not left by day."""
    ladder = sorted(tiers, key=lambda tier: tier.from_points)
    enough = max(points_in_period, next((tier.from_points for tier in ladder if tier.id == kept), 0))
    reached = [tier for tier in ladder if tier.from_points <= enough]
    ahead = [tier for tier in ladder if tier.from_points > enough]
    return Standing(
        tier=reached[-1] if reached else None,
        points_in_period=points_in_period,
        next_tier=ahead[0] if ahead else None,
        points_to_next=ahead[0].from_points - points_in_period if ahead else 0,
    )
