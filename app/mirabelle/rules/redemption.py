"""Whether a participant may have a reward, and what a redemption is."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mirabelle.rules.postings import LotShares
from mirabelle.rules.refusals import RedemptionRefusal


class RedemptionState(StrEnum):
    """Where a redemption stands."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    DECLINED = "declined"

    @property
    def is_had(self) -> bool:
        """Whether the participant has what was redeemed, or will have it."""
        return self in (RedemptionState.HELD, RedemptionState.CAPTURED)


class VoucherState(StrEnum):
    """Where a voucher stands; that it is past its time is told by its `expires_at`.

    A lapsed one is past its time, and its held points went back.
    """

    READY = "ready"
    USED = "used"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"

    @property
    def is_revoked(self) -> bool:
        """Whether its points went back, so that no till may take it any more."""
        return self in (VoucherState.CANCELLED, VoucherState.LAPSED)


class ValueClass(StrEnum):
    """How much is at stake offline: A small, any store; B one store or its hub; C online only, hold then capture."""

    A = "A"
    B = "B"
    C = "C"


@dataclass(frozen=True, slots=True)
class RewardTerms:
    """What the decision must know of a reward. `store` and `from_points` are 0 where they do not limit anything.

    `balance_minor` is the money that its voucher carries, in minor units; None for a voucher that is used as a whole.
    """

    id: str
    points: int
    stocked: bool = False
    per_participant: int | None = None
    from_points: int = 0
    available_from: datetime | None = None
    available_until: datetime | None = None
    withdrawn: bool = False
    needs: str = "nothing"
    fulfilment: str = "voucher"
    value_class: ValueClass = ValueClass.B
    store: int = 0
    valid_days: int = 90
    uses: int = 1
    balance_minor: int | None = None


@dataclass(frozen=True, slots=True)
class NewVoucher:
    """What a voucher needs that no rule can make: its random id and code, and its holder's key.

    `key_salt` is what the device derived the holder key with, so that it can find it again. A reward of several uses
    has a voucher for each: the codes of the others come from the `seed`, and `more_keys` are their holder keys.
    """

    id: bytes
    code: str
    holder_key: bytes
    key_salt: str
    epoch: int
    seed: bytes = b""
    more_keys: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class VoucherRecord:
    """A voucher as the ledger keeps it.

    `epoch_at` is when another device took it over, None where none did: until the earlier lease ends, a till without
    network must know of it. A blocked one is refused everywhere until it is no longer blocked.

    `participant` paid for it, and guards its row for good; who it was `given_to` holds it. Device epochs count from
    `epoch_base`, so that the new holder's first device comes after the giver's last. It is `number` of the `out_of`
    vouchers that one redemption issued together.

    One that carries money is worth `value_minor`: tills took some of it, and hold some.
    """

    id: bytes
    participant: str
    redemption: str
    reward: str
    code: str
    store: int
    value_class: ValueClass
    holder_key: bytes
    key_salt: str
    epoch: int
    lease_start: datetime
    issued_at: datetime
    expires_at: datetime
    state: VoucherState = VoucherState.READY
    use: int = 1
    epoch_at: datetime | None = None
    blocked_at: datetime | None = None
    blocked_why: str | None = None
    given_to: str | None = None
    given_at: datetime | None = None
    epoch_base: int = 0
    number: int = 1
    out_of: int = 1
    value_minor: int | None = None
    taken_minor: int = 0
    held_minor: int = 0

    @property
    def left_minor(self) -> int:
        """The money that can still be held, in minor units."""
        return (self.value_minor or 0) - self.taken_minor - self.held_minor

    @property
    def holder(self) -> str:
        """The participant who may show it."""
        return self.given_to or self.participant

    @property
    def is_revoked(self) -> bool:
        """Whether no till may take it: its points went back, or the operator blocked it."""
        return self.state.is_revoked or self.blocked_at is not None


@dataclass(frozen=True, slots=True)
class UseRecord:
    """An accepted scan: one use of a voucher. `proof` is the frame that was shown, "" for a typed code.

    One that was undone is used up all the same: the voucher goes on with the next use number. A `doubt` is the reason
    code under which the server would not have accepted what a till without network did, "" for none.
    """

    voucher: bytes
    use: int
    scan: str
    till: str
    store: int
    at: datetime
    proof: str = ""
    undone_at: datetime | None = None
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class BadProofRecord:
    """What a till told of that proves no use, and the reason code; `proof` is the text that was shown."""

    scan: str
    till: str
    store: int
    at: datetime
    received_at: datetime
    reason: str
    proof: str


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """A scan that a till without network accepted when the voucher was no longer to be had: what it cost, in `points`.

    `first_scan` is the one that has the use; None where the voucher had ended without one, or was somebody else's by
    then. A `doubt` is as in a use.
    """

    voucher: bytes
    use: int
    scan: str
    till: str
    store: int
    at: datetime
    received_at: datetime
    points: int
    first_scan: str | None
    proof: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class RedemptionRecord:
    """A redemption as the ledger keeps it. `paid_by` are the lots' shares, as positive points in paying order.

    `returned` of its points went back into their lots, the last that paid first. Points that are held go back at
    `held_until`, when nobody can use the voucher any more.
    """

    id: str
    participant: str
    reward: str
    points: int
    state: RedemptionState
    at: datetime
    details: Mapping[str, str] = field(default_factory=dict)
    paid_by: LotShares = ()
    voucher: bytes | None = None
    refusal: RedemptionRefusal | None = None
    available_after: int = 0
    returned: int = 0
    held_until: datetime | None = None


def sibling_id(first: bytes, number: int) -> bytes:
    """The id of voucher `number` of those that a redemption issued together; the `first` one's is random."""
    return first if number == 1 else hashlib.sha256(b"MV1 sibling\0" + first + bytes([number])).digest()[: len(first)]


def shares_to_return(record: RedemptionRecord, points: int) -> LotShares:
    """Which lots get `points` of the redemption back after what was returned before: the last that paid first."""
    shares = []
    before = record.returned
    for number, paid in reversed(record.paid_by):
        skipped = min(paid, before)
        share = min(paid - skipped, points)
        before -= skipped
        points -= share
        if share:
            shares.append((number, share))
    assert points == 0, f"more is returned than was paid: {record.id}"
    return tuple(reversed(shares))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, with what the decision must know of the asker. None stands for what past events do not say."""

    terms: RewardTerms | None
    agreed_points: int | None
    details: Mapping[str, str] | None
    at: datetime
    tier_points: int
    had_before: int
    in_stock: bool
    available: int
    agreed_uses: int | None = None


def refusal(asked: Asked) -> RedemptionRefusal | None:
    """Why `asked` cannot be had; None when it can. What nobody can have comes before what this participant lacks."""
    terms = asked.terms
    if terms is None:
        return RedemptionRefusal.NOT_FOUND
    early = terms.available_from is not None and asked.at < terms.available_from
    over = terms.available_until is not None and terms.available_until <= asked.at
    checks = (
        (terms.withdrawn or over, RedemptionRefusal.NOT_AVAILABLE),
        (early, RedemptionRefusal.NOT_YET_AVAILABLE),
        (asked.agreed_points not in (None, terms.points), RedemptionRefusal.PRICE_CHANGED),
        (asked.agreed_uses not in (None, terms.uses), RedemptionRefusal.PRICE_CHANGED),
        (not asked.in_stock, RedemptionRefusal.OUT_OF_STOCK),
        (asked.tier_points < terms.from_points, RedemptionRefusal.TIER_TOO_LOW),
        (
            terms.per_participant is not None and asked.had_before >= terms.per_participant,
            RedemptionRefusal.LIMIT_REACHED,
        ),
        (
            asked.details is not None and terms.needs != "nothing" and not asked.details.get(terms.needs, "").strip(),
            RedemptionRefusal.DETAILS_MISSING,
        ),
        (asked.available < terms.points, RedemptionRefusal.NOT_ENOUGH_POINTS),
    )
    return next((reason for failed, reason in checks if failed), None)
