"""Making and reading MV1 frames."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import ed25519, frame, holder
from mirabelle.rules.frame import Frame, Lease, Refusal
from mirabelle.rules.voucher_code import VoucherCode

NOW = 1_790_000_000
ISSUER = bytes(32)
HOLDER = bytes(range(32))
LEASE = Lease(
    dynamic=True,
    flags=frame.OFFLINE,
    key_id=frame.key_id(holder.public_key(ISSUER)),
    voucher=bytes(range(16)),
    reward=1,
    scope=7,
    lease_start=NOW,
    lease_minutes=60,
    epoch=1,
    use=1,
    value_class=1,
    holder_key=holder.public_key(HOLDER),
)
leases = st.builds(
    Lease,
    dynamic=st.booleans(),
    flags=st.integers(0, 15),
    key_id=st.binary(min_size=4, max_size=4),
    voucher=st.binary(min_size=16, max_size=16),
    reward=st.integers(0, 2**32 - 1),
    scope=st.integers(0, 2**32 - 1),
    lease_start=st.integers(0, 2**32 - 1),
    lease_minutes=st.integers(1, frame.MAX_LEASE_MINUTES),
    epoch=st.integers(0, 2**16 - 1),
    use=st.integers(0, 255),
    value_class=st.integers(0, 255),
    holder_key=st.binary(min_size=32, max_size=32).map(holder.public_key),
)


def issuer_sign(message: bytes) -> bytes:
    return holder.sign(ISSUER, message)


def holder_sign(message: bytes) -> bytes:
    return holder.sign(HOLDER, message)


def text_of(issued: bytes, now: int = NOW) -> str:
    return frame.show(issued, now, holder_sign) if issued[0] == 0x11 else frame.static_text(issued)


@given(leases, st.integers(0, 2**32 * 30 - 1))
def test_what_is_issued_and_shown_is_what_is_read(lease: Lease, now: int) -> None:
    issued = frame.issue(lease, issuer_sign)
    shown = frame.parse(text_of(issued, now))
    assert isinstance(shown, Frame)
    assert {name: getattr(shown, name) for name in Lease.__slots__} == {
        name: getattr(lease, name) for name in Lease.__slots__
    }
    assert shown.issued == issued
    assert shown.window == (now // 30 if lease.dynamic else None)
    assert frame.read_issued(issued) == lease


def test_a_frame_has_the_lengths_that_fit_its_qr_codes() -> None:
    assert len(text_of(frame.issue(LEASE, issuer_sign))) == 310
    assert len(text_of(frame.issue(replace(LEASE, dynamic=False), issuer_sign))) == 208


def test_both_signatures_stand_over_what_the_design_says() -> None:
    issued = frame.issue(LEASE, issuer_sign)
    shown = frame.parse(text_of(issued))
    assert isinstance(shown, Frame) and shown.holder_signature is not None
    assert len(issued) == 136 and issued[0] == 0x11
    assert ed25519.verify(holder.public_key(ISSUER), b"MV1\0issue\0" + issued[:72], issued[72:])
    message = frame.holder_message(issued, NOW // 30)
    assert message.startswith(b"MV1\0show\0") and len(message) == 9 + 32 + 4
    assert ed25519.verify(LEASE.holder_key, message, shown.holder_signature)


def test_a_challenge_adds_nonce_and_store_to_what_the_holder_signs_but_not_to_the_text() -> None:
    issued = frame.issue(replace(LEASE, flags=frame.CHALLENGE), issuer_sign)
    nonce = b"\x0a" * 8
    answered = frame.show(issued, NOW, holder_sign, nonce, 7)
    shown = frame.parse(answered)
    assert isinstance(shown, Frame) and shown.holder_signature is not None
    assert len(answered) == 310
    message = frame.holder_message(issued, NOW // 30) + nonce + (7).to_bytes(4, "big")
    assert ed25519.verify(LEASE.holder_key, message, shown.holder_signature)


def test_the_code_changes_every_thirty_seconds_and_not_between() -> None:
    issued = frame.issue(LEASE, issuer_sign)
    start = NOW - NOW % 30
    assert text_of(issued, start) == text_of(issued, start + 29)
    assert text_of(issued, start) != text_of(issued, start + 30)


def test_the_lease_says_what_its_bits_say() -> None:
    for bit, name in enumerate(("offline_allowed", "store_bound", "bearer_allowed", "challenge_required")):
        assert getattr(replace(LEASE, flags=1 << bit), name)
        assert not getattr(replace(LEASE, flags=15 ^ 1 << bit), name)
    assert LEASE.lease_end == NOW + 3600


@pytest.mark.parametrize(
    "wrong",
    [
        {"flags": 16},
        {"flags": -1},
        {"lease_minutes": 0},
        {"lease_minutes": frame.MAX_LEASE_MINUTES + 1},
        {"key_id": b"abc"},
        {"voucher": bytes(15)},
        {"holder_key": bytes(31)},
        {"holder_key": bytes(32)},
        {"reward": 2**32},
        {"scope": -1},
        {"use": 256},
        {"epoch": 2**16},
    ],
    ids=str,
)
def test_a_lease_that_does_not_fit_is_never_signed(wrong: dict[str, Any]) -> None:
    def no_one(message: bytes) -> bytes:
        raise AssertionError("asked to sign")

    with pytest.raises(ValueError, match=r"\w"):
        frame.issue(replace(LEASE, **wrong), no_one)


def test_a_signer_that_gives_no_signature_is_noticed() -> None:
    with pytest.raises(ValueError, match="signature"):
        frame.issue(LEASE, lambda message: b"")


def test_a_voucher_is_shown_only_in_its_own_form() -> None:
    dynamic = frame.issue(LEASE, issuer_sign)
    static = frame.issue(replace(LEASE, dynamic=False), issuer_sign)
    with pytest.raises(ValueError, match="static"):
        frame.show(static, NOW, holder_sign)
    with pytest.raises(ValueError, match="dynamic"):
        frame.static_text(dynamic)
    with pytest.raises(ValueError, match="issued"):
        frame.read_issued(dynamic[:-1])
    with pytest.raises(ValueError, match="issued"):
        frame.read_issued(b"\x21" + dynamic[1:])


@pytest.mark.parametrize(("nonce", "store"), [(bytes(8), None), (None, 7), (bytes(7), 7), (b"", 7)])
def test_half_a_challenge_is_refused(nonce: bytes | None, store: int | None) -> None:
    issued = frame.issue(replace(LEASE, flags=frame.CHALLENGE), issuer_sign)
    with pytest.raises(ValueError, match="challenge"):
        frame.show(issued, NOW, holder_sign, nonce, store)


def test_a_challenge_for_a_voucher_that_takes_none_is_refused() -> None:
    with pytest.raises(ValueError, match="challenge"):
        frame.show(frame.issue(LEASE, issuer_sign), NOW, holder_sign, bytes(8), 7)


@given(st.text(max_size=400) | st.text(max_size=400).map("MV1:".__add__))
def test_whatever_is_scanned_is_read_or_refused(text: str) -> None:
    assert isinstance(frame.parse(text), Frame | Refusal)


def test_a_text_longer_than_any_qr_code_is_no_voucher() -> None:
    assert frame.parse("MV1:" + "0" * 4293) == Refusal(VoucherCode.NOT_A_VOUCHER, "too long")
