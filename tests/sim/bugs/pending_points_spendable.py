"""Points can pay before they have arrived."""

from datetime import datetime

import pytest

from mirabelle.rules.lots import Lot


def _spendable(lot: Lot, now: datetime) -> int:
    return 0 if lot.earned_at > now or lot.has_expired(now) else lot.remaining + lot.expired_since(now)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lot, "spendable", _spendable)
