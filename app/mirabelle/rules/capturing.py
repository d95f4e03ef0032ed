"""Held points that are captured once what they paid for is had, and held again when that is undone."""

from dataclasses import replace
from datetime import datetime

from mirabelle.rules.book import Book
from mirabelle.rules.postings import Entry, Moves, PostingKind
from mirabelle.rules.redemption import RedemptionState, ValueClass, VoucherRecord


def capture_points(book: Book, voucher: VoucherRecord, at: datetime) -> None:
    """Burn what the voucher's redemption holds, if it still does."""
    record = book.redemption(voucher.redemption)
    if record is None or record.state is not RedemptionState.HELD:
        return
    at = max(at, record.at)  # a till's clock may be a little behind
    account = book.account(record.participant, at)
    left = record.points - record.returned
    book.post(account, Entry(at, PostingKind.CAPTURE, record.id, Moves(held=-left, burned=left), (), record.reward))
    book.changes.redemptions[record.id] = replace(record, state=RedemptionState.CAPTURED, held_until=None)


def hold_points_again(book: Book, voucher: VoucherRecord, at: datetime) -> None:
    """Hold what was captured for the voucher, where its class is one whose points are held."""
    record = book.redemption(voucher.redemption)
    if record is None or voucher.value_class is not ValueClass.C or record.state is not RedemptionState.CAPTURED:
        return
    account = book.account(record.participant, at)
    left = record.points - record.returned
    book.post(account, Entry(at, PostingKind.HOLD, record.id, Moves(held=left, burned=-left), (), record.reward))
    held = replace(record, state=RedemptionState.HELD, held_until=voucher.expires_at)
    book.changes.redemptions[record.id] = held
