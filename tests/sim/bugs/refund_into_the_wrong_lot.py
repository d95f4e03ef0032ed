"""A refund takes the points that end soonest, not first those that its purchase earned."""

import pytest

from mirabelle.rules import commands as c
from mirabelle.rules import earning, ledger
from mirabelle.rules.book import Book
from mirabelle.rules.lots import spendable


def _refund(book: Book, command: c.Refund) -> c.Refunded:
    account = book.account(command.participant, command.at)
    own = next((lot for lot in account.lots.values() if lot.source == command.purchase and not lot.transferred), None)
    payers = spendable(account.lots.values(), command.at)
    if own is None or not payers or payers[0].remaining < command.points or own.points - own.refunded < command.points:
        return earning.refund(book, command)
    book.keep(account.with_lots([own._replace(refunded=own.refunded + command.points)]))
    account = book.account(command.participant, command.at)
    book.claw_back(account, account.lots[payers[0].number], command.points, (command.at, command.source))
    return c.Refunded(command.points)


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(ledger._HANDLERS, c.Refund, _refund)
