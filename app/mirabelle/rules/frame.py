"""The MV1 voucher frame: the bytes behind a voucher's QR code, how they are made and how they are read.

The issuer signs the lease (what, where, until when, for which holder key); the holder's device signs the present
window of 30 s over it. Whether a frame may be honoured is for `voucher.check` to say: one that was only read has
proved nothing.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from mirabelle.rules import base45, ed25519
from mirabelle.rules.voucher_code import VoucherCode

PREFIX = "MV1:"
OFFLINE, STORE_BOUND, BEARER, CHALLENGE = 1, 2, 4, 8

KEY_ID_BYTES = 4
VOUCHER_BYTES = 16
NONCE_BYTES = 8
LEASE_BYTES = 72
ISSUED_BYTES = LEASE_BYTES + ed25519.SIGNATURE_BYTES
WINDOW_BYTES = 4
DYNAMIC_BYTES = ISSUED_BYTES + WINDOW_BYTES + ed25519.SIGNATURE_BYTES
WINDOW_SECONDS = 30
MAX_LEASE_MINUTES = 72 * 60

_DYNAMIC_HEAD, _STATIC_HEAD = 0x11, 0x10
_LENGTHS = {_DYNAMIC_HEAD: DYNAMIC_BYTES, _STATIC_HEAD: ISSUED_BYTES}
_LEASE = struct.Struct(">BB4s16sIIIHHBB32s")
MAX_TEXT = 4296  # the most characters a QR code can hold; past it nothing was scanned, and nothing is worth decoding

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Lease:
    """What the issuer signs (frame bytes 0-71); lease_start in unix seconds, scope 0 for any store."""

    dynamic: bool
    flags: int
    key_id: bytes
    voucher: bytes
    reward: int
    scope: int
    lease_start: int
    lease_minutes: int
    epoch: int
    use: int
    value_class: int
    holder_key: bytes

    @property
    def lease_end(self) -> int:
        """The first unix second at which the lease is over."""
        return self.lease_start + 60 * self.lease_minutes

    @property
    def offline_allowed(self) -> bool:
        """Whether a till without network may accept it."""
        return bool(self.flags & OFFLINE)

    @property
    def store_bound(self) -> bool:
        """Whether the issuer tied it to one store or hub."""
        return bool(self.flags & STORE_BOUND)

    @property
    def bearer_allowed(self) -> bool:
        """Whether it may be shown without the holder's device, as on paper."""
        return bool(self.flags & BEARER)

    @property
    def challenge_required(self) -> bool:
        """Whether the holder must sign a nonce that the till chose."""
        return bool(self.flags & CHALLENGE)

    @property
    def signed_part(self) -> bytes:
        """The 72 bytes under the issuer's signature; raises ValueError where a field does not fit."""
        if len(self.key_id) != KEY_ID_BYTES or len(self.voucher) != VOUCHER_BYTES:
            raise ValueError("key id or voucher id has the wrong length")
        if len(self.holder_key) != ed25519.PUBLIC_KEY_BYTES:
            raise ValueError("holder key has the wrong length")
        head = _DYNAMIC_HEAD if self.dynamic else _STATIC_HEAD
        numbers = (self.reward, self.scope, self.lease_start, self.lease_minutes)
        try:
            return _LEASE.pack(
                head, self.flags, self.key_id, self.voucher, *numbers,
                self.epoch, self.use, self.value_class, self.holder_key,
            )  # fmt: skip
        except struct.error as fault:
            raise ValueError(f"a lease field is out of range: {fault}") from None


# In the order of the bytes, which is the order of `_LEASE`.
_LEASE_FIELDS = tuple(each.name for each in fields(Lease))


@dataclass(frozen=True, slots=True)
class Frame(Lease):
    """A voucher as it was shown; window and holder_signature are None for a static one (paper, wallet pass)."""

    issuer_signature: bytes
    window: int | None
    holder_signature: bytes | None

    @property
    def issued(self) -> bytes:
        """Frame bytes 0-135: what the issuer handed to the device."""
        return self.signed_part + self.issuer_signature


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text is no frame; detail is a word for logs and support, never a part of the text."""

    code: VoucherCode
    detail: str


def key_id(issuer_public_key: bytes) -> bytes:
    """Name an issuer key: the first 4 bytes of its SHA-256."""
    return hashlib.sha256(issuer_public_key).digest()[:KEY_ID_BYTES]


def window_at(now: int) -> int:
    """Count the 30-second windows since the unix epoch."""
    return now // WINDOW_SECONDS


def issuer_message(lease: Lease) -> bytes:
    """Put together what the issuer signs, apart from every other message by its first words."""
    return b"MV1\0issue\0" + lease.signed_part


def holder_message(issued: bytes, window: int, nonce: bytes | None = None, store: int | None = None) -> bytes:
    """Put together what the holder signs; nonce (8 bytes) and store come together, in challenge mode only."""
    message = b"MV1\0show\0" + hashlib.sha256(issued).digest() + window.to_bytes(WINDOW_BYTES, "big")
    if nonce is None and store is None:
        return message
    if nonce is None or store is None or len(nonce) != NONCE_BYTES:
        raise ValueError("a challenge is a nonce of 8 bytes and a store")
    return message + nonce + store.to_bytes(4, "big")


def issue(lease: Lease, sign: Sign) -> bytes:
    """Sign a lease as its issuer and return the 136 issued bytes; raises ValueError for a lease nobody should sign."""
    if not 0 <= lease.flags < 0x10:
        raise ValueError("flags: only Ed25519 exists, so bits 4-7 are 0")
    if not 0 < lease.lease_minutes <= MAX_LEASE_MINUTES:
        raise ValueError(f"a lease lasts 1 to {MAX_LEASE_MINUTES} minutes")
    if lease.dynamic and not ed25519.is_safe_public_key(lease.holder_key):
        raise ValueError("the holder key is unsafe: anyone could sign for it")
    return lease.signed_part + _signature(sign, issuer_message(lease))


def read_issued(issued: bytes) -> Lease:
    """Read the lease in 136 issued bytes; raises ValueError where they are none. Proves nothing about the signature."""
    if len(issued) != ISSUED_BYTES or issued[0] not in _LENGTHS:
        raise ValueError("not an issued voucher")
    return Lease(**_lease_fields(issued))


def show(issued: bytes, now: int, sign: Sign, nonce: bytes | None = None, store: int | None = None) -> str:
    """Make the text of the QR code for this window; nonce and store answer a till's challenge."""
    lease = read_issued(issued)
    if not lease.dynamic:
        raise ValueError("a static voucher is shown by static_text")
    if nonce is not None and not lease.challenge_required:
        raise ValueError("this voucher takes no challenge")
    window = window_at(now)
    signature = _signature(sign, holder_message(issued, window, nonce, store))
    return PREFIX + base45.encode(issued + window.to_bytes(WINDOW_BYTES, "big") + signature)


def static_text(issued: bytes) -> str:
    """Make the text of a static voucher's QR code, for paper and wallet passes."""
    if read_issued(issued).dynamic:
        raise ValueError("a dynamic voucher is shown by its holder's device")
    return PREFIX + base45.encode(issued)


def parse(text: str) -> Frame | Refusal:
    """Read a scanned text, exactly as scanned: trimming it would give one voucher several spellings."""
    if not text.startswith(PREFIX):
        return Refusal(VoucherCode.NOT_A_VOUCHER, "prefix")
    if len(text) > MAX_TEXT:
        return Refusal(VoucherCode.NOT_A_VOUCHER, "too long")
    try:
        raw = base45.decode(text[len(PREFIX) :])
    except base45.NotBase45 as fault:
        return Refusal(VoucherCode.NOT_A_VOUCHER, f"base45 {fault}")
    if not raw:
        return Refusal(VoucherCode.NOT_A_VOUCHER, "empty")
    if raw[0] not in _LENGTHS:
        return Refusal(VoucherCode.UNSUPPORTED_VERSION, f"version {raw[0]:02x}")
    if len(raw) != _LENGTHS[raw[0]]:
        return Refusal(VoucherCode.NOT_A_VOUCHER, f"length {len(raw)}")
    if raw[1] >> 4:
        return Refusal(VoucherCode.UNSUPPORTED_ALGORITHM, f"algorithm {raw[1] >> 4}")
    return _frame(raw)


def _frame(raw: bytes) -> Frame:
    dynamic = raw[0] == _DYNAMIC_HEAD
    return Frame(
        **_lease_fields(raw),
        issuer_signature=raw[LEASE_BYTES:ISSUED_BYTES],
        window=int.from_bytes(raw[ISSUED_BYTES : ISSUED_BYTES + WINDOW_BYTES], "big") if dynamic else None,
        holder_signature=raw[ISSUED_BYTES + WINDOW_BYTES :] if dynamic else None,
    )


def _lease_fields(raw: bytes) -> dict[str, Any]:
    head, *rest = _LEASE.unpack_from(raw)
    return dict(zip(_LEASE_FIELDS, (head == _DYNAMIC_HEAD, *rest), strict=True))


def _signature(sign: Sign, message: bytes) -> bytes:
    signature = sign(message)
    if len(signature) != ed25519.SIGNATURE_BYTES:
        raise ValueError("the signer gave no Ed25519 signature")
    return signature
