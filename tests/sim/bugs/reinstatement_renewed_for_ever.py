"""Each coming and going gives points that ended the days of grace anew."""

from datetime import datetime

import pytest

from mirabelle.rules import spending
from mirabelle.rules.book import Book
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account
from mirabelle.rules.redemption import RedemptionRecord

_with_back = spending._with_back


def _renewed(book: Book, account: Account, lot: Lot, points: int, of: tuple[RedemptionRecord, datetime]) -> Lot:
    back = _with_back(book, account, lot, points, of)
    if not back.has_expired(of[1]):
        return back
    return back._replace(expires_at=book.rules.reinstated_until(of[1]))


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spending, "_with_back", _renewed)
