"""A scan that is undone leaves its voucher under the same use number, so that its old codes come alive again."""

from dataclasses import replace
from datetime import datetime

import pytest

from mirabelle.rules import using
from mirabelle.rules.book import Book
from mirabelle.rules.redemption import UseRecord, VoucherRecord

_take_back = using._take_back


def _without_a_new_number(book: Book, voucher: VoucherRecord, use: UseRecord, at: datetime) -> UseRecord:
    undone = _take_back(book, voucher, use, at)
    book.changes.vouchers[voucher.id] = replace(book.changes.vouchers[voucher.id], use=voucher.use)
    return undone


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(using, "_take_back", _without_a_new_number)
