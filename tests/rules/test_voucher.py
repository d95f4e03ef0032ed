"""Whether a shown voucher may be honoured."""

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mirabelle.rules import base45, frame, holder, voucher
from mirabelle.rules.frame import Frame, Lease
from mirabelle.rules.voucher import CheckContext, VoucherCode

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "frames.json").read_text("utf-8"))
NOW = 1_790_000_010
STORE = 7
ISSUER, HOLDER, STRANGER = bytes(32), bytes(range(32)), b"\1" * 32
ISSUER_KEY = holder.public_key(ISSUER)
LEASE = Lease(
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
CONTEXT = CheckContext(
    keys={LEASE.key_id: ISSUER_KEY}, keyset_expires=NOW + 3600, now=NOW, store=STORE, online=False, caps_left={1: 1}
)


@dataclass
class Scan:
    """A good scan by an offline till, before a test spoils it."""

    lease: Lease = LEASE
    context: CheckContext = CONTEXT
    issuer: bytes = ISSUER
    holder: bytes = HOLDER
    shown_at: int = NOW
    answer: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        issued = frame.issue(self.lease, lambda message: holder.sign(self.issuer, message))
        if not self.lease.dynamic:
            return frame.static_text(issued)
        return frame.show(issued, self.shown_at, lambda message: holder.sign(self.holder, message), **self.answer)

    def verdict(self) -> voucher.Verdict:
        return voucher.check(self.text(), self.context)

    def with_lease(self, **changes: Any) -> None:
        self.lease = replace(self.lease, **changes)

    def with_context(self, **changes: Any) -> None:
        self.context = replace(self.context, **changes)


# One way to earn each refusal, in the order in which they are checked.
FAULTS: dict[VoucherCode, Callable[[Scan], None]] = {
    VoucherCode.UNKNOWN_KEY: lambda scan: scan.with_context(keys={}),
    VoucherCode.KEYSET_EXPIRED: lambda scan: scan.with_context(keyset_expires=NOW),
    VoucherCode.BAD_ISSUER_SIGNATURE: lambda scan: setattr(scan, "issuer", STRANGER),
    VoucherCode.BEARER_NOT_ALLOWED: lambda scan: scan.with_lease(dynamic=False),
    VoucherCode.NOT_YET_VALID: lambda scan: scan.with_lease(lease_start=NOW + 61),
    VoucherCode.LEASE_EXPIRED: lambda scan: scan.with_lease(lease_start=NOW - 3600),
    VoucherCode.WRONG_STORE: lambda scan: scan.with_lease(scope=8),
    VoucherCode.SUPERSEDED_DEVICE: lambda scan: scan.with_context(epochs={LEASE.voucher: 4}),
    VoucherCode.REVOKED: lambda scan: scan.with_context(revoked={LEASE.voucher}),
    VoucherCode.CHALLENGE_REQUIRED: lambda scan: scan.with_lease(flags=scan.lease.flags | frame.CHALLENGE),
    VoucherCode.BAD_HOLDER_SIGNATURE: lambda scan: setattr(scan, "holder", STRANGER),
    VoucherCode.STALE_CODE: lambda scan: setattr(scan, "shown_at", NOW - 60),
    VoucherCode.OFFLINE_NOT_ALLOWED: lambda scan: scan.with_lease(flags=scan.lease.flags & ~frame.OFFLINE),
    VoucherCode.OVER_CAP: lambda scan: scan.with_context(caps_left={1: 0}),
    VoucherCode.ALREADY_USED: lambda scan: scan.with_context(used={(LEASE.voucher, LEASE.use)}),
}
CANNOT_MEET = {(VoucherCode.NOT_YET_VALID, VoucherCode.LEASE_EXPIRED)}


def vector_context(overrides: dict[str, Any]) -> CheckContext:
    given = VECTORS["base_context"] | overrides
    return CheckContext(
        keys={bytes.fromhex(key): bytes.fromhex(public) for key, public in given["keys"].items()},
        keyset_expires=given["keyset_expires"],
        now=given["now"],
        store=given["store"],
        online=True,
        groups=given["groups"],
        revoked={bytes.fromhex(revoked) for revoked in given["revoked"]},
        epochs={bytes.fromhex(known): epoch for known, epoch in given["epochs"].items()},
        used={(bytes.fromhex(used), int(use)) for used, use in (entry.split(":") for entry in given["used"])},
        nonce=bytes.fromhex(given["nonce"]) if "nonce" in given else None,
    )


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_each_vector_gets_its_answer(case: dict[str, Any]) -> None:
    verdict = voucher.check(case["frame"], vector_context(case["context"]))
    assert verdict.code == case["expect"]
    for name, expected in case.get("fields", {}).items():
        found = getattr(verdict.frame, name)
        assert (found.hex() if isinstance(found, bytes) else found) == expected


def test_all_104_vectors_are_here() -> None:
    assert len(VECTORS["cases"]) == 104


def test_a_good_voucher_is_accepted_offline_and_online() -> None:
    scan = Scan()
    assert scan.verdict().code == VoucherCode.ACCEPTED
    scan.with_context(online=True, caps_left={})
    scan.with_lease(flags=0)
    assert scan.verdict().code == VoucherCode.ACCEPTED


def test_a_voucher_is_accepted_once() -> None:
    scan = Scan()
    first = scan.verdict()
    assert first.code == VoucherCode.ACCEPTED and first.frame is not None
    scan.with_context(used={voucher.use_key(first.frame)})
    assert scan.verdict().code == VoucherCode.ALREADY_USED
    scan.with_lease(use=2)
    assert scan.verdict().code == VoucherCode.ACCEPTED


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_has_its_own_code(code: VoucherCode) -> None:
    scan = Scan()
    FAULTS[code](scan)
    assert scan.verdict().code == code


@pytest.mark.parametrize(("first", "second"), [p for p in itertools.combinations(FAULTS, 2) if p not in CANNOT_MEET])
def test_the_first_failing_check_wins(first: VoucherCode, second: VoucherCode) -> None:
    scan = Scan()
    FAULTS[second](scan)
    FAULTS[first](scan)
    assert scan.verdict().code == first


def test_every_code_is_reachable_and_listed_in_the_order_of_the_checks() -> None:
    unreadable = [VoucherCode.NOT_A_VOUCHER, VoucherCode.UNSUPPORTED_VERSION, VoucherCode.UNSUPPORTED_ALGORITHM]
    assert [*unreadable, *FAULTS, VoucherCode.ACCEPTED] == list(VoucherCode)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x21", VoucherCode.UNSUPPORTED_VERSION),  # version before length
        (b"\x12" + bytes(203), VoucherCode.UNSUPPORTED_VERSION),
        (b"\x11\xf0", VoucherCode.NOT_A_VOUCHER),  # length before algorithm
        (b"\x10" + bytes(203), VoucherCode.NOT_A_VOUCHER),
        (b"\x11" + bytes(135), VoucherCode.NOT_A_VOUCHER),
        (b"\x11\x10" + bytes(202), VoucherCode.UNSUPPORTED_ALGORITHM),  # algorithm before key
        (b"\x10\x80" + bytes(134), VoucherCode.UNSUPPORTED_ALGORITHM),
        (b"\x11\x0f" + bytes(202), VoucherCode.UNKNOWN_KEY),
    ],
)
def test_version_then_length_then_algorithm_then_key(raw: bytes, code: VoucherCode) -> None:
    assert voucher.check("MV1:" + base45.encode(raw), CONTEXT).code == code


@pytest.mark.parametrize("spoil", [" {}", "{} ", "{}\n", "\ufeff{}", "{}0", "{}000"])
def test_a_text_is_taken_exactly_as_scanned(spoil: str) -> None:
    assert voucher.check(spoil.format(Scan().text()), CONTEXT).code == VoucherCode.NOT_A_VOUCHER


def test_the_lease_begins_a_minute_early_and_ends_on_the_second() -> None:
    start, end = LEASE.lease_start, LEASE.lease_end
    moments = {
        start - 61: VoucherCode.NOT_YET_VALID,
        start - 60: VoucherCode.ACCEPTED,
        end - 1: VoucherCode.ACCEPTED,
        end: VoucherCode.LEASE_EXPIRED,
    }
    for now, code in moments.items():
        scan = Scan(shown_at=now)
        scan.with_context(now=now, keyset_expires=end + 60)
        assert scan.verdict().code == code


def test_a_code_lives_for_its_window_and_one_on_either_side() -> None:
    scan, start = Scan(), NOW - NOW % 30
    for now in range(start - 60, start + 90):
        scan.shown_at = start
        scan.with_context(now=now)
        fresh = start - 30 <= now < start + 60
        assert scan.verdict().code == (VoucherCode.ACCEPTED if fresh else VoucherCode.STALE_CODE)


def test_a_scope_is_any_store_this_store_or_one_of_its_groups() -> None:
    scan = Scan()
    scan.with_context(groups=(1000, 1001))
    for scope, code in {
        0: VoucherCode.ACCEPTED,
        STORE: VoucherCode.ACCEPTED,
        1001: VoucherCode.ACCEPTED,
        1002: VoucherCode.WRONG_STORE,
    }.items():
        scan.with_lease(scope=scope)
        assert scan.verdict().code == code


def test_a_newer_epoch_than_the_known_one_is_good() -> None:
    scan = Scan()
    for known in (0, 2, 3):
        scan.with_context(epochs={LEASE.voucher: known})
        assert scan.verdict().code == VoucherCode.ACCEPTED


def test_paper_is_accepted_where_bearer_is_allowed_and_is_never_stale() -> None:
    scan = Scan(shown_at=NOW - 3000)
    scan.with_lease(dynamic=False, flags=frame.BEARER | frame.OFFLINE)
    assert scan.verdict().code == VoucherCode.ACCEPTED


def test_paper_never_answers_a_challenge() -> None:
    scan = Scan()
    scan.with_lease(dynamic=False, flags=frame.BEARER | frame.OFFLINE | frame.CHALLENGE)
    assert scan.verdict().code == VoucherCode.CHALLENGE_REQUIRED
    scan.with_context(nonce=bytes(8))
    assert scan.verdict().code == VoucherCode.BAD_HOLDER_SIGNATURE


def test_a_challenge_is_answered_by_its_nonce_at_its_store_only() -> None:
    scan = Scan()
    scan.with_lease(flags=frame.OFFLINE | frame.CHALLENGE, scope=0)
    scan.with_context(nonce=b"12345678")
    for nonce, store, code in (
        (b"12345678", STORE, VoucherCode.ACCEPTED),
        (b"12345679", STORE, VoucherCode.BAD_HOLDER_SIGNATURE),
        (b"12345678", 8, VoucherCode.BAD_HOLDER_SIGNATURE),
    ):
        scan.answer = {"nonce": nonce, "store": store}
        assert scan.verdict().code == code
    scan.answer = {}
    assert scan.verdict().code == VoucherCode.BAD_HOLDER_SIGNATURE


def test_a_till_with_a_nonce_still_takes_vouchers_that_need_none() -> None:
    scan = Scan()
    scan.with_context(nonce=bytes(8))
    assert scan.verdict().code == VoucherCode.ACCEPTED


def test_a_value_class_without_a_cap_is_online_only() -> None:
    scan = Scan()
    scan.with_lease(value_class=2)
    assert scan.verdict().code == VoucherCode.OVER_CAP
    scan.with_context(online=True)
    assert scan.verdict().code == VoucherCode.ACCEPTED


def test_an_unsafe_issuer_key_in_the_keyset_vouches_for_nothing() -> None:
    scan = Scan()
    scan.with_context(keys={LEASE.key_id: b"\1" + bytes(31)})
    assert scan.verdict().code == VoucherCode.BAD_ISSUER_SIGNATURE


@pytest.mark.parametrize("dynamic", [True, False])
def test_no_flipped_bit_is_ever_accepted(dynamic: bool) -> None:
    scan = Scan()
    scan.with_lease(dynamic=dynamic, flags=frame.OFFLINE | frame.BEARER)
    raw = base45.decode(scan.text().removeprefix("MV1:"))
    scan.with_context(online=True)
    for bit in range(8 * len(raw)):
        spoiled = bytearray(raw)
        spoiled[bit // 8] ^= 1 << bit % 8
        assert voucher.check("MV1:" + base45.encode(bytes(spoiled)), scan.context).code != VoucherCode.ACCEPTED


def test_no_random_damage_to_the_text_is_ever_accepted() -> None:
    source, text = random.Random(1), Scan().text()
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:a\u0663"
    for _ in range(3000):
        start = source.randrange(len(text))
        end = min(len(text), start + source.randrange(7))
        damaged = text[:start] + "".join(source.choices(alphabet, k=source.randrange(7))) + text[end:]
        accepted = voucher.check(damaged, CONTEXT).code == VoucherCode.ACCEPTED
        assert accepted == (damaged == text)


def test_a_refusal_repeats_nothing_of_what_was_scanned() -> None:
    verdict = voucher.check("MV1:secret", CONTEXT)
    assert verdict == voucher.Verdict(VoucherCode.NOT_A_VOUCHER, None, "base45 alphabet")


def test_a_frame_is_at_hand_for_every_refusal_of_a_readable_one() -> None:
    for spoil in FAULTS.values():
        scan = Scan()
        spoil(scan)
        assert isinstance(scan.verdict().frame, Frame)
