"""The trust bundle on its way to a till: its messages, and how the till reads them."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from mirabelle.contract.fields import Identifier, Message, PublicKey, Text
from mirabelle.rules import frame, trust

VALUE_CLASSES: Final = {"A": 1, "B": 2, "C": 3}
"""What a frame calls each value class."""

VoucherId = Annotated[str, Meta(max_length=32, pattern=r"^[0-9a-f]{32}$")]


class BundleKey(Message, frozen=True, kw_only=True):
    """An issuer key, in hexadecimal."""

    key_id: Annotated[str, Meta(max_length=8, pattern=r"^[0-9a-f]{8}$")]
    public_key: PublicKey
    state: Literal["current", "retired", "compromised"]


class BundleCap(Message, frozen=True, kw_only=True):
    """How many vouchers of a class, and of which value (None for any), a till takes between two syncs."""

    count: int
    value_minor: int | None


class BundleReward(Message, frozen=True, kw_only=True):
    """A reward as the till tells of it."""

    id: Identifier
    title: Text
    value_minor: int | None


class TrustBundle(Message, frozen=True, kw_only=True):
    """All that a till must know to check vouchers without network; of vouchers, those whose lease may still be good.

    `programme` names the programme's key. `used` pairs a voucher with a use; stores and rewards are by the references
    that frames name them by, caps by value class.
    """

    version: int
    issued_at: datetime
    expires_at: datetime
    programme: str
    store: int
    groups: list[int]
    store_names: dict[str, Text]
    keys: list[BundleKey]
    revoked: list[VoucherId]
    epochs: dict[VoucherId, int]
    blocked: list[VoucherId]
    used: list[tuple[VoucherId, int]]
    caps: dict[Literal["A", "B"], BundleCap]
    hours_since_sync: int
    undo_minutes: int
    rewards: dict[str, BundleReward]


class SignedTrust(Message, frozen=True, kw_only=True):
    """`bundle` is the JSON of a TrustBundle, signed as it stands by `programme_key`, see `rules.trust`."""

    bundle: str
    signature: Annotated[str, Meta(max_length=128, pattern=r"^[0-9a-f]{128}$")]
    programme_key: PublicKey


def read_bundle(text: str) -> TrustBundle:
    """The bundle in its JSON; raises msgspec.MsgspecError."""
    return msgspec.json.decode(text.encode(), type=TrustBundle)


def trust_of(bundle: TrustBundle) -> trust.Trust:
    """The bundle as the rules know it; raises ValueError where a key is not the one that its id names."""
    keys = {}
    for key in bundle.keys:
        key_id, public_key = bytes.fromhex(key.key_id), bytes.fromhex(key.public_key)
        if frame.key_id(public_key) != key_id:
            raise ValueError(f"key {key.key_id} has another id")
        keys[key_id] = trust.IssuerKey(public_key, trust.KeyState(key.state))
    return trust.Trust(
        version=bundle.version,
        issued_at=int(bundle.issued_at.timestamp()),
        expires_at=int(bundle.expires_at.timestamp()),
        programme=bundle.programme,
        store=bundle.store,
        groups=frozenset(bundle.groups),
        keys=keys,
        revoked=frozenset(map(bytes.fromhex, bundle.revoked)),
        epochs={bytes.fromhex(voucher): epoch for voucher, epoch in bundle.epochs.items()},
        blocked=frozenset(map(bytes.fromhex, bundle.blocked)),
        used=frozenset((bytes.fromhex(voucher), use) for voucher, use in bundle.used),
        caps={VALUE_CLASSES[class_]: trust.Cap(cap.count, cap.value_minor) for class_, cap in bundle.caps.items()},
        seconds_since_sync=bundle.hours_since_sync * 3600,
    )


def offered(signed: SignedTrust) -> trust.Offered:
    """What `trust.accept` judges; raises ValueError or msgspec.MsgspecError where the text is no bundle."""
    return trust.Offered(
        bundle=signed.bundle.encode(),
        signature=bytes.fromhex(signed.signature),
        programme_key=bytes.fromhex(signed.programme_key),
        trust=trust_of(read_bundle(signed.bundle)),
    )
