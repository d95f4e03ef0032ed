"""A participant's own data: all that the programme keeps about them, as one JSON document that they can take along.

No secret is in it: neither vouchers' codes nor keys, so that whoever reads the file can spend nothing. Others are named
only as the participant named them: by the address that a voucher was given to.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from mirabelle.contract import messages as m
from mirabelle.contract.fields import Identifier, Message, PublicKey, SecretMessage, Text
from mirabelle.contract.reminders import Reminders

VERSION: Final = 1


class Profile(Message, frozen=True, kw_only=True):
    """Who the participant is, and the account. `owed` are points that a refund wants back from what is earned next."""

    participant: str
    name: str
    email: str | None
    language: str
    joined_at: datetime
    active_at: datetime | None
    tier: str | None
    available: int
    held: int
    pending: int
    owed: int


class KeptEvent(Message, frozen=True, kw_only=True):
    """What was imported of the participant: a purchase, a refund, a redemption, or that they joined. Money is in minor
    units."""

    type: str
    id: str
    store: str | None
    amount_minor: int | None
    refunded_minor: int | None
    points: int | None


class KeptRedemption(Message, frozen=True, kw_only=True):
    """A reward that was asked for: one that was refused has its `refusal`."""

    id: str
    reward: str
    title: Text
    points: int
    returned: int
    state: str
    refusal: str | None
    at: datetime
    held_until: datetime | None
    details: dict[str, str]


class KeptUse(Message, frozen=True, kw_only=True):
    """A scan of a voucher. One that `came_late` was accepted without network after the voucher had been used."""

    at: datetime
    store: str
    till: str
    undone_at: datetime | None = None
    came_late: bool = False


class MoneyMove(Message, frozen=True, kw_only=True):
    """What a till did with a voucher's money: "hold", "capture", "release" or "undo", in minor units."""

    at: datetime
    kind: str
    store: str
    till: str
    amount_minor: int
    left_minor: int


class KeptVoucher(Message, frozen=True, kw_only=True):
    """A voucher that the participant paid for, or was `received` from another. What became of one after it was given
    away is the other's."""

    id: str
    redemption: str
    reward: str
    title: Text
    state: str
    store: str | None
    issued_at: datetime
    expires_at: datetime
    number: int
    out_of: int
    value_minor: int | None
    taken_minor: int
    held_minor: int
    blocked_at: datetime | None
    blocked_why: str | None
    received: bool
    given_to: str | None
    given_at: datetime | None
    uses: list[KeptUse]
    money: list[MoneyMove]


class KeptDevice(Message, frozen=True, kw_only=True):
    """A device that signed in: the newest has the highest number."""

    number: int


class KeptSession(Message, frozen=True, kw_only=True):
    """A sign-in. Without `ended_at` it lasts until `expires_at`."""

    device: int
    refreshed_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class KeptAnswer(Message, frozen=True, kw_only=True):
    """That something was asked and answered with an HTTP status, kept so that nothing happens twice."""

    at: datetime
    status: int


class AccountData(Message, frozen=True, kw_only=True):
    """Everything. `mirabelle_account` is the version of this format: within one, fields are only added.

    `activity` tells every change of the points, newest first, transfers between participants among them; `lots` are all
    points that were earned together, spent ones as well; `sign_in_codes` are the times when codes were mailed.
    """

    mirabelle_account: int
    programme: str
    made_at: datetime
    profile: Profile
    lots: list[m.Lot]
    activity: list[m.Activity]
    events: list[KeptEvent]
    redemptions: list[KeptRedemption]
    vouchers: list[KeptVoucher]
    devices: list[KeptDevice]
    sessions: list[KeptSession]
    sign_in_codes: list[datetime]
    answers: list[KeptAnswer]
    reminders: Reminders


class LostVoucher(Message, frozen=True, kw_only=True):
    """A voucher that could still be used; `left_minor` is the money on it, None for one that carries none."""

    id: str
    title: Text
    expires_at: datetime
    left_minor: int | None


class Leaving(Message, frozen=True, kw_only=True):
    """What deleting the account now would cost: points and vouchers; `obstacle` is the reason it would be refused with,
    None where nothing stands in the way."""

    points: int
    vouchers: list[LostVoucher]
    obstacle: str | None


class LeaveRequest(SecretMessage, frozen=True, kw_only=True):
    """Deletes the account of `participant`, who is signed in on the device with `device_key`.

    `proof` is that key's signature, hex, over `"MV1 leave\\0"`, the participant, `"\\0"` and the Idempotency-Key.
    So the same request can be sent until its answer arrives, though by then no session is left.
    """

    participant: Identifier
    device_key: PublicKey
    proof: Annotated[str, Meta(max_length=128, pattern=r"^[0-9a-f]{128}$")]


class Left(Message, frozen=True, kw_only=True):
    """The account is deleted, and what was lost with it."""

    points: int
    vouchers: int
