"""A scan that came too late is booked as a loss again whenever its till tells of it under another key."""

import pytest

from mirabelle.rules.book import Book
from mirabelle.rules.redemption import ConflictRecord


def _none(_book: Book, _voucher: bytes) -> list[ConflictRecord]:
    return []


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "conflicts_of", _none)
