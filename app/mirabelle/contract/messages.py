"""What travels between the app and the backend, as JSON. Times are RFC 3339 in UTC, points are whole numbers."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from mirabelle.contract import limits
from mirabelle.contract.fields import (
    PRINTABLE,
    Amount,
    Email,
    Fulfilment,
    Identifier,
    Kind,
    Message,
    Name,
    Needs,
    PassKind,
    Points,
    PublicKey,
    SecretMessage,
    Text,
    ValueClass,
)


class Problem(Message, frozen=True, kw_only=True):
    """A problem document (RFC 9457) with a stable `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    field: str | None = None
    points_missing: int | None = None
    points: int | None = None
    server_time: datetime | None = None


class Done(Message, frozen=True, kw_only=True):
    """An answer that says only that it was done."""

    done: bool = True


# --- the programme and its catalog -------------------------------------------------------------------------------


class Tier(Message, frozen=True, kw_only=True):
    id: Identifier
    name: Text
    from_points: Points


class NamedThing(Message, frozen=True, kw_only=True):
    """A category or a charity."""

    id: Identifier
    name: Text


class Store(Message, frozen=True, kw_only=True):
    id: Identifier
    reference: int
    name: Text


class Programme(Message, frozen=True, kw_only=True):
    """What the app must know of the programme before anybody signs in.

    `transfers_from` is how few points may be given to somebody else; None where none may. `passes` are the wallet apps
    that vouchers which may be put on paper can go into. `contract` is the number of the contract that the server keeps.
    """

    name: str
    currency: str
    time_zone: str
    contact: str
    demo: bool
    tiers: list[Tier]
    categories: list[NamedThing]
    charities: list[NamedThing]
    stores: list[Store]
    server_time: datetime
    transfers_from: int | None = None
    passes: list[PassKind] = field(default_factory=list)
    contract: int = 1


class Reward(Message, frozen=True, kw_only=True, gc=False):
    """A reward as the catalog shows it. `stock` is None where there is no limit; `value_minor` is in minor units.

    `picture` names a picture, and `placeholder` is what stands there before it has come, see `contract.pictures`.
    """

    id: Identifier
    reference: int
    kind: Kind
    category: str
    brand: str | None
    points: Points
    title: Text
    summary: Text
    terms: Text
    picture: str | None
    tint: str | None
    value_minor: int | None
    stock: int | None
    per_participant: int | None
    from_tier: str | None
    store: str | None
    value_class: ValueClass
    needs: Needs
    fulfilment: Fulfilment
    valid_days: int
    available_until: datetime | None
    available_from: datetime | None = None
    popularity: int
    paper: bool = False
    challenge: bool = False
    uses: int = 1
    balance: bool = False
    placeholder: str = ""


class Catalog(Message, frozen=True, kw_only=True):
    """A part of the catalog as the first apps understood it, see `contract.catalog`: the rewards that changed since a
    cursor. Ask again with `cursor` while `more` is true."""

    rewards: list[Reward]
    removed: list[Identifier]
    cursor: str
    more: bool


# --- the wallet ------------------------------------------------------------------------------------------------------


class Lot(Message, frozen=True, kw_only=True):
    """Points earned together. `available_at` is None unless they are still on their way."""

    number: int
    earned_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    points: Points
    remaining: Points
    source: str


class TierStanding(Message, frozen=True, kw_only=True):
    """Where the participant stands: the tier held, and how far the next one is."""

    tier: str | None
    points_in_period: Points
    next_tier: str | None
    points_to_next: Points


class Wallet(Message, frozen=True, kw_only=True):
    """The participant's points as of `as_of`. `lots` holds those with something left, in the order they would pay."""

    participant: Identifier
    name: str
    email: str | None
    available: Points
    held: Points
    pending: Points
    lots: list[Lot]
    standing: TierStanding
    as_of: datetime


class LotShare(Message, frozen=True, kw_only=True):
    """How many points one lot gave to, or got from, a change."""

    lot: int
    points: int
    earned_at: datetime
    expires_at: datetime | None


ActivityKind = Literal[
    "earned",
    "arrived",
    "spent",
    "held",
    "released",
    "returned",
    "expired",
    "clawed_back",
    "reinstated",
    "extended",
    "given",
    "received",
]


class Activity(Message, frozen=True, kw_only=True):
    """One change of the wallet. `points` is the change of the available balance; `subject` names the reward or the
    store that it was about."""

    sequence: int
    at: datetime
    kind: ActivityKind
    points: int
    held: int
    pending: int
    available_after: Points
    source: str
    reward: str | None
    subject: Text
    lots: list[LotShare]


class ActivityPage(Message, frozen=True, kw_only=True):
    """Newest first; ask again with `before` = the last row's sequence while `more` is true."""

    activity: list[Activity]
    more: bool


# --- redemptions and vouchers ---------------------------------------------------------------------------------------


class Details(Message, frozen=True, kw_only=True):
    """What checkout asked for; only the fields that the reward needs are read."""

    address: Annotated[str, Meta(max_length=limits.ADDRESS_CHARACTERS, pattern=r"^[^\x00]*$")] = ""
    recipient: Name = ""
    date: Annotated[str, Meta(max_length=10, pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    charity: Annotated[str, Meta(max_length=limits.IDENTIFIER_CHARACTERS, pattern=PRINTABLE)] = ""


class RedemptionRequest(Message, frozen=True, kw_only=True):
    """`points` is the price the person agreed to; `holder_key` comes from the device seed and the Idempotency-Key.

    A reward of several uses has a voucher for each; the key of number 2 comes from the Idempotency-Key and "/2".
    `more_holder_keys` are those from number 2 on, one after the other.
    """

    reward: Identifier
    points: Points
    holder_key: PublicKey
    details: Details = field(default_factory=Details)
    more_holder_keys: Annotated[
        str, Meta(max_length=64 * (limits.VOUCHER_USES - 1), pattern=r"^(?:[0-9a-f]{64})*$(?!\n)")
    ] = ""


class TransferRequest(Message, frozen=True, kw_only=True):
    """Points for another participant, known by the address they sign in with."""

    recipient: Email
    points: Annotated[int, Meta(ge=1, le=10**12)]


class Transfer(Message, frozen=True, kw_only=True):
    """Points that changed hands, and what the giver has left."""

    id: str
    points: Points
    available_after: Points


class Use(Message, frozen=True, kw_only=True):
    """An accepted scan of a voucher."""

    at: datetime
    store: str
    till: str


class Taking(Message, frozen=True, kw_only=True):
    """An amount that a till took from a voucher's money, in minor units."""

    at: datetime
    store: str
    till: str
    amount_minor: Amount


class Balance(Message, frozen=True, kw_only=True):
    """The money on a voucher, in minor units: what it was worth, what is left and not held by a till at this moment,
    and what was taken, newest first."""

    value_minor: int
    left_minor: int
    held_minor: int = 0
    taken: list[Taking] = field(default_factory=list)


class Voucher(Message, frozen=True, kw_only=True):
    """A voucher as its holder keeps it. `issued` is the signed part of its MV1 frame (136 bytes, hex), whose holder
    key is derived on the device from its seed and `key_salt`.

    Whom it was given to, and by whom, is told to the other of the two; the giver is told no code any more. The points
    of a gift are nothing to its holder: 0.

    It is `superseded` where a device that signed in later than the one that asks shows it now. It may be put on
    `paper` where the reward allows. One that is `blocked` is taken by no till until its operator lifts that. One with
    a `balance` carries money, and is used once nothing is left of it. Where only its holder's device may answer the
    till, there is no `code` to be said: it is empty.
    """

    id: Identifier
    redemption: Identifier
    reward: Identifier
    title: Text
    state: Literal["ready", "used", "expired", "cancelled", "given"]
    code: str
    store: str | None
    value_class: ValueClass
    issued: str
    key_salt: str
    lease_ends_at: datetime
    expires_at: datetime
    issued_at: datetime
    use: Use | None
    superseded: bool = False
    blocked: bool = False
    paper: bool = False
    given_to: str | None = None
    given_by: str | None = None
    given_at: datetime | None = None
    number: int = 1
    out_of: int = 1
    balance: Balance | None = None


class GiftRequest(Message, frozen=True, kw_only=True):
    """A voucher for another participant, known by the address they sign in with."""

    recipient: Email


class PaperVoucher(SecretMessage, frozen=True, kw_only=True):
    """A voucher for whoever holds it: a static MV1 `frame`, good until `ends_at`, and once, as the voucher is."""

    frame: str
    code: str
    ends_at: datetime


class PassRequest(Message, frozen=True, kw_only=True):
    """Asks for a voucher as a pass of a phone's wallet app."""

    wallet: PassKind


class WalletPass(SecretMessage, frozen=True, kw_only=True):
    """A voucher as a pass, one of the two: a `pkpass` file for Apple's wallet app, or the `link` that saves it in
    Google's. Each holds what a PaperVoucher holds."""

    pkpass: bytes | None = None
    link: str | None = None


class Redemption(Message, frozen=True, kw_only=True):
    """A reward exchanged for points. `paid_by` names the lots that paid, soonest-expiring first.

    `others` are the vouchers of its further uses.
    """

    id: Identifier
    reward: Identifier
    title: Text
    points: Points
    state: Literal["held", "captured", "released"]
    details: Details
    created_at: datetime
    paid_by: list[LotShare]
    voucher: Voucher | None
    available_after: Points
    others: list[Voucher] = field(default_factory=list)


class Redemptions(Message, frozen=True, kw_only=True):
    """All redemptions of the participant, newest first, each with its voucher if it has one."""

    redemptions: list[Redemption]


class LeaseRequest(Message, frozen=True, kw_only=True):
    """Renews a voucher's lease for this device."""

    holder_key: PublicKey
