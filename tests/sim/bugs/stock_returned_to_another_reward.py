"""A piece that comes back is put to the pieces of another reward."""

import pytest

from mirabelle.rules.book import Book

_change_stock = Book.change_stock


def _change(book: Book, reward: str, cell: int, pieces: int) -> None:
    other = {"few": "rare", "rare": "few"}.get(reward, reward)
    _change_stock(book, other if pieces > 0 else reward, cell, pieces)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "change_stock", _change)
