"""What the ledger can be asked to do, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mirabelle.rules.lots import Lot
from mirabelle.rules.redemption import (
    NewVoucher,
    RedemptionRecord,
    RedemptionRefusal,
    RewardTerms,
    UseRecord,
    VoucherRecord,
)
from mirabelle.rules.scans import ScanVerdict


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
class Scan:
    """A till was shown a voucher: a scanned `frame`, or a typed `code`."""

    scan: str
    till: str
    store: int
    groups: tuple[int, ...]
    frame: str
    code: str
    voucher: bytes | None
    at: datetime


Command = Earn | Refund | Redeem | Cancel | Scan


@dataclass(frozen=True, slots=True)
class Earned:
    """The lot that was made; None where a purchase earned nothing."""

    lot: Lot | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """How many points were taken back; fewer than asked where the balance did not hold them."""

    points: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A redemption that was decided, with its voucher if it has one, and the lots that paid."""

    redemption: RedemptionRecord
    voucher: VoucherRecord | None
    lots: Sequence[Lot]


@dataclass(frozen=True, slots=True)
class Declined:
    """A redemption or cancellation that was refused; nothing changed but that it is on record."""

    reason: RedemptionRefusal
    terms: RewardTerms | None = None
    available: int = 0


@dataclass(frozen=True, slots=True)
class Scanned:
    """What the till is answered. `first_use` is where the voucher was used before, or now."""

    verdict: ScanVerdict
    voucher: VoucherRecord | None
    first_use: UseRecord | None


Outcome = Earned | Refunded | Redeemed | Declined | Scanned
