"""Refunded points that were spent already are let go: nobody owes them."""

import pytest

from mirabelle.rules import commands as c
from mirabelle.rules import earning, ledger
from mirabelle.rules.book import Book


def _refund(book: Book, command: c.Refund) -> c.Refunded:
    owed = {who: account.owed for who, account in book.snapshot.accounts.items()}
    outcome = earning.refund(book, command)
    account = book.account(command.participant, command.at)
    forgotten = [lot._replace(owed=0) for lot in account.lots.values()]
    book.keep(account.with_lots(forgotten)._replace(owed=owed[command.participant]))
    return outcome


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(ledger._HANDLERS, c.Refund, _refund)
