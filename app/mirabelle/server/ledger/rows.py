"""Between the tables' rows and the rules' records."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from mirabelle.rules.balance import BalanceMove, MoveKind
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Moves, Posting, PostingKind
from mirabelle.rules.redemption import (
    ConflictRecord,
    RedemptionRecord,
    RedemptionState,
    UseRecord,
    ValueClass,
    VoucherRecord,
    VoucherState,
)
from mirabelle.rules.refusals import RedemptionRefusal

Values = dict[str, Any]


def account_from(row: Row[Any], lots: Iterable[Lot]) -> Account:
    """The account in a row of `participants`, with its lots."""
    return Account(
        participant=row.participant,
        available=row.available,
        held=row.held,
        pending=row.pending,
        sequence=row.sequence,
        digest=row.digest,
        next_lot=row.next_lot,
        owed=row.owed,
        active_at=row.active_at,
        tier=row.tier,
        lots={lot.number: lot for lot in lots},
    )


def lot_from(row: Row[Any]) -> Lot:
    """The lot in a row of `lots`."""
    return Lot(*(getattr(row, name) for name in Lot._fields))


def posting_from(row: Row[Any]) -> Posting:
    """The posting in a row of `postings`."""
    return Posting(
        participant=row.participant,
        sequence=row.sequence,
        at=row.at,
        kind=PostingKind(row.kind),
        source=row.source,
        reward=row.reward,
        moves=Moves(
            row.available, row.held, row.pending, row.issued, row.burned, row.expired, row.adjusted, row.offline_loss
        ),
        lots=tuple((number, points) for number, points in row.lots),
        previous=row.previous,
        digest=row.digest,
    )


def redemption_from(row: Row[Any]) -> RedemptionRecord:
    """The redemption in a row of `redemptions`."""
    return RedemptionRecord(
        id=row.id,
        participant=row.participant,
        reward=row.reward,
        points=row.points,
        state=RedemptionState(row.state),
        at=row.at,
        details=row.details,
        paid_by=tuple((number, points) for number, points in row.paid_by),
        voucher=bytes.fromhex(row.voucher) if row.voucher else None,
        refusal=RedemptionRefusal(row.refusal) if row.refusal else None,
        available_after=row.available_after,
        returned=row.returned,
        held_until=row.held_until,
    )


def voucher_from(row: Row[Any]) -> VoucherRecord:
    """The voucher in a row of `vouchers`."""
    return VoucherRecord(
        **{
            **row._mapping,
            "id": bytes.fromhex(row.id),
            "value_class": ValueClass(row.value_class),
            "state": VoucherState(row.state),
        }
    )


def balance_move_from(row: Row[Any]) -> BalanceMove:
    """The move in a row of `balance_moves`."""
    return BalanceMove(**{**row._mapping, "voucher": bytes.fromhex(row.voucher), "kind": MoveKind(row.kind)})


def use_from(row: Row[Any]) -> UseRecord:
    """The use in a row of `uses`."""
    return UseRecord(**{**row._mapping, "voucher": bytes.fromhex(row.voucher)})


def conflict_from(row: Row[Any]) -> ConflictRecord:
    """The conflict in a row of `conflicts`."""
    return ConflictRecord(**{**row._mapping, "voucher": bytes.fromhex(row.voucher)})
