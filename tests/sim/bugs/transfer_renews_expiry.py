"""Points that change hands live as long as if they had just been earned."""

import pytest

from mirabelle.rules import commands as c
from mirabelle.rules import earning
from mirabelle.rules.book import Book
from mirabelle.rules.lots import Lot

_receive = earning._receive


def _renewed(book: Book, command: c.Transfer, given: list[Lot]) -> None:
    until = book.rules.expires_at(command.at)
    _receive(book, command, [lot._replace(expires_at=until) for lot in given])


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(earning, "_receive", _renewed)
