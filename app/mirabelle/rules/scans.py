"""Judging what a till was shown, with the server's knowledge: the frame's own checks, or a typed code's."""

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from mirabelle.rules.fallback_code import normalise
from mirabelle.rules.redemption import VoucherRecord
from mirabelle.rules.voucher import CheckContext, Verdict, check, use_key
from mirabelle.rules.voucher_code import VoucherCode

# The server holds its own keys: they are as fresh as can be.
_ALWAYS_FRESH: Final = 2**63
# What a till accepted was within its caps, or it is too late to say otherwise.
_WITHIN_CAPS: Final = dict.fromkeys(range(256), 1)
_CLOCK_SKEW: Final = timedelta(seconds=60)


def scan_id(till: str, key: str) -> str:
    """Name the scan that `till` asks for, or accepts without network, under `key`: both ends find the same name."""
    named = hashlib.sha256(b"\0".join((till.encode(), key.encode())))
    return f"s-{named.hexdigest()[:20]}"


class Presented(Protocol):
    """What was shown, and where and when."""

    @property
    def frame(self) -> str: ...
    @property
    def nonce(self) -> bytes | None: ...
    @property
    def store(self) -> int: ...
    @property
    def groups(self) -> tuple[int, ...]: ...
    @property
    def at(self) -> datetime: ...


class PresentedOnline(Presented, Protocol):
    """The same, of a till that could ask: it may have been a typed code."""

    @property
    def code(self) -> str: ...


class PresentedOffline(Presented, Protocol):
    """The same, of a till that could not ask."""

    @property
    def received_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """The reason code, and for a frame its lease in unix seconds and its use number, as far as it may be told."""

    code: VoucherCode
    lease_start: int | None = None
    lease_end: int | None = None
    use: int | None = None


def judge_scan(
    shown: PresentedOnline,
    voucher: VoucherRecord | None,
    used: Container[tuple[bytes, int]],
    issuer_keys: Mapping[bytes, bytes],
) -> ScanVerdict:
    """The verdict on what was shown online; `voucher` is the one it names, if there is such a one, `used` its uses."""
    if shown.frame:
        return _judge_frame(shown, voucher, used, issuer_keys)
    return ScanVerdict(_judge_code(shown, voucher, used))


def _judge_frame(
    shown: Presented,
    voucher: VoucherRecord | None,
    used: Container[tuple[bytes, int]],
    issuer_keys: Mapping[bytes, bytes],
) -> ScanVerdict:
    revoked = voucher is not None and voucher.is_revoked
    verdict = check(
        shown.frame,
        CheckContext(
            keys=issuer_keys,
            keyset_expires=_ALWAYS_FRESH,
            now=int(shown.at.timestamp()),
            store=shown.store,
            online=True,
            groups=shown.groups,
            revoked=(voucher.id,) if voucher is not None and revoked else (),
            epochs={voucher.id: voucher.epoch} if voucher is not None else {},
            used=used,
            nonce=shown.nonce,
        ),
    )
    frame = verdict.frame
    trusted = frame is not None and verdict.code not in (VoucherCode.UNKNOWN_KEY, VoucherCode.BAD_ISSUER_SIGNATURE)
    if frame is None or not trusted:
        return ScanVerdict(verdict.code)
    code = verdict.code
    if code is VoucherCode.ACCEPTED and (voucher is None or use_key(frame) != (voucher.id, voucher.use)):
        code = VoucherCode.REVOKED  # well signed, but no voucher of this ledger: it was issued before a restore
    return ScanVerdict(code, frame.lease_start, frame.lease_end, frame.use)


def _judge_code(
    shown: PresentedOnline, voucher: VoucherRecord | None, used: Container[tuple[bytes, int]]
) -> VoucherCode:
    """Whatever is wrong about a typed code, it says the same: who guesses learns nothing."""
    good = (
        voucher is not None
        and normalise(shown.code) == voucher.code  # it may have been given away since it was looked up
        and shown.at < voucher.expires_at
        and voucher.store in (0, shown.store, *shown.groups)
        and not voucher.is_revoked
        and (voucher.id, voucher.use) not in used
    )
    return VoucherCode.ACCEPTED if good else VoucherCode.NOT_A_VOUCHER


def judge_upload(
    shown: PresentedOffline, voucher: VoucherRecord | None, issuer_keys: Mapping[bytes, bytes]
) -> VoucherCode:
    """Whether a till without network could accept what it was shown, at its own time, with what it could know.

    That the voucher was used, cancelled or taken over by another device meanwhile, it could not.
    """
    verdict = _as_the_till_saw_it(shown, issuer_keys)
    if verdict.code is not VoucherCode.ACCEPTED or verdict.frame is None:
        return verdict.code
    if shown.at > shown.received_at + _CLOCK_SKEW:
        return VoucherCode.NOT_YET_VALID
    if voucher is None or verdict.frame.use > voucher.use:
        return VoucherCode.REVOKED  # well signed, but not known to this ledger: it was issued before a restore
    return VoucherCode.ACCEPTED


def _as_the_till_saw_it(shown: PresentedOffline, issuer_keys: Mapping[bytes, bytes]) -> Verdict:
    return check(
        shown.frame,
        CheckContext(
            keys=issuer_keys,
            keyset_expires=_ALWAYS_FRESH,
            now=int(shown.at.timestamp()),
            store=shown.store,
            online=False,
            groups=shown.groups,
            nonce=shown.nonce,
            caps_left=_WITHIN_CAPS,
        ),
    )
