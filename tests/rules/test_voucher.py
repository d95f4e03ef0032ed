"""Whether a shown voucher may be honoured."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mirabelle.rules import base45, frame, voucher
from mirabelle.rules.frame import Frame
from mirabelle.rules.voucher import CheckContext, VoucherCode
from tests.rules.faults import FAULTS, NOW, STORE, Draft

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "frames.json").read_text("utf-8"))
UNREADABLE = ("prefix", "base45", "version", "length", "algorithm")
LEASE, CONTEXT = Draft().lease, Draft().context


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
    draft = Draft()
    assert draft.verdict().code == VoucherCode.ACCEPTED
    draft.with_context(online=True, caps_left={})
    draft.with_lease(flags=0)
    assert draft.verdict().code == VoucherCode.ACCEPTED


def test_a_voucher_is_accepted_once() -> None:
    draft = Draft()
    first = draft.verdict()
    assert first.code == VoucherCode.ACCEPTED and first.frame is not None
    draft.with_context(used={voucher.use_key(first.frame)})
    assert draft.verdict().code == VoucherCode.ALREADY_USED
    draft.with_lease(use=2)
    assert draft.verdict().code == VoucherCode.ACCEPTED


def test_every_code_is_reachable_and_listed_in_the_order_of_the_checks() -> None:
    unreadable = [VoucherCode.NOT_A_VOUCHER, VoucherCode.UNSUPPORTED_VERSION, VoucherCode.UNSUPPORTED_ALGORITHM]
    others = [fault.code for fault in FAULTS if fault.code not in unreadable]
    good = [VoucherCode.ACCEPTED, VoucherCode.AMOUNT_REQUIRED]
    assert [*unreadable, *others, *good] == list(VoucherCode)


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
    assert voucher.check(spoil.format(Draft().text()), CONTEXT).code == VoucherCode.NOT_A_VOUCHER


def test_the_lease_begins_a_minute_early_and_ends_on_the_second() -> None:
    start, end = LEASE.lease_start, LEASE.lease_end
    moments = {
        start - 61: VoucherCode.NOT_YET_VALID,
        start - 60: VoucherCode.ACCEPTED,
        end - 1: VoucherCode.ACCEPTED,
        end: VoucherCode.LEASE_EXPIRED,
    }
    for now, code in moments.items():
        draft = Draft(shown_at=now)
        draft.with_context(now=now, keyset_expires=end + 60)
        assert draft.verdict().code == code


def test_a_code_lives_for_its_window_and_one_on_either_side() -> None:
    draft, start = Draft(), NOW - NOW % 30
    for now in range(start - 60, start + 90):
        draft.shown_at = start
        draft.with_context(now=now)
        fresh = start - 30 <= now < start + 60
        assert draft.verdict().code == (VoucherCode.ACCEPTED if fresh else VoucherCode.STALE_CODE)


def test_a_scope_is_any_store_this_store_or_one_of_its_groups() -> None:
    draft = Draft()
    draft.with_context(groups=(1000, 1001))
    for scope, code in {
        0: VoucherCode.ACCEPTED,
        STORE: VoucherCode.ACCEPTED,
        1001: VoucherCode.ACCEPTED,
        1002: VoucherCode.WRONG_STORE,
    }.items():
        draft.with_lease(scope=scope)
        assert draft.verdict().code == code


def test_a_newer_epoch_than_the_known_one_is_good() -> None:
    draft = Draft()
    for known in (0, 2, 3):
        draft.with_context(epochs={LEASE.voucher: known})
        assert draft.verdict().code == VoucherCode.ACCEPTED


def test_paper_is_accepted_where_bearer_is_allowed_and_is_never_stale() -> None:
    draft = Draft(shown_at=NOW - 3000)
    draft.with_lease(dynamic=False, flags=frame.BEARER | frame.OFFLINE)
    assert draft.verdict().code == VoucherCode.ACCEPTED


def test_paper_never_answers_a_challenge() -> None:
    draft = Draft()
    draft.with_lease(dynamic=False, flags=frame.BEARER | frame.OFFLINE | frame.CHALLENGE)
    assert draft.verdict().code == VoucherCode.CHALLENGE_REQUIRED
    draft.with_context(nonce=bytes(8))
    assert draft.verdict().code == VoucherCode.BAD_HOLDER_SIGNATURE


def test_a_challenge_is_answered_by_its_nonce_at_its_store_only() -> None:
    draft = Draft()
    draft.with_lease(flags=frame.OFFLINE | frame.CHALLENGE, scope=0)
    draft.with_context(nonce=b"12345678")
    for nonce, store, code in (
        (b"12345678", STORE, VoucherCode.ACCEPTED),
        (b"12345679", STORE, VoucherCode.BAD_HOLDER_SIGNATURE),
        (b"12345678", 8, VoucherCode.BAD_HOLDER_SIGNATURE),
    ):
        draft.answer = {"nonce": nonce, "store": store}
        assert draft.verdict().code == code
    draft.answer = {}
    assert draft.verdict().code == VoucherCode.BAD_HOLDER_SIGNATURE


def test_a_till_with_a_nonce_still_takes_vouchers_that_need_none() -> None:
    draft = Draft()
    draft.with_context(nonce=bytes(8))
    assert draft.verdict().code == VoucherCode.ACCEPTED


def test_a_value_class_without_a_cap_is_online_only() -> None:
    draft = Draft()
    draft.with_lease(value_class=2)
    assert draft.verdict().code == VoucherCode.OVER_CAP
    draft.with_context(online=True)
    assert draft.verdict().code == VoucherCode.ACCEPTED


def test_an_unsafe_issuer_key_in_the_keyset_vouches_for_nothing() -> None:
    draft = Draft()
    draft.with_context(keys={LEASE.key_id: b"\1" + bytes(31)})
    assert draft.verdict().code == VoucherCode.BAD_ISSUER_SIGNATURE


def test_no_random_damage_to_the_text_is_ever_accepted() -> None:
    source, text = random.Random(1), Draft().text()
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
    for fault in FAULTS:
        draft = Draft()
        fault.spoil(draft)
        assert isinstance(draft.verdict().frame, Frame) == (fault.name not in UNREADABLE)
