"""A scan captures what was held for the voucher, and its reversal captures it once more."""

import pytest

from mirabelle.rules import commands as c
from mirabelle.rules import ledger, using
from mirabelle.rules.book import Book
from mirabelle.rules.postings import Entry, Moves, PostingKind
from mirabelle.rules.redemption import ValueClass
from mirabelle.rules.voucher_code import VoucherCode


def _scan(book: Book, command: c.Scan) -> c.Scanned:
    outcome = using.scan(book, command)
    voucher = outcome.voucher
    if outcome.verdict.code is VoucherCode.ACCEPTED and voucher and voucher.value_class is ValueClass.C:
        account = book.account(voucher.participant, command.at)
        again = min(account.held, 1)
        moves = Moves(held=-again, burned=again)
        book.post(account, Entry(command.at, PostingKind.CAPTURE, voucher.redemption, moves))
    return outcome


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(ledger._HANDLERS, c.Scan, _scan)
