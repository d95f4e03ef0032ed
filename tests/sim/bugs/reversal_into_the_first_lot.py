"""Points that come back go into the lot that paid first, however much it paid."""

import pytest

from mirabelle.rules import spending
from mirabelle.rules.postings import LotShares
from mirabelle.rules.redemption import RedemptionRecord


def _shares_to_return(record: RedemptionRecord, points: int) -> LotShares:
    return ((record.paid_by[0][0], points),)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spending, "shares_to_return", _shares_to_return)
