"""Whether a shown voucher may be honoured: the one place that decides, for the server and the till alike."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

from mirabelle.rules import ed25519
from mirabelle.rules.frame import Frame, Refusal, holder_message, issuer_message, parse, window_at
from mirabelle.rules.voucher_code import VoucherCode

__all__ = ["CheckContext", "Verdict", "VoucherCode", "broken_proof", "check", "use_key"]

# A till's clock may be a little behind the issuer's.
_EARLY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What the checker knows. Times in unix seconds; vouchers by their 16 bytes; sets need only answer `in`."""

    keys: Mapping[bytes, bytes]
    """Issuer public keys by key id."""
    keyset_expires: int
    now: int
    store: int
    online: bool
    groups: Container[int] = ()
    """The store groups this store belongs to."""
    revoked: Container[bytes] = ()
    epochs: Mapping[bytes, int] = field(default_factory=dict)
    """The lowest device epoch still good, by voucher."""
    used: Container[tuple[bytes, int]] = ()
    """Uses seen before, as `use_key` names them."""
    nonce: bytes | None = None
    """The challenge this till set (8 bytes), if it set one."""
    caps_left: Mapping[int, int] = field(default_factory=dict)
    """How many more uses this till may accept offline, by value class; a class that is not listed has none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. The frame's fields are only claims up to `bad_issuer_signature`; detail is for logs and support."""

    code: VoucherCode
    frame: Frame | None
    detail: str = ""


_Refused = tuple[VoucherCode, str] | None


def use_key(frame: Frame) -> tuple[bytes, int]:
    """Name the use that this frame spends: voucher and use number. Store it as unique."""
    return frame.voucher, frame.use


def check(text: str, context: CheckContext) -> Verdict:
    """Judge a scanned text; the first failing check wins. Write the use durably before showing `accepted`."""
    frame = parse(text)
    if isinstance(frame, Refusal):
        return Verdict(frame.code, None, frame.detail)
    for step in _STEPS:
        refused = step(frame, context)
        if refused is not None:
            return Verdict(refused[0], frame, refused[1])
    return Verdict(VoucherCode.ACCEPTED, frame)


def broken_proof(frame: Frame, keys: Mapping[bytes, bytes], nonce: bytes | None, store: int) -> VoucherCode | None:
    """Which signature of the frame does not hold, whenever and wherever it was shown; None where all of them do."""
    issuer_key = keys.get(frame.key_id)
    if issuer_key is None:
        return VoucherCode.UNKNOWN_KEY
    if not ed25519.verify(issuer_key, issuer_message(frame), frame.issuer_signature):
        return VoucherCode.BAD_ISSUER_SIGNATURE
    return None if _is_by_holder(frame, nonce, store) else VoucherCode.BAD_HOLDER_SIGNATURE


def _is_by_holder(frame: Frame, nonce: bytes | None, store: int) -> bool:
    """Whether the holder's device made it, in answer to the challenge where one is needed; paper needs no device."""
    if frame.window is None or frame.holder_signature is None:
        return not frame.challenge_required  # paper can never answer a challenge
    nonce = nonce if frame.challenge_required else None
    message = holder_message(frame.issued, frame.window, nonce, None if nonce is None else store)
    return ed25519.verify(frame.holder_key, message, frame.holder_signature)


def _check_issuer(frame: Frame, context: CheckContext) -> _Refused:
    issuer_key = context.keys.get(frame.key_id)
    if issuer_key is None:
        return VoucherCode.UNKNOWN_KEY, f"key {frame.key_id.hex()}"
    if context.now >= context.keyset_expires:
        return VoucherCode.KEYSET_EXPIRED, f"since {context.keyset_expires}"
    if not ed25519.verify(issuer_key, issuer_message(frame), frame.issuer_signature):
        return VoucherCode.BAD_ISSUER_SIGNATURE, ""
    return None


def _check_lease(frame: Frame, context: CheckContext) -> _Refused:
    if not frame.dynamic and not frame.bearer_allowed:
        return VoucherCode.BEARER_NOT_ALLOWED, ""
    if context.now < frame.lease_start - _EARLY_SECONDS:
        return VoucherCode.NOT_YET_VALID, f"from {frame.lease_start}"
    if context.now >= frame.lease_end:
        return VoucherCode.LEASE_EXPIRED, f"since {frame.lease_end}"
    return None


def _check_standing(frame: Frame, context: CheckContext) -> _Refused:
    if frame.scope not in (0, context.store) and frame.scope not in context.groups:
        return VoucherCode.WRONG_STORE, f"scope {frame.scope}"
    known_epoch = context.epochs.get(frame.voucher, 0)
    if frame.epoch < known_epoch:
        return VoucherCode.SUPERSEDED_DEVICE, f"epoch {frame.epoch} before {known_epoch}"
    if frame.voucher in context.revoked:
        return VoucherCode.REVOKED, ""
    return None


def _check_holder(frame: Frame, context: CheckContext) -> _Refused:
    if frame.challenge_required and context.nonce is None:
        return VoucherCode.CHALLENGE_REQUIRED, ""
    if not _is_by_holder(frame, context.nonce, context.store):
        return VoucherCode.BAD_HOLDER_SIGNATURE, "" if frame.dynamic else "static"
    if frame.window is None:
        return None
    late = window_at(context.now) - frame.window
    if abs(late) > 1:
        return VoucherCode.STALE_CODE, f"{late} windows"
    return None


def _check_use(frame: Frame, context: CheckContext) -> _Refused:
    if not context.online and not frame.offline_allowed:
        return VoucherCode.OFFLINE_NOT_ALLOWED, ""
    if not context.online and context.caps_left.get(frame.value_class, 0) < 1:
        return VoucherCode.OVER_CAP, f"class {frame.value_class}"
    if use_key(frame) in context.used:
        return VoucherCode.ALREADY_USED, f"use {frame.use}"
    return None


_STEPS: tuple[Callable[[Frame, CheckContext], _Refused], ...] = (
    _check_issuer,
    _check_lease,
    _check_standing,
    _check_holder,
    _check_use,
)
