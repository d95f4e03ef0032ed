"""What a till may rely on to check vouchers without network: a bundle that its programme signed.

Decides only: reading a bundle's text and keeping it is for others. Times are unix seconds, vouchers their 16 bytes.
"""

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from mirabelle.rules import ed25519
from mirabelle.rules.frame import MAX_LEASE_MINUTES
from mirabelle.rules.voucher import CheckContext

PROGRAMME_ID_BYTES = 8
STILL_OUT = timedelta(minutes=MAX_LEASE_MINUTES + 60)
"""How long ago a lease began that may still be good at a till, even one whose clock is a little behind."""


class TrustRefusal(StrEnum):
    """Why a bundle is not believed; what the till held before stays."""

    OTHER_PROGRAMME = "other_programme"
    OTHER_STORE = "other_store"
    BAD_SIGNATURE = "bad_signature"
    ROLLBACK = "rollback"
    EXPIRED = "expired"


class KeyState(StrEnum):
    """Where an issuer key stands: it signs, it signed leases that may still be good, or somebody else may have it."""

    CURRENT = "current"
    RETIRED = "retired"
    COMPROMISED = "compromised"


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key that signed vouchers."""

    public_key: bytes
    state: KeyState


@dataclass(frozen=True, slots=True)
class Cap:
    """How many vouchers of a class, and of which value in minor units (None for any), a till takes between syncs."""

    count: int
    value_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """A bundle's content: `keys` by key id, `epochs` by voucher, `caps` by value class (1 for A, 2 for B)."""

    version: int
    issued_at: int
    expires_at: int
    programme: str
    store: int
    groups: frozenset[int]
    keys: Mapping[bytes, IssuerKey]
    revoked: frozenset[bytes]
    epochs: Mapping[bytes, int]
    blocked: frozenset[bytes]
    used: frozenset[tuple[bytes, int]]
    caps: Mapping[int, Cap]
    seconds_since_sync: int
    """For how long after a sync the till may accept vouchers without network."""


@dataclass(frozen=True, slots=True)
class HeldTrust:
    """What a till remembers of the bundle that it believed last: whose it was, its version and when it was signed."""

    programme_key: bytes
    version: int
    issued_at: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A bundle as it arrived: its bytes, what they are signed with, and what they say."""

    bundle: bytes
    signature: bytes
    programme_key: bytes
    trust: Trust


def programme_id(programme_key: bytes) -> str:
    """Name a programme by its key: the first 8 bytes of its SHA-256, as hexadecimal."""
    return hashlib.sha256(programme_key).hexdigest()[: 2 * PROGRAMME_ID_BYTES]


def bundle_message(bundle: bytes) -> bytes:
    """Put together what the programme signs, apart from every other message by its first words."""
    return b"MV1\0trust\0" + bundle


def accept(held: HeldTrust | None, offered: Offered, store: int, now: int) -> Trust | TrustRefusal:
    """Believe what a till of `store` is offered, or say why not. The first that it gets pins its programme key.

    One that was kept back by somebody and comes after a newer one is refused, also where nothing has changed since.
    """
    key, trust = offered.programme_key, offered.trust
    if held is not None and key != held.programme_key:
        return TrustRefusal.OTHER_PROGRAMME
    if not ed25519.verify(key, bundle_message(offered.bundle), offered.signature):
        return TrustRefusal.BAD_SIGNATURE
    if trust.programme != programme_id(key):
        return TrustRefusal.OTHER_PROGRAMME
    if trust.store != store:
        return TrustRefusal.OTHER_STORE
    if held is not None and (trust.version, trust.issued_at) < (held.version, held.issued_at):
        return TrustRefusal.ROLLBACK
    if now >= trust.expires_at:
        return TrustRefusal.EXPIRED
    return trust


@dataclass(frozen=True, slots=True)
class TillState:
    """Where a till without network stands as a voucher is shown to it.

    `taken` is what it accepted without network since `synced_at`, by value class. `value_minor` is that of the shown
    voucher's reward: 0 where it has none, None where the bundle does not know the reward. `used` are the uses that
    this till itself has accepted.
    """

    now: int
    synced_at: int
    taken: Mapping[int, Cap] = field(default_factory=dict)
    used: Container[tuple[bytes, int]] = ()
    value_minor: int | None = 0
    nonce: bytes | None = None


def context_of(trust: Trust, till: TillState) -> CheckContext:
    """What `voucher.check` must know at a till without network. A compromised key is as good as unknown."""
    trusted = {id_: key.public_key for id_, key in trust.keys.items() if key.state is not KeyState.COMPROMISED}
    return CheckContext(
        keys=trusted,
        keyset_expires=trust.expires_at,
        now=till.now,
        store=trust.store,
        online=False,
        groups=trust.groups,
        revoked=trust.revoked | trust.blocked,
        epochs=trust.epochs,
        used=_Either(trust.used, till.used),
        nonce=till.nonce,
        caps_left=caps_left(trust, till),
    )


def caps_left(trust: Trust, till: TillState) -> dict[int, int]:
    """How many more vouchers of the shown one's value the till may take, by value class, until it is online again."""
    if till.now >= till.synced_at + trust.seconds_since_sync:
        return {}
    return {
        class_: _left(cap, till.taken.get(class_, Cap(0, 0)), till.value_minor) for class_, cap in trust.caps.items()
    }


def _left(cap: Cap, taken: Cap, value_minor: int | None) -> int:
    by_count = max(0, cap.count - taken.count)
    if cap.value_minor is None or value_minor == 0:
        return by_count
    if value_minor is None:
        return 0  # of a value that nobody told, nobody can say that there is room for it
    return min(by_count, max(0, cap.value_minor - (taken.value_minor or 0)) // value_minor)


@dataclass(frozen=True, slots=True)
class _Either:
    """What is in one or in the other."""

    one: Container[tuple[bytes, int]]
    other: Container[tuple[bytes, int]]

    def __contains__(self, use: object) -> bool:
        return use in self.one or use in self.other
