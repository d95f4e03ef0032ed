"""Between the tables' rows and the rules' records."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from mirabelle.rules.cells import cell_of
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Moves, Posting, PostingKind
from mirabelle.rules.redemption import (
    RedemptionRecord,
    RedemptionRefusal,
    RedemptionState,
    RewardTerms,
    UseRecord,
    ValueClass,
    VoucherRecord,
    VoucherState,
)

Values = dict[str, Any]


def _values(record: VoucherRecord | UseRecord) -> Values:
    return {field.name: getattr(record, field.name) for field in fields(record)}


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


def account_values(account: Account) -> Values:
    """What an account writes into its row of `participants`, with the bound key `b_*` it is found by."""
    return {
        "b_cell": cell_of(account.participant),
        "b_participant": account.participant,
        "available": account.available,
        "held": account.held,
        "pending": account.pending,
        "sequence": account.sequence,
        "digest": account.digest,
        "next_lot": account.next_lot,
        "owed": account.owed,
        "active_at": account.active_at,
        "tier": account.tier,
    }


def lot_from(row: Row[Any]) -> Lot:
    """The lot in a row of `lots`."""
    return Lot(*(getattr(row, name) for name in Lot._fields))


def lot_values(participant: str, lot: Lot) -> Values:
    """The row of `lots` for a lot."""
    return {
        "cell": cell_of(participant),
        "participant": participant,
        **lot._asdict(),
    }


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


def posting_values(posting: Posting) -> Values:
    """The row of `postings` for a posting."""
    return {
        "cell": cell_of(posting.participant),
        "participant": posting.participant,
        "sequence": posting.sequence,
        "at": posting.at,
        "kind": posting.kind.value,
        "source": posting.source,
        "reward": posting.reward,
        **posting.moves._asdict(),
        "lots": posting.lots,
        "previous": posting.previous,
        "digest": posting.digest,
    }


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


def redemption_values(record: RedemptionRecord) -> Values:
    """The row of `redemptions` for a redemption."""
    return {
        "cell": cell_of(record.participant),
        "participant": record.participant,
        "id": record.id,
        "reward": record.reward,
        "points": record.points,
        "state": record.state.value,
        "refusal": record.refusal.value if record.refusal else None,
        "at": record.at,
        "details": dict(record.details),
        "paid_by": record.paid_by,
        "voucher": record.voucher.hex() if record.voucher else None,
        "available_after": record.available_after,
        "returned": record.returned,
        "held_until": record.held_until,
    }


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


def voucher_values(voucher: VoucherRecord) -> Values:
    """The row of `vouchers` for a voucher."""
    return {
        **_values(voucher),
        "id": voucher.id.hex(),
        "value_class": voucher.value_class.value,
        "state": voucher.state.value,
    }


def use_from(row: Row[Any]) -> UseRecord:
    """The use in a row of `uses`."""
    return UseRecord(**{**row._mapping, "voucher": bytes.fromhex(row.voucher)})


def use_values(use: UseRecord) -> Values:
    """The row of `uses` for a use."""
    return {**_values(use), "voucher": use.voucher.hex()}


def terms_from(row: Row[Any], store_references: Mapping[str, int], tier_points: Mapping[str, int]) -> RewardTerms:
    """The terms in a row of `rewards`, with its store and tier looked up by name; an unknown tier is nobody's."""
    document = row.document
    tier = document.get("from_tier") or ""
    return RewardTerms(
        id=row.id,
        points=row.points,
        stocked=row.stocked,
        per_participant=document.get("per_participant"),
        from_points=tier_points.get(tier, 0),
        available_from=row.available_from,
        available_until=row.available_until,
        withdrawn=row.withdrawn or bool(tier and tier not in tier_points),
        needs=document["needs"],
        fulfilment=document["fulfilment"],
        value_class=ValueClass(document["value_class"]),
        store=store_references[document["store"]] if document["store"] else 0,
        valid_days=document["valid_days"],
    )
