"""How vouchers are used at tills: scans online, scans that were made without network, and scans that are undone."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from mirabelle.rules.book import Book
from mirabelle.rules.capturing import capture_points, hold_points_again
from mirabelle.rules.commands import BadProof, NotUndone, Scan, Scanned, Undone, UndoScan, Uploaded, UploadScan
from mirabelle.rules.postings import Entry, Moves, PostingKind
from mirabelle.rules.redemption import (
    BadProofRecord,
    ConflictRecord,
    RedemptionState,
    UseRecord,
    VoucherRecord,
    VoucherState,
)
from mirabelle.rules.scans import ScanVerdict, judge_scan, judge_upload
from mirabelle.rules.taking import end_due_holds
from mirabelle.rules.taking import undo as undo_taking
from mirabelle.rules.voucher_code import VoucherCode

_LAST_USE: Final = 255  # what a frame can say
# A typed code that got no answer may have been used so long before the till took its frame, by a clock a little off.
_LOST_BEFORE: Final = timedelta(minutes=6)


def scan(book: Book, command: Scan) -> Scanned:
    """Judge what a till was shown; what is accepted is used, and captures what was held for it."""
    voucher = book.voucher(command.voucher)
    uses = book.uses_of(voucher.id) if voucher is not None else {}
    mine = next((use for use in uses.values() if use.scan == command.scan), None)
    if voucher is not None and (mine is not None or book.was_undone(command.scan)):
        # The till gave up waiting, decided by itself and told of it: nobody waits for this answer any more.
        return Scanned(ScanVerdict(VoucherCode.ALREADY_USED), voucher, mine, known=True)
    if voucher is not None and voucher.value_minor is not None:
        return _look(book, command, end_due_holds(book, voucher, command.at))
    used = [(use.voucher, use.use) for use in uses.values()]
    verdict = judge_scan(command, voucher, used, book.snapshot.issuer_keys)
    if verdict.code is not VoucherCode.ACCEPTED or voucher is None:
        return Scanned(verdict, voucher, _first_use(uses, verdict))
    use = UseRecord(voucher.id, voucher.use, command.scan, command.till, command.store, command.at, command.frame)
    return Scanned(verdict, _use_up(book, voucher, use), use)


def _look(book: Book, command: Scan, voucher: VoucherRecord) -> Scanned:
    """Judge a voucher that carries money: nothing of it is taken before the till says how much."""
    used = [(voucher.id, voucher.use)] if voucher.state is VoucherState.USED else []
    verdict = judge_scan(command, voucher, used, book.snapshot.issuer_keys)
    if verdict.code is VoucherCode.ACCEPTED:
        verdict = replace(verdict, code=VoucherCode.AMOUNT_REQUIRED)
    return Scanned(verdict, voucher, None)


def _first_use(uses: dict[int, UseRecord], verdict: ScanVerdict) -> UseRecord | None:
    """The use that stands in the way, where one does."""
    return uses.get(verdict.use) if verdict.code is VoucherCode.ALREADY_USED and verdict.use is not None else None


def _use_up(book: Book, voucher: VoucherRecord, use: UseRecord) -> VoucherRecord:
    book.changes.uses[(use.voucher, use.use)] = use
    voucher = replace(voucher, state=VoucherState.USED)
    book.changes.vouchers[voucher.id] = voucher
    capture_points(book, voucher, use.at)
    return voucher


def upload(book: Book, command: UploadScan) -> Uploaded | BadProof:
    """Take down what a till accepted without network: the first to tell of it has the use, others are conflicts.

    The same scan told again changes nothing. What the till undid uses nothing up, and gives back what the server had
    accepted without the till's hearing of it. What was handed out is never refused, however doubtful it was.
    """
    voucher = book.voucher(command.voucher)
    verdict = judge_upload(command, voucher, book.snapshot.issuer_keys, book.snapshot.distrusted_keys)
    if verdict.refused is not None or voucher is None:
        return _refuse(book, command, verdict.refused or VoucherCode.REVOKED)
    if voucher.value_minor is not None:
        return _refuse(book, command, VoucherCode.OFFLINE_NOT_ALLOWED)  # how much was taken, nothing proves
    uses = book.uses_of(voucher.id)
    mine = _mine(uses, command)
    if mine is not None:
        if mine.undone_at is None and _was_undone_in_time(command, mine) and _can_be_undone(book, voucher, mine):
            mine = _take_back(book, voucher, mine, command.received_at)
        return Uploaded(voucher, mine, known=True)
    conflicts = book.conflicts_of(voucher.id)
    told = next((conflict for conflict in conflicts if conflict.scan == command.scan), None)
    if told is not None:
        first = next((use for use in uses.values() if use.scan == told.first_scan), None)
        return Uploaded(voucher, conflict=told, first_use=first, known=True)
    if book.was_undone(command.scan):
        return Uploaded(voucher, known=True)
    if command.undone:
        book.changes.undone.add(command.scan)
        return Uploaded(voucher)
    doubt = verdict.doubt.value if verdict.doubt else ""
    if verdict.over or voucher.state is not VoucherState.READY:
        return _conflict(book, command, voucher, uses.get(voucher.use), doubt)
    # Also with a frame of an earlier use that was undone, and blocked: what is handed out is handed out once.
    use = UseRecord(voucher.id, voucher.use, command.scan, command.till, command.store, command.at, command.frame)
    use = replace(use, doubt=doubt)
    return Uploaded(_use_up(book, voucher, use), use)


def _mine(uses: Mapping[int, UseRecord], command: UploadScan) -> UseRecord | None:
    """The use that this very scan made: also where its voucher's code was typed first, and the answer was lost."""
    theirs = (use for use in uses.values() if use.till == command.till and use.undone_at is None)
    lost = next((use for use in theirs if use.scan in command.lost), None)
    return next((use for use in uses.values() if use.scan == command.scan), lost)


def _refuse(book: Book, command: UploadScan, reason: VoucherCode) -> BadProof:
    """Keep what proves nothing, for the operator to see."""
    book.changes.bad_proofs[command.scan] = BadProofRecord(
        scan=command.scan,
        till=command.till,
        store=command.store,
        at=command.at,
        received_at=command.received_at,
        reason=reason.value,
        proof=command.frame,
    )
    return BadProof(reason)


def _was_undone_in_time(command: UploadScan, use: UseRecord) -> bool:
    """Whether the till undid it in time by both clocks: a use of long ago is not taken back under a younger time."""
    by_ours = use.at + command.within + _LOST_BEFORE
    return command.undone and command.undone_at is not None and command.undone_at <= by_ours


def _conflict(book: Book, command: UploadScan, voucher: VoucherRecord, first: UseRecord | None, doubt: str) -> Uploaded:
    """Keep a scan that came too late: what was handed out twice is the programme's loss, and nobody else's."""
    record = book.redemption(voucher.redemption)
    assert record is not None, f"a voucher without its redemption: {voucher.id.hex()}"
    lost = record.points // voucher.out_of  # of several uses, each is worth its share
    conflict = ConflictRecord(
        voucher=voucher.id,
        use=voucher.use,
        scan=command.scan,
        till=command.till,
        store=command.store,
        at=command.at,
        received_at=command.received_at,
        points=lost,
        first_scan=first.scan if first else None,
        proof=command.frame,
        doubt=doubt,
    )
    book.changes.conflicts[conflict.scan] = conflict
    account = book.account(record.participant, command.received_at)
    moves = Moves(issued=-lost, offline_loss=lost)
    book.post(account, Entry(command.received_at, PostingKind.LOST, record.id, moves, (), record.reward))
    return Uploaded(voucher, conflict=conflict, first_use=first)


def undo(book: Book, command: UndoScan) -> Undone | NotUndone:
    """Take back what the till accepted, while it may; once undone, it stays so."""
    voucher = book.voucher(command.voucher)
    if voucher is not None and voucher.value_minor is not None:
        return undo_taking(book, command, voucher)
    uses = book.uses_of(voucher.id) if voucher is not None else {}
    mine = (use for use in uses.values() if (use.scan, use.till) == (command.scan, command.till))
    use = next(mine, None)
    if voucher is None or use is None:
        return NotUndone(too_late=False)
    if use.undone_at is not None:
        return Undone(use.scan, use.undone_at, voucher)
    if command.at > use.at + command.within or not _can_be_undone(book, voucher, use):
        return NotUndone(too_late=True)
    _take_back(book, voucher, use, command.at)
    return Undone(use.scan, command.at, book.changes.vouchers[voucher.id])


def _can_be_undone(book: Book, voucher: VoucherRecord, use: UseRecord) -> bool:
    """Whether nothing was built on the use: no other scan lost against it, and its points did not go back."""
    record = book.redemption(voucher.redemption)
    released = record is not None and record.state is RedemptionState.RELEASED
    lost_against = any(conflict.first_scan == use.scan for conflict in book.conflicts_of(voucher.id))
    return not released and not lost_against and voucher.use < _LAST_USE


def _take_back(book: Book, voucher: VoucherRecord, use: UseRecord, at: datetime) -> UseRecord:
    """Make the voucher ready for its next use, and hold again what this one captured; frames of this one stay used."""
    use = replace(use, undone_at=at)
    book.changes.uses[(use.voucher, use.use)] = use
    book.changes.vouchers[voucher.id] = replace(voucher, state=VoucherState.READY, use=voucher.use + 1)
    hold_points_again(book, voucher, at)
    return use
