"""Judging what a till was shown, with the server's knowledge: the frame's own checks, or a typed code's."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from mirabelle.rules.redemption import VoucherRecord
from mirabelle.rules.voucher import CheckContext, check, use_key
from mirabelle.rules.voucher_code import VoucherCode

# The server holds its own keys: they are as fresh as can be.
_ALWAYS_FRESH: Final = 2**63


def scan_id(till: str, key: str) -> str:
    """Name the scan that `till` asks for, or accepts without network, under `key`: both ends find the same name."""
    named = hashlib.sha256(b"\0".join((till.encode(), key.encode())))
    return f"s-{named.hexdigest()[:20]}"


class Presented(Protocol):
    """What was shown, and where and when."""

    @property
    def frame(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def store(self) -> int: ...
    @property
    def groups(self) -> tuple[int, ...]: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class ScanVerdict:
    """The reason code, and for a frame its lease in unix seconds, as far as it may be told."""

    code: VoucherCode
    lease_start: int | None = None
    lease_end: int | None = None


def judge_scan(
    shown: Presented, voucher: VoucherRecord | None, used: bool, issuer_keys: Mapping[bytes, bytes]
) -> ScanVerdict:
    """The verdict on what was shown online; `voucher` is the one it names, if there is such a one."""
    if shown.frame:
        return _judge_frame(shown, voucher, used, issuer_keys)
    return ScanVerdict(_judge_code(shown, voucher, used))


def _judge_frame(
    shown: Presented, voucher: VoucherRecord | None, used: bool, issuer_keys: Mapping[bytes, bytes]
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
            used=((voucher.id, voucher.use),) if voucher is not None and used else (),
        ),
    )
    frame = verdict.frame
    trusted = frame is not None and verdict.code not in (VoucherCode.UNKNOWN_KEY, VoucherCode.BAD_ISSUER_SIGNATURE)
    if frame is None or not trusted:
        return ScanVerdict(verdict.code)
    code = verdict.code
    if code is VoucherCode.ACCEPTED and (voucher is None or use_key(frame) != (voucher.id, voucher.use)):
        code = VoucherCode.REVOKED  # well signed, but no voucher of this ledger: it was issued before a restore
    return ScanVerdict(code, frame.lease_start, frame.lease_end)


def _judge_code(shown: Presented, voucher: VoucherRecord | None, used: bool) -> VoucherCode:
    if voucher is None:
        return VoucherCode.NOT_A_VOUCHER
    checks = (
        (voucher.expires_at <= shown.at, VoucherCode.LEASE_EXPIRED),
        (voucher.store not in (0, shown.store, *shown.groups), VoucherCode.WRONG_STORE),
        (voucher.is_revoked, VoucherCode.REVOKED),
        (used, VoucherCode.ALREADY_USED),
    )
    return next((code for failed, code in checks if failed), VoucherCode.ACCEPTED)
