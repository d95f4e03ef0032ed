"""Between the ledger's records and plain rows, as the batch statements read and write them.

A row holds a table's columns in the order of the schema; instants are microseconds, JSON is text.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from mirabelle.rules.balance import BalanceMove, MoveKind
from mirabelle.rules.cells import cell_of
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Posting
from mirabelle.rules.redemption import (
    BadProofRecord,
    ConflictRecord,
    RedemptionRecord,
    RedemptionState,
    RewardTerms,
    UseRecord,
    ValueClass,
    VoucherRecord,
    VoucherState,
)
from mirabelle.rules.refusals import RedemptionRefusal
from mirabelle.server.storage.instants import instant_of, microseconds_of

Row = Sequence[Any]

ACCOUNT: Final = ("available", "held", "pending", "owed", "sequence", "digest", "next_lot", "active_at", "tier")
REWARD: Final = (
    "id", "reference", "points", "stocked", "withdrawn", "available_from", "available_until", "document"
)  # fmt: skip


class Reward(NamedTuple):
    """A reward as a batch knows it: what the decision asks of it, and what the answer calls it."""

    terms: RewardTerms
    reference: int
    title: Mapping[str, str]
    value_minor: int | None = None
    paper: bool = False
    challenge: bool = False


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def account_from(row: Row, lots: Mapping[int, Lot]) -> Account:
    """The account of `participant` and the columns in ACCOUNT, with its lots."""
    *balances, active_at, tier = row
    return Account(*balances, instant_of(active_at), tier, lots)


def account_row(account: Account) -> Row:
    """The columns in ACCOUNT, then the key."""
    return (
        *account[1:8],
        microseconds_of(account.active_at),
        account.tier,
        cell_of(account.participant),
        account.participant,
    )


def lot_from(row: Row) -> Lot:
    """The lot in the columns of `lots` after the key."""
    (number, earned, available, expires, points, remaining, source, version, arrived, *more) = row
    (*counts, transferred, given, returned, returned_at, ended, extended) = more
    return Lot(
        number,
        instant_of(earned),  # type: ignore[arg-type]
        instant_of(available),
        instant_of(expires),
        points,
        remaining,
        source,
        version,
        instant_of(arrived),
        *counts,
        bool(transferred),
        given,
        returned,
        instant_of(returned_at),
        instant_of(ended),
        instant_of(extended),
    )


def lot_row(participant: str, lot: Lot) -> Row:
    """The row of `lots`."""
    return (
        cell_of(participant),
        participant,
        lot.number,
        microseconds_of(lot.earned_at),
        microseconds_of(lot.available_at),
        microseconds_of(lot.expires_at),
        *lot[4:8],
        microseconds_of(lot.arrived_at),
        *lot[9:17],
        *map(microseconds_of, lot[17:]),
    )


def posting_row(posting: Posting) -> Row:
    """The row of `postings`."""
    return (
        cell_of(posting.participant),
        posting.participant,
        posting.sequence,
        microseconds_of(posting.at),
        posting.kind.value,
        posting.source,
        posting.reward,
        *posting.moves,
        _json(posting.lots),
        posting.previous,
        posting.digest,
    )


def redemption_from(row: Row) -> RedemptionRecord:
    """The redemption in a row of `redemptions`."""
    (_, who, id_, reward, points, state, refusal, at, details, paid_by, voucher, available, returned, until) = row
    return RedemptionRecord(
        id=id_,
        participant=who,
        reward=reward,
        points=points,
        state=RedemptionState(state),
        at=instant_of(at),  # type: ignore[arg-type]
        details=msgspec.json.decode(details),
        paid_by=tuple((number, share) for number, share in msgspec.json.decode(paid_by)),
        voucher=bytes.fromhex(voucher) if voucher else None,
        refusal=RedemptionRefusal(refusal) if refusal else None,
        available_after=available,
        returned=returned,
        held_until=instant_of(until),
    )


def redemption_row(record: RedemptionRecord) -> Row:
    """The row of `redemptions`."""
    return (
        cell_of(record.participant),
        record.participant,
        record.id,
        record.reward,
        record.points,
        record.state.value,
        record.refusal.value if record.refusal else None,
        microseconds_of(record.at),
        _json(record.details),
        _json(record.paid_by),
        record.voucher.hex() if record.voucher else None,
        record.available_after,
        record.returned,
        microseconds_of(record.held_until),
    )


def voucher_from(row: Row) -> VoucherRecord:
    """The voucher in a row of `vouchers`."""
    id_, who, redemption, reward, code, store, value_class, holder, salt, epoch, lease, issued, expires, *rest = row
    state, use, epoch_at, blocked_at, blocked_why, given_to, given_at, epoch_base, *numbers = rest
    number, out_of, value_minor, taken_minor, held_minor = numbers
    return VoucherRecord(
        id=bytes.fromhex(id_),
        participant=who,
        redemption=redemption,
        reward=reward,
        code=code,
        store=store,
        value_class=ValueClass(value_class),
        holder_key=holder,
        key_salt=salt,
        epoch=epoch,
        lease_start=instant_of(lease),  # type: ignore[arg-type]
        issued_at=instant_of(issued),  # type: ignore[arg-type]
        expires_at=instant_of(expires),  # type: ignore[arg-type]
        state=VoucherState(state),
        use=use,
        epoch_at=instant_of(epoch_at),
        blocked_at=instant_of(blocked_at),
        blocked_why=blocked_why,
        given_to=given_to,
        given_at=instant_of(given_at),
        epoch_base=epoch_base,
        number=number,
        out_of=out_of,
        value_minor=value_minor,
        taken_minor=taken_minor,
        held_minor=held_minor,
    )


def voucher_row(voucher: VoucherRecord) -> Row:
    """The row of `vouchers`."""
    return (
        voucher.id.hex(),
        voucher.participant,
        voucher.redemption,
        voucher.reward,
        voucher.code,
        voucher.store,
        voucher.value_class.value,
        voucher.holder_key,
        voucher.key_salt,
        voucher.epoch,
        microseconds_of(voucher.lease_start),
        microseconds_of(voucher.issued_at),
        microseconds_of(voucher.expires_at),
        voucher.state.value,
        voucher.use,
        microseconds_of(voucher.epoch_at),
        microseconds_of(voucher.blocked_at),
        voucher.blocked_why,
        voucher.given_to,
        microseconds_of(voucher.given_at),
        voucher.epoch_base,
        voucher.number,
        voucher.out_of,
        voucher.value_minor,
        voucher.taken_minor,
        voucher.held_minor,
    )


def balance_move_from(row: Row) -> BalanceMove:
    """The move in a row of `balance_moves`."""
    voucher, number, at, kind, *rest, ends_at = row
    made_at = instant_of(at)
    return BalanceMove(bytes.fromhex(voucher), number, made_at, MoveKind(kind), *rest, instant_of(ends_at))  # type: ignore[arg-type]


def balance_move_row(move: BalanceMove) -> Row:
    """The row of `balance_moves`."""
    return (
        move.voucher.hex(),
        move.number,
        microseconds_of(move.at),
        move.kind.value,
        move.hold,
        move.till,
        move.store,
        move.amount_minor,
        move.taken_minor,
        move.held_minor,
        move.left_minor,
        microseconds_of(move.ends_at),
    )


def use_from(row: Row) -> UseRecord:
    """The use in a row of `uses`."""
    voucher, *rest, at, proof, undone_at, doubt = row
    return UseRecord(bytes.fromhex(voucher), *rest, instant_of(at), proof, instant_of(undone_at), doubt)  # type: ignore[arg-type]


def use_row(use: UseRecord) -> Row:
    """The row of `uses`."""
    return (
        use.voucher.hex(),
        use.use,
        use.scan,
        use.till,
        use.store,
        microseconds_of(use.at),
        use.proof,
        microseconds_of(use.undone_at),
        use.doubt,
    )


def undone_row(use: UseRecord) -> Row:
    """When the use was undone, then its key."""
    return (microseconds_of(use.undone_at), use.voucher.hex(), use.use)


def conflict_from(row: Row) -> ConflictRecord:
    """The conflict in a row of `conflicts`."""
    scan, voucher, use, till, store, at, received_at, points, first_scan, proof, doubt = row
    return ConflictRecord(
        voucher=bytes.fromhex(voucher),
        use=use,
        scan=scan,
        till=till,
        store=store,
        at=instant_of(at),  # type: ignore[arg-type]
        received_at=instant_of(received_at),  # type: ignore[arg-type]
        points=points,
        first_scan=first_scan,
        proof=proof,
        doubt=doubt,
    )


def bad_proof_row(record: BadProofRecord) -> Row:
    """The row of `bad_proofs`."""
    return (
        record.scan,
        record.till,
        record.store,
        microseconds_of(record.at),
        microseconds_of(record.received_at),
        record.reason,
        record.proof,
    )


def conflict_row(conflict: ConflictRecord) -> Row:
    """The row of `conflicts`."""
    return (
        conflict.scan,
        conflict.voucher.hex(),
        conflict.use,
        conflict.till,
        conflict.store,
        microseconds_of(conflict.at),
        microseconds_of(conflict.received_at),
        conflict.points,
        conflict.first_scan,
        conflict.proof,
        conflict.doubt,
    )


@lru_cache(maxsize=4096)
def _document(text: str) -> dict[str, Any]:
    # The same few rewards are read with each batch.
    document: dict[str, Any] = msgspec.json.decode(text)
    return document


def value_of_a_use(document: Mapping[str, Any]) -> int | None:
    """What one use of the reward is worth, in minor units, where that is known."""
    value = document.get("value_minor")
    return None if value is None else int(value) // int(document.get("uses", 1))


def store_of_reward(row: Row) -> str | None:
    """The id of the store to which the reward in the columns of REWARD is bound, if it is."""
    return _document(row[7])["store"] or None


def reward_from(row: Row, store_references: Mapping[str, int], tier_points: Mapping[str, int]) -> Reward:
    """The reward in the columns of REWARD, its store and tier looked up by name; an unknown tier is nobody's."""
    id_, reference, points, stocked, withdrawn, since, until, text = row
    document = _document(text)
    tier = document.get("from_tier") or ""
    terms = RewardTerms(
        id=id_,
        points=points,
        stocked=bool(stocked),
        per_participant=document.get("per_participant"),
        from_points=tier_points.get(tier, 0),
        available_from=instant_of(since),
        available_until=instant_of(until),
        withdrawn=bool(withdrawn) or bool(tier and tier not in tier_points),
        needs=document["needs"],
        fulfilment=document["fulfilment"],
        value_class=ValueClass(document["value_class"]),
        store=store_references[document["store"]] if document["store"] else 0,
        valid_days=document["valid_days"],
        uses=document.get("uses", 1),
        balance_minor=document["value_minor"] if document.get("balance") else None,
    )
    paper, challenge = document.get("paper", False), document.get("challenge", False)
    return Reward(terms, reference, document["title"], value_of_a_use(document), paper, challenge)
