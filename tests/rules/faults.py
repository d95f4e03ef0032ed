"""A good voucher before a good till, and one way to earn each refusal, in the order of the checks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules import base45, frame, holder
from mirabelle.rules.frame import Lease, Sign
from mirabelle.rules.voucher import CheckContext, Verdict, VoucherCode, check

NOW: Final = 1_790_000_010
STORE: Final = 7
ISSUER, HOLDER, STRANGER = bytes(32), bytes(range(32)), b"\1" * 32
ISSUER_KEY: Final = holder.public_key(ISSUER)


def signer(private: bytes) -> Sign:
    """Signs with a raw private key."""
    return Ed25519PrivateKey.from_private_bytes(private).sign


_ISSUER, _HOLDER, _STRANGER = map(signer, (ISSUER, HOLDER, STRANGER))
_LEASE = Lease(
    dynamic=True,
    flags=frame.OFFLINE,
    key_id=frame.key_id(ISSUER_KEY),
    voucher=bytes(range(16)),
    reward=1,
    scope=STORE,
    lease_start=NOW - 600,
    lease_minutes=60,
    epoch=3,
    use=1,
    value_class=1,
    holder_key=holder.public_key(HOLDER),
)
_CONTEXT = CheckContext(
    keys={_LEASE.key_id: ISSUER_KEY}, keyset_expires=NOW + 3600, now=NOW, store=STORE, online=False, caps_left={1: 1}
)


@dataclass
class Draft:
    """A frame that is not made yet: whoever spoils it changes a part, and what is signed is signed over that.

    `head` and `algorithm` are written as they are, `spoil_raw` and `spoil_text` change what is ready.
    """

    lease: Lease = _LEASE
    context: CheckContext = _CONTEXT
    issuer: Sign = _ISSUER
    holder: Sign = _HOLDER
    shown_at: int = NOW
    answer: dict[str, Any] = field(default_factory=dict)
    head: int | None = None
    algorithm: int = 0
    spoil_raw: Callable[[bytes], bytes] = bytes
    spoil_text: Callable[[str], str] = str

    def with_lease(self, **changes: Any) -> None:
        self.lease = replace(self.lease, **changes)

    def with_context(self, **changes: Any) -> None:
        self.context = replace(self.context, **changes)

    def raw(self) -> bytes:
        """The frame's bytes."""
        part = bytearray(self.lease.signed_part)
        part[0] = part[0] if self.head is None else self.head
        part[1] |= self.algorithm << 4
        issued = bytes(part) + self.issuer(b"MV1\0issue\0" + part)
        if not self.lease.dynamic:
            return self.spoil_raw(issued)
        window = frame.window_at(self.shown_at)
        shown = self.holder(frame.holder_message(issued, window, **self.answer))
        return self.spoil_raw(issued + window.to_bytes(4, "big") + shown)

    def text(self) -> str:
        """The text of the code."""
        return self.spoil_text(frame.PREFIX + base45.encode(self.raw()))

    def verdict(self) -> Verdict:
        """What the till says to it."""
        return check(self.text(), self.context)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to earn `code`; `detail` is how its refusal begins, where others share the code."""

    name: str
    code: VoucherCode
    spoil: Callable[[Draft], None]
    detail: str = ""

    def is_told_by(self, verdict: Verdict) -> bool:
        """Whether the verdict is this fault's."""
        return verdict.code == self.code and verdict.detail.startswith(self.detail)


def _spelled(change: Callable[[str], str]) -> Callable[[Draft], None]:
    def spoil(draft: Draft) -> None:
        before = draft.spoil_text
        draft.spoil_text = lambda text: change(before(text))

    return spoil


def _set(name: str, value: object) -> Callable[[Draft], None]:
    return lambda draft: setattr(draft, name, value)


def _shown_by_a_stranger(draft: Draft) -> None:
    """Paper has no device: it fails here where a challenge was set, which it cannot answer."""
    draft.holder = _STRANGER
    if not draft.lease.dynamic:
        draft.with_lease(flags=draft.lease.flags | frame.CHALLENGE)
        draft.with_context(nonce=bytes(8))


def _on_paper(draft: Draft) -> None:
    draft.with_lease(dynamic=False)
    if draft.holder is _STRANGER:
        _shown_by_a_stranger(draft)


def _scanned_before(draft: Draft) -> None:
    draft.with_context(used={(draft.lease.voucher, draft.lease.use)})


FAULTS: Final = (
    Fault("prefix", VoucherCode.NOT_A_VOUCHER, _spelled(lambda text: "MV2:" + text[4:]), "prefix"),
    Fault("base45", VoucherCode.NOT_A_VOUCHER, _spelled(lambda text: text[:99] + "a" + text[100:]), "base45"),
    Fault("version", VoucherCode.UNSUPPORTED_VERSION, _set("head", 0x21)),
    Fault("length", VoucherCode.NOT_A_VOUCHER, _set("spoil_raw", lambda raw: raw[:-2]), "length"),
    Fault("algorithm", VoucherCode.UNSUPPORTED_ALGORITHM, _set("algorithm", 1)),
    Fault("key", VoucherCode.UNKNOWN_KEY, lambda draft: draft.with_context(keys={})),
    Fault("keyset", VoucherCode.KEYSET_EXPIRED, lambda draft: draft.with_context(keyset_expires=NOW)),
    Fault("issuer", VoucherCode.BAD_ISSUER_SIGNATURE, _set("issuer", _STRANGER)),
    Fault("bearer", VoucherCode.BEARER_NOT_ALLOWED, _on_paper),
    Fault("early", VoucherCode.NOT_YET_VALID, lambda draft: draft.with_lease(lease_start=NOW + 61)),
    Fault("late", VoucherCode.LEASE_EXPIRED, lambda draft: draft.with_lease(lease_start=NOW - 3600)),
    Fault("store", VoucherCode.WRONG_STORE, lambda draft: draft.with_lease(scope=STORE + 1)),
    Fault("epoch", VoucherCode.SUPERSEDED_DEVICE, lambda draft: draft.with_context(epochs={draft.lease.voucher: 4})),
    Fault("revoked", VoucherCode.REVOKED, lambda draft: draft.with_context(revoked={draft.lease.voucher})),
    Fault(
        "challenge",
        VoucherCode.CHALLENGE_REQUIRED,
        lambda draft: draft.with_lease(flags=draft.lease.flags | frame.CHALLENGE),
    ),
    Fault("holder", VoucherCode.BAD_HOLDER_SIGNATURE, _shown_by_a_stranger),
    Fault("window", VoucherCode.STALE_CODE, _set("shown_at", NOW - 60)),
    Fault(
        "offline",
        VoucherCode.OFFLINE_NOT_ALLOWED,
        lambda draft: draft.with_lease(flags=draft.lease.flags & ~frame.OFFLINE),
    ),
    Fault("cap", VoucherCode.OVER_CAP, lambda draft: draft.with_context(caps_left={1: 0})),
    Fault("used", VoucherCode.ALREADY_USED, _scanned_before),
)

# What cannot be wrong at the same time: a lease is not early and late, and paper shows no window.
CANNOT_MEET: Final = ({"early", "late"}, {"bearer", "window"})


def can_meet(*faults: Fault) -> bool:
    """Whether one frame can have all of these faults."""
    return not any(both <= {fault.name for fault in faults} for both in CANNOT_MEET)


def in_order(faults: Sequence[Fault]) -> list[Fault]:
    """These faults in the order of the checks, without those that cannot meet an earlier one."""
    found: list[Fault] = []
    for fault in FAULTS:
        if fault in faults and can_meet(*found, fault):
            found.append(fault)
    return found
