"""Points that never end pay before those that do."""

from datetime import datetime

import pytest

from mirabelle.rules import lots
from mirabelle.rules.lots import Lot


def _paying_order(lot: Lot) -> tuple[float, datetime, int]:
    return lot.expires_at.timestamp() if lot.expires_at else 0.0, lot.earned_at, lot.number


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lots, "_paying_order", _paying_order)
