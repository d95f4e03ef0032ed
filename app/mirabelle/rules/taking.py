"""How money is taken from a voucher's balance: an amount is held, then captured wholly or in part, or released.

A hold that nobody ends is released at its time, whoever looks first: the server's round, or the next command.
"""

from dataclasses import replace
from datetime import datetime

from mirabelle.rules.balance import BalanceMove, Hold, MoveKind, holds_of
from mirabelle.rules.book import Book
from mirabelle.rules.capturing import capture_points, hold_points_again
from mirabelle.rules.commands import (
    CaptureAmount,
    EndHolds,
    HoldAmount,
    HoldsEnded,
    NotTaken,
    NotUndone,
    ReleaseHold,
    Taken,
    Undone,
    UndoScan,
)
from mirabelle.rules.redemption import RedemptionState, VoucherRecord, VoucherState
from mirabelle.rules.refusals import BalanceRefusal


def hold(book: Book, command: HoldAmount) -> Taken | NotTaken:
    """Set an amount of the balance aside for a till that was shown the voucher."""
    voucher = _with_balance(book, command.voucher, command.at)
    if voucher is None:
        return NotTaken(BalanceRefusal.NOT_FOUND)
    reason = _refusal(voucher, command, command.shown_at)
    if reason is None and command.at > command.shown_at + command.within:
        reason = BalanceRefusal.PRESENT_AGAIN
    if reason is None and command.amount_minor > voucher.left_minor:
        reason = BalanceRefusal.OVER_BALANCE
    if reason is not None:
        return NotTaken(reason, voucher)
    ends_at = min(command.ends_at, voucher.expires_at)
    new = Hold(command.hold, command.till, command.store, command.at, ends_at, command.amount_minor)
    return Taken(_move(book, voucher, new, MoveKind.HOLD, command.amount_minor, command.at), new)


def capture(book: Book, command: CaptureAmount) -> Taken | NotTaken:
    """Take an amount of what is held, and leave the rest of it to the voucher; the first of all captures the points."""
    voucher = _with_balance(book, command.voucher, command.at)
    held = _hold_of(book, voucher, command.hold, command.till)
    if voucher is None or held is None:
        return NotTaken(BalanceRefusal.NOT_FOUND)
    reason = _ended(held) or _refusal(voucher, command, held.at)
    if reason is None and command.amount_minor > held.amount_minor:
        reason = BalanceRefusal.OVER_BALANCE
    if reason is not None:
        return NotTaken(reason, voucher)
    voucher = _move(book, voucher, held, MoveKind.CAPTURE, command.amount_minor, command.at)
    if voucher.taken_minor == voucher.value_minor:
        voucher = replace(voucher, state=VoucherState.USED)
        book.changes.vouchers[voucher.id] = voucher
    capture_points(book, voucher, command.at)
    return Taken(voucher, holds_of(book.moves_of(voucher.id))[held.id])


def release(book: Book, command: ReleaseHold) -> Taken | NotTaken:
    """Give what is held back to the voucher; what was released already stays so."""
    voucher = _with_balance(book, command.voucher, command.at)
    held = _hold_of(book, voucher, command.hold, command.till)
    if voucher is None or held is None:
        return NotTaken(BalanceRefusal.NOT_FOUND)
    if held.state in (MoveKind.CAPTURE, MoveKind.UNDO):
        return NotTaken(BalanceRefusal.HOLD_CAPTURED, voucher)
    if held.state is MoveKind.HOLD:
        voucher = _move(book, voucher, held, MoveKind.RELEASE, held.amount_minor, command.at)
    return Taken(voucher, replace(held, state=MoveKind.RELEASE))


def undo(book: Book, command: UndoScan, voucher: VoucherRecord) -> Undone | NotUndone:
    """Give back what a till took, while it may; where nothing is taken any more, the points are held again."""
    taken = _hold_of(book, voucher, command.scan, command.till)
    if taken is None or taken.captured_at is None:
        return NotUndone(too_late=False)
    if taken.undone_at is not None:
        return Undone(taken.id, taken.undone_at, voucher)
    record = book.redemption(voucher.redemption)
    is_over = record is None or record.state is RedemptionState.RELEASED
    if is_over or command.at > taken.captured_at + command.within:
        return NotUndone(too_late=True)
    voucher = _move(book, voucher, taken, MoveKind.UNDO, taken.captured_minor, command.at)
    voucher = replace(voucher, state=VoucherState.READY)
    book.changes.vouchers[voucher.id] = voucher
    if not voucher.taken_minor:
        hold_points_again(book, voucher, command.at)
    return Undone(taken.id, command.at, voucher)


def end_holds(book: Book, command: EndHolds) -> HoldsEnded:
    """Release what was held longer than it may be."""
    voucher = book.voucher(command.voucher)
    before = len(book.moves_of(voucher.id)) if voucher else 0
    voucher = _with_balance(book, command.voucher, command.at)
    return HoldsEnded(len(book.moves_of(voucher.id)) - before if voucher else 0)


def end_due_holds(book: Book, voucher: VoucherRecord, now: datetime, *, every: bool = False) -> VoucherRecord:
    """The voucher once the holds whose time is over by `now`, or every one of them, were released."""
    if not voucher.held_minor:
        return voucher
    for held in holds_of(book.moves_of(voucher.id)).values():
        if held.state is MoveKind.HOLD and (every or held.ends_at <= now):
            at = min(held.ends_at, now)
            voucher = _move(book, voucher, held, MoveKind.RELEASE, held.amount_minor, at)
    return voucher


def _with_balance(book: Book, id_: bytes | None, now: datetime) -> VoucherRecord | None:
    voucher = book.voucher(id_)
    return end_due_holds(book, voucher, now) if voucher is not None and voucher.value_minor is not None else None


def _hold_of(book: Book, voucher: VoucherRecord | None, id_: str, till: str) -> Hold | None:
    """The hold of that id, if it is one of this till's."""
    held = holds_of(book.moves_of(voucher.id)).get(id_) if voucher else None
    return held if held is not None and held.till == till else None


def _ended(held: Hold) -> BalanceRefusal | None:
    if held.state is MoveKind.HOLD:
        return None
    return BalanceRefusal.HOLD_ENDED if held.state is MoveKind.RELEASE else BalanceRefusal.HOLD_CAPTURED


def _refusal(voucher: VoucherRecord, command: HoldAmount | CaptureAmount, since: datetime) -> BalanceRefusal | None:
    """Why nothing may be taken from the voucher that was shown at `since`: it, or whose it is, may have changed."""
    expired = voucher.state is VoucherState.LAPSED or voucher.expires_at <= command.at
    moved_on = voucher.epoch_at is not None and voucher.epoch_at > since
    checks = (
        (voucher.state is VoucherState.CANCELLED, BalanceRefusal.VOUCHER_CANCELLED),
        (voucher.blocked_at is not None, BalanceRefusal.VOUCHER_BLOCKED),
        (expired, BalanceRefusal.VOUCHER_EXPIRED),
        (voucher.store not in (0, command.store, *command.groups), BalanceRefusal.WRONG_STORE),
        (moved_on, BalanceRefusal.SUPERSEDED_DEVICE),
    )
    return next((reason for failed, reason in checks if failed), None)


def _move(book: Book, voucher: VoucherRecord, of: Hold, kind: MoveKind, amount: int, at: datetime) -> VoucherRecord:
    """Record a move, and give the voucher as it stands after it."""
    assert amount > 0 and voucher.value_minor is not None
    held, taken = {
        MoveKind.HOLD: (amount, 0),
        MoveKind.CAPTURE: (-of.amount_minor, amount),
        MoveKind.RELEASE: (-amount, 0),
        MoveKind.UNDO: (0, -amount),
    }[kind]
    voucher = replace(voucher, held_minor=voucher.held_minor + held, taken_minor=voucher.taken_minor + taken)
    assert min(voucher.held_minor, voucher.taken_minor, voucher.left_minor) >= 0, f"more than there is: {of.id}"
    book.add_move(
        BalanceMove(
            voucher=voucher.id,
            number=len(book.moves_of(voucher.id)) + 1,
            at=at,
            kind=kind,
            hold=of.id,
            till=of.till,
            store=of.store,
            amount_minor=amount,
            taken_minor=voucher.taken_minor,
            held_minor=voucher.held_minor,
            left_minor=voucher.left_minor,
            ends_at=of.ends_at if kind is MoveKind.HOLD else None,
        )
    )
    book.changes.vouchers[voucher.id] = voucher
    return voucher
