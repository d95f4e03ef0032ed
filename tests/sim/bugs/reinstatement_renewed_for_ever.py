"""Each coming and going gives points that ended the days of grace anew."""

from datetime import datetime

import pytest

from mirabelle.rules import spending
from mirabelle.rules.book import Book
from mirabelle.rules.lots import Lot


def _reinstated(book: Book, lot: Lot, at: datetime) -> Lot:
    if not lot.has_expired(at):
        return lot
    return lot._replace(expires_at=book.rules.reinstated_until(at), reinstated=True)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(spending, "_reinstated", _reinstated)
