"""What the ledger can be asked to do, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mirabelle.rules.balance import Hold
from mirabelle.rules.lots import Lot
from mirabelle.rules.redemption import (
    ConflictRecord,
    NewVoucher,
    RedemptionRecord,
    RewardTerms,
    UseRecord,
    VoucherRecord,
)
from mirabelle.rules.refusals import BalanceRefusal, RedemptionRefusal
from mirabelle.rules.scans import ScanVerdict
from mirabelle.rules.voucher_code import VoucherCode


@dataclass(frozen=True, slots=True)
class Earn:
    """Points for a purchase, or given for another reason named by `source`."""

    participant: str
    source: str
    points: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Refund:
    """A refunded purchase takes back `points` of what `purchase` earned."""

    participant: str
    source: str
    purchase: str
    points: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Redeem:
    """A participant wants a reward. Past events have no `agreed_points` and no `details`: they are None."""

    participant: str
    redemption: str
    reward: str
    at: datetime
    agreed_points: int | None = None
    details: Mapping[str, str] | None = None
    voucher: NewVoucher | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """A participant gives an unused voucher up and wants its points back."""

    participant: str
    redemption: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lapse:
    """The time of held points is over: they go back."""

    participant: str
    redemption: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reverse:
    """The operator gives `points` of a captured redemption back, or all that are left of it where it is None."""

    participant: str
    redemption: str
    points: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """A participant gives points to another, who gets them in lots that end when the giver's would have.

    `recipient` is empty where nobody is known by the name that was given.
    """

    participant: str
    recipient: str
    transfer: str
    points: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Give:
    """A participant gives a voucher to another, whose device makes its key later: until then nobody holds `holder_key`.

    The old code is known to the giver, so that there is a new `code`. `recipient` is empty where nobody is known by
    the name that was given.
    """

    participant: str
    recipient: str
    gift: str
    voucher: bytes
    code: str
    holder_key: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Extend:
    """The operator gives more time to the points that the programme's rule for active participants would rescue."""

    participant: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """A local day of the programme ends at `at`: what time alone did is posted, and tiers are taken anew."""

    participant: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Scan:
    """A till was shown a voucher: a scanned `frame`, or a typed `code`; `nonce` is the challenge it had set."""

    scan: str
    till: str
    store: int
    groups: tuple[int, ...]
    frame: str
    code: str
    voucher: bytes | None
    at: datetime
    nonce: bytes | None = None


@dataclass(frozen=True, slots=True)
class UploadScan:
    """A till tells of a voucher that it accepted without network `at` its own time; the server hears of it later.

    What was undone on the till at `undone_at`, `within` so much time of it, uses nothing up. Of the scans `lost`, asked
    for under typed codes, the till had no answer: one of them that used this voucher is the same as this scan.
    """

    scan: str
    till: str
    store: int
    groups: tuple[int, ...]
    frame: str
    voucher: bytes | None
    at: datetime
    received_at: datetime
    nonce: bytes | None = None
    undone_at: datetime | None = None
    within: timedelta = timedelta()
    lost: tuple[str, ...] = ()

    @property
    def undone(self) -> bool:
        """Whether the till took it back in time."""
        return self.undone_at is not None and self.undone_at <= self.at + self.within


@dataclass(frozen=True, slots=True)
class UndoScan:
    """A till takes back what it accepted, `within` so much time of it."""

    scan: str
    till: str
    voucher: bytes | None
    at: datetime
    within: timedelta


@dataclass(frozen=True, slots=True)
class HoldAmount:
    """A till that was shown a voucher with money on it, `within` so much time, sets an amount aside until `ends_at`."""

    hold: str
    till: str
    store: int
    groups: tuple[int, ...]
    voucher: bytes | None
    amount_minor: int
    shown_at: datetime
    within: timedelta
    at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class CaptureAmount:
    """A till takes an amount of what it holds; the rest goes back to the voucher."""

    hold: str
    till: str
    store: int
    groups: tuple[int, ...]
    voucher: bytes | None
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """A till takes nothing of what it holds."""

    hold: str
    till: str
    voucher: bytes | None
    at: datetime


@dataclass(frozen=True, slots=True)
class EndHolds:
    """What tills hold of a voucher's money goes back to it where its time is over."""

    voucher: bytes
    at: datetime


# All that names a voucher, and nobody whose it is.
AtTill = Scan | UploadScan | UndoScan | HoldAmount | CaptureAmount | ReleaseHold | EndHolds
Command = Earn | Refund | Redeem | Cancel | Lapse | Reverse | Transfer | Give | Extend | Close | AtTill


@dataclass(frozen=True, slots=True)
class Earned:
    """The lot that was made; None where a purchase earned nothing."""

    lot: Lot | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """How many points were taken back, and how many were spent and could not be."""

    points: int
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption that was decided, its voucher if it has one, and the lots that paid, or got `returned` points.

    `others` are the vouchers of its further uses.
    """

    redemption: RedemptionRecord
    voucher: VoucherRecord | None
    lots: Sequence[Lot]
    returned: int = 0
    others: Sequence[VoucherRecord] = ()


@dataclass(frozen=True, slots=True)
class Declined:
    """What was refused, and why; nothing changed but that a declined redemption is on record."""

    reason: RedemptionRefusal
    terms: RewardTerms | None = None
    available: int = 0


@dataclass(frozen=True, slots=True)
class Transferred:
    """Points that changed hands, and what the giver has left."""

    transfer: str
    points: int
    available_after: int


@dataclass(frozen=True, slots=True)
class Extended:
    """The lots that got more time, as they are now."""

    lots: Sequence[Lot]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a day's end did for a participant: points that arrived, points that expired, and a tier that changed."""

    arrived: int
    expired: int
    tier_changed: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the till is answered. `first_use` is where the voucher was used before, or now.

    `known` says that this very scan is on record already, because its upload was faster.
    """

    verdict: ScanVerdict
    voucher: VoucherRecord | None
    first_use: UseRecord | None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An uploaded scan that is on record now: it has its `use`, is in `conflict`, or neither where it was undone.

    `first_use` is the one that a conflict is with. `known` says that this scan was on record before.
    """

    voucher: VoucherRecord
    use: UseRecord | None = None
    conflict: ConflictRecord | None = None
    first_use: UseRecord | None = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class BadProof:
    """An uploaded scan that no till could have accepted, and why; nothing changed but that it is on record."""

    code: VoucherCode


@dataclass(frozen=True, slots=True)
class Undone:
    """When a scan that used a voucher, or took money from it, was undone; and the voucher as it is now."""

    scan: str
    at: datetime
    voucher: VoucherRecord


@dataclass(frozen=True, slots=True)
class NotUndone:
    """Nothing changed: there is no such use of this till's, or it can not be undone any more."""

    too_late: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a hold, and the voucher as it is now."""

    voucher: VoucherRecord
    hold: Hold


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing of the money moved, and why."""

    reason: BalanceRefusal
    voucher: VoucherRecord | None = None


@dataclass(frozen=True, slots=True)
class HoldsEnded:
    """How many holds were released."""

    number: int


Outcome = (
    Earned | Refunded | Redeemed | Declined | Transferred | Extended | Closed
    | Scanned | Uploaded | BadProof | Undone | NotUndone | Taken | NotTaken | HoldsEnded
)  # fmt: skip
