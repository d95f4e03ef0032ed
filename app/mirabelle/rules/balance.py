"""The money on a voucher: what is left of it, the amounts that tills hold, and the record of moves that both come from.

Amounts are whole numbers in minor units of the programme's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mirabelle.rules.redemption import VoucherRecord, VoucherState


class MoveKind(StrEnum):
    """What a move does: an undo gives back what a capture took."""

    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class BalanceMove:
    """One entry of a voucher's money, never changed. `taken_minor`, `held_minor` and `left_minor` are as they stand
    after it, and add up to what the voucher was worth. A hold's `ends_at` is when it is released by itself."""

    voucher: bytes
    number: int
    at: datetime
    kind: MoveKind
    hold: str
    till: str
    store: int
    amount_minor: int
    taken_minor: int
    held_minor: int
    left_minor: int
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that a till set aside, as its moves have left it; `state` is what the last of them did."""

    id: str
    till: str
    store: int
    at: datetime
    ends_at: datetime
    amount_minor: int
    state: MoveKind = MoveKind.HOLD
    captured_minor: int = 0
    captured_at: datetime | None = None
    undone_at: datetime | None = None


def holds_of(moves: Iterable[BalanceMove]) -> dict[str, Hold]:
    """Every hold by its id, oldest first, from a voucher's moves in their order."""
    holds: dict[str, Hold] = {}
    for move in moves:
        match move.kind:
            case MoveKind.HOLD:
                assert move.ends_at is not None, f"a hold without an end: {move.hold}"
                hold = Hold(move.hold, move.till, move.store, move.at, move.ends_at, move.amount_minor)
            case MoveKind.CAPTURE:
                captured = {"captured_minor": move.amount_minor, "captured_at": move.at}
                hold = replace(holds[move.hold], state=move.kind, **captured)  # type: ignore[arg-type]
            case MoveKind.RELEASE:
                hold = replace(holds[move.hold], state=move.kind)
            case MoveKind.UNDO:
                hold = replace(holds[move.hold], state=move.kind, undone_at=move.at)
        holds[move.hold] = hold
    return holds


def adds_up(voucher: VoucherRecord, moves: Iterable[BalanceMove]) -> bool:
    """Whether the voucher's money is what its moves come to, and each of them follows from those before it."""
    if voucher.value_minor is None:
        return False
    taken = held = 0
    open_: dict[str, int] = {}  # what each hold still holds, or gave to its till
    last: dict[str, MoveKind] = {}
    for number, move in enumerate(moves, start=1):
        of, before, amount = open_.get(move.hold, 0), last.get(move.hold), move.amount_minor
        match before, move.kind:
            case None, MoveKind.HOLD:
                held += amount
            case MoveKind.HOLD, MoveKind.CAPTURE if amount <= of:
                held, taken = held - of, taken + amount
            case MoveKind.HOLD, MoveKind.RELEASE if amount == of:
                held -= amount
            case MoveKind.CAPTURE, MoveKind.UNDO if amount == of:
                taken -= amount
            case _:
                return False
        open_[move.hold], last[move.hold] = amount, move.kind
        left = voucher.value_minor - taken - held
        if (move.number, move.taken_minor, move.held_minor, move.left_minor) != (number, taken, held, left) or left < 0:
            return False
    is_used = voucher.state is VoucherState.USED
    return (voucher.taken_minor, voucher.held_minor) == (taken, held) and is_used == (taken == voucher.value_minor)
