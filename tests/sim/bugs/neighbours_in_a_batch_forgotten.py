"""The participant's limit counts what was had before the batch, not what others in it just got."""

import pytest

from mirabelle.rules.book import Book


def _had_before(book: Book, participant: str, reward: str) -> int:
    return book.snapshot.had_before.get((participant, reward), 0)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "had_before", _had_before)
