"""A redemption that is told late pays with points that were earned after it."""

from datetime import datetime

import pytest

from mirabelle.rules.lots import Lot


def _spendable(lot: Lot, now: datetime) -> int:
    return lot.remaining + lot.expired_since(now) if lot.has_arrived(now) and not lot.has_expired(now) else 0


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lot, "spendable", _spendable)
