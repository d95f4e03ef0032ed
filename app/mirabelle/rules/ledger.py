"""The ledger's decision: a batch of commands over a snapshot gives outcomes, postings and changed records.

Pure: nothing is read or written here. The shell loads the snapshot, calls `decide`, writes what changed and commits.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from mirabelle.rules import commands as c
from mirabelle.rules import earning, giving, spending, taking, using
from mirabelle.rules.book import Book, Changes, Snapshot

_HANDLERS: Final[Mapping[type, Callable[[Book, Any], c.Outcome]]] = {
    c.Earn: earning.earn,
    c.Refund: earning.refund,
    c.Transfer: earning.transfer,
    c.Give: giving.give,
    c.Extend: earning.extend,
    c.Close: earning.close,
    c.Redeem: spending.redeem,
    c.Cancel: spending.cancel,
    c.Lapse: spending.lapse,
    c.Reverse: spending.reverse,
    c.Scan: using.scan,
    c.UploadScan: using.upload,
    c.UndoScan: using.undo,
    c.HoldAmount: taking.hold,
    c.CaptureAmount: taking.capture,
    c.ReleaseHold: taking.release,
    c.EndHolds: taking.end_holds,
}


def decide(snapshot: Snapshot, commands: Sequence[c.Command]) -> tuple[list[c.Outcome], Changes]:
    """Decide `commands` in order, each at its own time; an outcome for each, and all that they changed.

    The snapshot is left as it was. It must hold what the commands name: every participant's account, and the rewards,
    stock, redemptions and vouchers that exist; what it does not hold does not exist. Of an account's lots it holds
    those with something left, those that paid for a named redemption, those of a purchase that is refunded, and those
    that expired after the time of a command.
    """
    book = Book(snapshot)
    outcomes = [_HANDLERS[type(command)](book, command) for command in commands]
    return outcomes, book.changes
