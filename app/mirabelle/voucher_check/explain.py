"""Explains one frame: its fields, then every check in its order, then the verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mirabelle.rules import base45, frame, voucher
from mirabelle.rules.frame import WINDOW_SECONDS, Frame
from mirabelle.rules.voucher import CheckContext, Verdict, VoucherCode
from mirabelle.voucher_check.keyset import Keyset

_CLASSES: Final = {1: "A: small, any store", 2: "B: bound to a store", 3: "C: high, online only"}
_FLAGS: Final = (
    (frame.OFFLINE, "offline allowed"),
    (frame.STORE_BOUND, "store-bound"),
    (frame.BEARER, "bearer allowed"),
    (frame.CHALLENGE, "challenge required"),
)
_WIDTH: Final = 18


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the code it refuses with; `details` are how a refusal begins that this code shares with others."""

    name: str
    code: VoucherCode
    details: tuple[str, ...] = ("",)

    def refused(self, verdict: Verdict) -> bool:
        """Whether it is this check that refused."""
        return verdict.code == self.code and verdict.detail.startswith(self.details)


CHECKS: Final = (
    Check("prefix MV1:", VoucherCode.NOT_A_VOUCHER, ("prefix", "too long")),
    Check("Base45", VoucherCode.NOT_A_VOUCHER, ("base45", "empty")),
    Check("version", VoucherCode.UNSUPPORTED_VERSION),
    Check("length", VoucherCode.NOT_A_VOUCHER, ("length",)),
    Check("algorithm", VoucherCode.UNSUPPORTED_ALGORITHM),
    Check("key id is known", VoucherCode.UNKNOWN_KEY),
    Check("keyset is fresh", VoucherCode.KEYSET_EXPIRED),
    Check("issuer signature", VoucherCode.BAD_ISSUER_SIGNATURE),
    Check("static: bearer", VoucherCode.BEARER_NOT_ALLOWED),
    Check("lease has begun", VoucherCode.NOT_YET_VALID),
    Check("lease is not over", VoucherCode.LEASE_EXPIRED),
    Check("scope", VoucherCode.WRONG_STORE),
    Check("device epoch", VoucherCode.SUPERSEDED_DEVICE),
    Check("not revoked", VoucherCode.REVOKED),
    Check("challenge is set", VoucherCode.CHALLENGE_REQUIRED),
    Check("holder signature", VoucherCode.BAD_HOLDER_SIGNATURE),
    Check("window", VoucherCode.STALE_CODE),
    Check("offline: allowed", VoucherCode.OFFLINE_NOT_ALLOWED),
    Check("offline: cap", VoucherCode.OVER_CAP),
    Check("not used before", VoucherCode.ALREADY_USED),
)
"""Every check in its order."""


def explain(text: str, keyset: Keyset, context: CheckContext) -> tuple[list[str], VoucherCode]:
    """Judge `text` and say why, line by line."""
    verdict = voucher.check(text, context)
    lines = [_line("text", f"{len(text)} characters{_bytes_told(text)}")]
    if verdict.frame is not None:
        lines += [_line(*field) for field in _fields(verdict.frame, keyset)]
    where = f"store {context.store}, {'online' if context.online else 'offline'}"
    lines += ["", f"checked for {_time(context.now)}, {where}"]
    lines += [_line(check.name, told) for check, told in _checked(verdict, context)]
    return [*lines, "", _line("verdict", verdict.code.value)], verdict.code


def _line(name: str, told: str) -> str:
    return f"{name:<{_WIDTH}} {told}"


def _bytes_told(text: str) -> str:
    """How many bytes the text holds, where it is Base45: whoever counts wrongly wants to know."""
    try:
        raw = base45.decode(text.removeprefix(frame.PREFIX)) if len(text) < frame.MAX_TEXT else b""
    except base45.NotBase45:
        return ""
    return f", {len(raw)} bytes" + (f", the first {raw[0]:02x}" if raw else "")


def _fields(shown: Frame, keyset: Keyset) -> Iterator[tuple[str, str]]:
    yield "version", "MV1, " + ("dynamic: shown live by its device" if shown.dynamic else "static: paper, wallet pass")
    named = [name for bit, name in _FLAGS if shown.flags & bit]
    yield "flags", f"{shown.flags:02x}: {', '.join(named) or 'none'}"
    yield "algorithm", "0: Ed25519"
    key = keyset.keys.get(shown.key_id)
    yield "key id", f"{shown.key_id.hex()}: {'not in the keyset' if key is None else key.state}"
    yield "voucher id", shown.voucher.hex()
    yield "reward", str(shown.reward)
    yield "scope", f"{shown.scope}: " + ("a store or a group of stores" if shown.scope else "any store")
    yield "lease start", _time(shown.lease_start)
    yield "lease length", f"{shown.lease_minutes} minutes"
    yield "lease end", _time(shown.lease_end)
    yield "device epoch", str(shown.epoch)
    yield "use number", str(shown.use)
    yield "value class", f"{shown.value_class}: {_CLASSES.get(shown.value_class, 'no class that Mirabelle issues')}"
    yield "holder key", shown.holder_key.hex()
    yield "issuer signature", shown.issuer_signature.hex()
    if shown.window is not None and shown.holder_signature is not None:
        yield "window", f"{shown.window}: from {_time(shown.window * WINDOW_SECONDS)}, for {WINDOW_SECONDS} s"
        yield "holder signature", shown.holder_signature.hex()


def _time(seconds: int) -> str:
    """Unix seconds, in UTC and in this machine's local time."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{seconds} = {moment:%Y-%m-%d %H:%M:%S} UTC = {moment.astimezone():%Y-%m-%d %H:%M:%S %Z} local"


def _checked(verdict: Verdict, context: CheckContext) -> Iterator[tuple[Check, str]]:
    is_over = False
    for check in CHECKS:
        if is_over:
            yield check, "not reached"
        elif check.refused(verdict):
            is_over = True
            yield check, f"failed: {check.code.value}" + (f" ({verdict.detail})" if verdict.detail else "")
        else:
            reason = _not_asked(check.code, verdict.frame, context)
            yield check, f"ok ({reason})" if reason else "ok"


def _not_asked(code: VoucherCode, shown: Frame | None, context: CheckContext) -> str:
    """Why there was nothing to check, or nothing."""
    if shown is None:
        return ""
    if code == VoucherCode.BEARER_NOT_ALLOWED and shown.dynamic:
        return "dynamic"
    if code == VoucherCode.CHALLENGE_REQUIRED and not shown.challenge_required:
        return "none required"
    if code in (VoucherCode.BAD_HOLDER_SIGNATURE, VoucherCode.STALE_CODE) and not shown.dynamic:
        return "static: there is none"
    if code in (VoucherCode.OFFLINE_NOT_ALLOWED, VoucherCode.OVER_CAP) and context.online:
        return "online"
    return ""
