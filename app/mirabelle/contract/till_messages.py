"""What travels between a till and the backend, as JSON. Times are RFC 3339 in UTC, money is in minor units."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from mirabelle.contract import limits
from mirabelle.contract.fields import Amount, Identifier, Message, Points, PublicKey, SecretMessage, Text, ValueClass
from mirabelle.contract.messages import Use

Frame = Annotated[str, Meta(max_length=limits.FRAME_CHARACTERS)]
KeptFrame = Annotated[str, Meta(max_length=limits.FRAME_CHARACTERS, pattern=r"^[^\x00]*$")]
Moment = Annotated[datetime, Meta(tz=True)]
ScanKey = Annotated[str, Meta(min_length=8, max_length=limits.IDEMPOTENCY_KEY_CHARACTERS, pattern=r"^[\x21-\x7e]+$")]
Nonce = Annotated[
    str, Meta(pattern=r"^([0-9a-f]{16})?$", description="The till's challenge, 8 bytes in hex, if it set one")
]


class EnrolmentRequest(SecretMessage, frozen=True, kw_only=True):
    """Makes the calling device the till that an operator prepared; `code` is good once."""

    code: Annotated[str, Meta(max_length=40)]
    device_key: PublicKey


class Till(Message, frozen=True, kw_only=True):
    id: Identifier
    name: str
    staff: str
    store: Identifier
    store_reference: int
    store_name: Text
    server_time: datetime


class ScanRequest(Message, frozen=True, kw_only=True):
    """One presentation of a voucher: a scanned `frame`, or a typed `code`; exactly one of them."""

    frame: Frame = ""
    code: Annotated[str, Meta(max_length=40)] = ""
    nonce: Nonce = ""


class CardBalance(Message, frozen=True, kw_only=True):
    """The money on a voucher as a till is told, in minor units: `left_minor` can be taken, `held_minor` is set aside.

    `number` is the end of its typed code, so that staff can see that it is the one before them, "" where it has none;
    `voucher` is its id.
    """

    voucher: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    number: str
    value_minor: int
    left_minor: int
    held_minor: int
    expires_at: datetime


class HoldRequest(Message, frozen=True, kw_only=True):
    """Sets an amount aside of the money on the voucher that the `scan` was about."""

    scan: Identifier
    amount_minor: Amount


class CaptureRequest(Message, frozen=True, kw_only=True):
    """Takes an amount of what is held; the rest goes back to the voucher."""

    amount_minor: Amount


class Hold(Message, frozen=True, kw_only=True):
    """An amount that the till holds, in minor units, until it is captured or released, or ends by itself."""

    id: Identifier
    amount_minor: Amount
    ends_at: datetime
    state: Literal["held", "released"]
    balance: CardBalance


class Conflict(Message, frozen=True, kw_only=True):
    """Two scans accepted for one use: the `other` one, and what the programme lost; the use is the first one's.

    `other` is None where nobody used the voucher: its points had gone back by then, or it had been given away.
    """

    other: Use | None
    is_first: bool
    points_lost: Points


class Scan(Message, frozen=True, kw_only=True):
    """What the till was answered. `verdict` is `accepted` or the reason code of the first check that failed.

    An accepted scan names the `voucher` (hex) and the `use` of it that it took, and may be undone until `undo_until`.
    With the verdict `amount_required` the `balance` says how much there is to take; what was taken of it is an accepted
    scan of that `value_minor`, with the balance as it was afterwards.
    """

    id: Identifier
    at: datetime
    verdict: str
    reward: Identifier | None
    title: Text
    value_class: ValueClass | None
    first_use: Use | None
    valid_from: datetime | None
    valid_until: datetime | None
    right_store: Text | None
    voucher: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")] | None = None
    use: Annotated[int, Meta(ge=0, le=255)] | None = None
    value_minor: int | None = None
    offline: bool = False
    undo_until: datetime | None = None
    undone_at: datetime | None = None
    conflict: Conflict | None = None
    balance: CardBalance | None = None


class Scans(Message, frozen=True, kw_only=True):
    """This till's last scans, newest first, and besides all those that a conflict was found for lately."""

    scans: list[Scan]


class ScanUpload(Message, frozen=True, kw_only=True):
    """A scan that a till accepted without network, under the key that it would have sent; `at` is its trusted time.

    One that was undone on the till before it was sent, within the time that the programme allows, uses nothing up, and
    is kept for the record; `undone_at` is the till's trusted time as well. `lost_keys` are the typed codes that the
    till had lately got no answer to: a use of this voucher under one of them is this scan's.
    """

    key: ScanKey
    frame: KeptFrame
    at: Moment
    nonce: Nonce = ""
    undone_at: Moment | None = None
    lost_keys: Annotated[list[str], Meta(max_length=limits.LOST_KEYS)] = field(default_factory=list)


class ScanReceipt(Message, frozen=True, kw_only=True):
    """The backend has the scan, so that the till may let go of it. A `conflict` was used by somebody else before."""

    scan: Scan
    outcome: Literal["recorded", "conflict", "undone"]
