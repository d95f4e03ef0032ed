"""Judging what a till was shown, with the server's knowledge: the frame's own checks, or a typed code's."""

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from mirabelle.rules.fallback_code import normalise
from mirabelle.rules.frame import Refusal, parse
from mirabelle.rules.redemption import VoucherRecord
from mirabelle.rules.voucher import CheckContext, Verdict, broken_proof, check, use_key
from mirabelle.rules.voucher_code import VoucherCode

# The server holds its own keys: they are as fresh as can be.
_ALWAYS_FRESH: Final = 2**63
# What a till accepted was within its caps, or it is too late to say otherwise.
_WITHIN_CAPS: Final = dict.fromkeys(range(256), 1)


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


@dataclass(frozen=True, slots=True)
class UploadVerdict:
    """What is to be made of an upload. Where it is `refused`, it proves nothing; else it is a use of the voucher.

    A `doubt` is what the server would have answered, but the till could not know, or did not go by: what was handed
    out is recorded all the same. It is `over` where the frame is of a device whose holder had given the voucher away.
    """

    refused: VoucherCode | None = None
    doubt: VoucherCode | None = None
    over: bool = False


def judge_upload(
    shown: Presented,
    voucher: VoucherRecord | None,
    issuer_keys: Mapping[bytes, bytes],
    distrusted: Mapping[bytes, bytes] = MappingProxyType({}),
) -> UploadVerdict:
    """Whether a till without network was shown a voucher of this ledger, and what is doubtful about its taking it.

    Judged at the till's own time, and under every key that ever signed: those that were `distrusted` since as well.
    That the voucher was used, cancelled or taken over by another device meanwhile is no doubt: the till could not know.
    """
    parsed = parse(shown.frame)
    if isinstance(parsed, Refusal):
        return UploadVerdict(parsed.code)
    broken = broken_proof(parsed, {**distrusted, **issuer_keys}, shown.nonce, shown.store)
    if broken is not None or voucher is None:
        return UploadVerdict(broken or VoucherCode.REVOKED)  # well signed, but not known: issued before a restore
    over = voucher.given_to is not None and parsed.epoch <= voucher.epoch_base
    doubts = (
        (over, VoucherCode.SUPERSEDED_DEVICE),
        (voucher.blocked_at is not None or parsed.use > voucher.use, VoucherCode.REVOKED),
    )
    code = _as_the_till_saw_it(shown, issuer_keys).code
    if code is VoucherCode.ACCEPTED:
        return UploadVerdict(doubt=next((doubt for is_so, doubt in doubts if is_so), None), over=over)
    return UploadVerdict(doubt=code, over=over)


def _as_the_till_saw_it(shown: Presented, issuer_keys: Mapping[bytes, bytes]) -> Verdict:
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
