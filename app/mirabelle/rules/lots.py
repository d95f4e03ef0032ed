"""Lots: points earned together, which expire together and pay in a fixed order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Lot:
    """Points earned together. `available_at` is None once they have arrived; `expires_at` is None for never."""

    number: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    points: int
    remaining: int
    source: str = ""
    policy_version: int = 1

    def has_arrived(self, now: datetime) -> bool:
        """Whether the points may be spent at `now`, as far as their release goes."""
        return self.available_at is None or self.available_at <= now

    def has_expired(self, now: datetime) -> bool:
        """Whether the lot's last moment is over at `now`."""
        return self.expires_at is not None and self.expires_at <= now


def _paying_order(lot: Lot) -> tuple[bool, float, datetime, int]:
    never = lot.expires_at is None
    return never, 0.0 if lot.expires_at is None else lot.expires_at.timestamp(), lot.earned_at, lot.number


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The lots that can pay at `now`: soonest-expiring first, never-expiring last, then in the order earned."""
    return sorted(
        (
            lot
            for lot in lots
            if lot.remaining > 0 and lot.earned_at <= now and lot.has_arrived(now) and not lot.has_expired(now)
        ),
        key=_paying_order,
    )


def take(lots: Iterable[Lot], points: int, now: datetime) -> list[tuple[int, int]] | None:
    """Which lots pay `points` at `now`, as (lot number, points) in paying order; None where they do not suffice."""
    missing = points
    shares: list[tuple[int, int]] = []
    for lot in spendable(lots, now):
        if missing == 0:
            break
        share = min(lot.remaining, missing)
        shares.append((lot.number, share))
        missing -= share
    return shares if missing == 0 else None
