"""Off by one: points can still pay at the very moment at which they have ended."""

from datetime import datetime

import pytest

from mirabelle.rules.lots import Lot


def _has_expired(lot: Lot, now: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at < now


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lot, "has_expired", _has_expired)
