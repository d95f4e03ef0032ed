"""Lots: points earned together, which expire together and pay in a fixed order."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Lot(NamedTuple):
    """Points earned together.

    `available_at` is None once they have arrived, and `arrived_at` says when if that was later than they were earned.
    `expires_at` is None for never; `expired` are points that ended, and that no refund has claimed since. `ended_at` is
    when the lot ended first, if it was reinstated since. Of `refunded` points, which refunds of their purchase claimed,
    `owed` were spent when that happened and are taken when they come back. `given` points are another participant's
    now; `transferred` ones were earned by another. `returned` points were away until `returned_at`. Activity renews the
    lot for `renew_days`; it was extended `extensions` times, the last time at `extended_at`.
    """

    number: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    points: int
    remaining: int
    source: str = ""
    policy_version: int = 1
    arrived_at: datetime | None = None
    expired: int = 0
    refunded: int = 0
    owed: int = 0
    renew_days: int | None = None
    extensions: int = 0
    transferred: bool = False
    given: int = 0
    returned: int = 0
    returned_at: datetime | None = None
    ended_at: datetime | None = None
    extended_at: datetime | None = None

    def has_arrived(self, now: datetime) -> bool:
        """Whether the points may be spent at `now`, as far as their release goes."""
        since = self.available_at or self.arrived_at
        return since is None or since <= now

    def has_expired(self, now: datetime) -> bool:
        """Whether the lot's last moment is over at `now`."""
        return self.expires_at is not None and self.expires_at <= now

    def expired_since(self, now: datetime) -> int:
        """The points that expired but had not expired at `now`, which may be past."""
        # Of a reinstated lot nobody knows any more what it held when it ended first.
        return 0 if self.ended_at or self.has_expired(now) else self.expired

    def spendable(self, now: datetime) -> int:
        """The points that can pay at `now`, which may be past: what was away then could not."""
        if self.earned_at > now or not self.has_arrived(now) or self.has_expired(now):
            return 0
        away = self.returned if self.returned_at is not None and now < self.returned_at else 0
        return max(self.remaining - away, 0) + self.expired_since(now)


def _paying_order(lot: Lot) -> tuple[bool, float, datetime, int]:
    never = lot.expires_at is None
    return never, 0.0 if lot.expires_at is None else lot.expires_at.timestamp(), lot.earned_at, lot.number


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The lots that can pay at `now`: soonest-expiring first, never-expiring last, then in the order earned."""
    return sorted((lot for lot in lots if lot.spendable(now) > 0), key=_paying_order)


def take(lots: Iterable[Lot], points: int, now: datetime) -> list[tuple[int, int]] | None:
    """Which lots pay `points` at `now`, as (lot number, points) in paying order; None where they do not suffice."""
    missing = points
    shares: list[tuple[int, int]] = []
    for lot in spendable(lots, now):
        if missing == 0:
            break
        share = min(lot.spendable(now), missing)
        shares.append((lot.number, share))
        missing -= share
    return shares if missing == 0 else None
