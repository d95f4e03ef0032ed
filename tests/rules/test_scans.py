"""What the server answers a till: a frame's own checks with the ledger's knowledge, or a typed code's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules import frame, holder
from mirabelle.rules.redemption import ValueClass, VoucherRecord, VoucherState
from mirabelle.rules.scans import ScanVerdict, UploadVerdict, judge_scan, judge_upload, scan_id
from mirabelle.rules.voucher_code import VoucherCode

ISSUER, HOLDER = bytes(32), bytes(range(32))
ISSUER_KEY = holder.public_key(ISSUER)
KEYS = {frame.key_id(ISSUER_KEY): ISSUER_KEY}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORE = 7
VOUCHER = VoucherRecord(
    id=bytes(range(16)),
    participant="amina",
    redemption="r1",
    reward="cup",
    code="0000-0000-0000",
    store=STORE,
    value_class=ValueClass.B,
    holder_key=holder.public_key(HOLDER),
    key_salt="salt",
    epoch=3,
    lease_start=NOW,
    issued_at=NOW,
    expires_at=NOW + timedelta(days=90),
)
LEASE = frame.Lease(
    dynamic=True,
    flags=frame.OFFLINE | frame.STORE_BOUND,
    key_id=frame.key_id(ISSUER_KEY),
    voucher=VOUCHER.id,
    reward=1,
    scope=STORE,
    lease_start=int(NOW.timestamp()),
    lease_minutes=60,
    epoch=3,
    use=1,
    value_class=2,
    holder_key=VOUCHER.holder_key,
)


@dataclass(frozen=True)
class Shown:
    """What a till at the voucher's store was shown just now."""

    frame: str = ""
    code: str = ""
    store: int = STORE
    groups: tuple[int, ...] = ()
    at: datetime = NOW
    nonce: bytes | None = None


def shown(lease: frame.Lease = LEASE, issuer: bytes = ISSUER) -> Shown:
    issued = frame.issue(lease, lambda message: holder.sign(issuer, message))
    return Shown(frame.show(issued, int(NOW.timestamp()), lambda message: holder.sign(HOLDER, message)))


TYPED = Shown(code=VOUCHER.code)


USED = ((VOUCHER.id, VOUCHER.use),)


@pytest.mark.parametrize(
    ("voucher", "used", "code"),
    [
        (VOUCHER, (), VoucherCode.ACCEPTED),
        (VOUCHER, USED, VoucherCode.ALREADY_USED),
        (replace(VOUCHER, state=VoucherState.CANCELLED), (), VoucherCode.REVOKED),
    ],
)
def test_a_frame_is_judged_by_what_the_ledger_knows(
    voucher: VoucherRecord, used: tuple[tuple[bytes, int], ...], code: VoucherCode
) -> None:
    assert judge_scan(shown(), voucher, used, KEYS).code is code


@pytest.mark.parametrize(
    ("what", "refusal"),
    [(shown(), VoucherCode.WRONG_STORE), (TYPED, VoucherCode.NOT_A_VOUCHER)],
    ids=["frame", "code"],
)
def test_a_voucher_of_a_store_is_accepted_there_and_at_its_hub_only(what: Shown, refusal: VoucherCode) -> None:
    elsewhere = replace(what, store=8)
    assert judge_scan(what, VOUCHER, (), KEYS).code is VoucherCode.ACCEPTED
    assert judge_scan(elsewhere, VOUCHER, (), KEYS).code is refusal
    assert judge_scan(replace(elsewhere, groups=(STORE,)), VOUCHER, (), KEYS).code is VoucherCode.ACCEPTED


def test_a_typed_code_ends_with_the_voucher() -> None:
    last = VOUCHER.expires_at - timedelta(microseconds=1)
    assert judge_scan(replace(TYPED, at=last), VOUCHER, (), KEYS).code is VoucherCode.ACCEPTED
    assert judge_scan(replace(TYPED, at=VOUCHER.expires_at), VOUCHER, (), KEYS).code is VoucherCode.NOT_A_VOUCHER


def test_whoever_guesses_codes_learns_nothing_but_that_one_is_not_good() -> None:
    elsewhere, late = replace(TYPED, store=8), replace(TYPED, at=VOUCHER.expires_at)
    cancelled = replace(VOUCHER, state=VoucherState.CANCELLED)
    verdicts = {
        judge_scan(TYPED, None, (), KEYS),
        judge_scan(TYPED, VOUCHER, USED, KEYS),
        judge_scan(TYPED, cancelled, (), KEYS),
        judge_scan(elsewhere, VOUCHER, (), KEYS),
        judge_scan(late, VOUCHER, (), KEYS),
    }
    assert verdicts == {ScanVerdict(VoucherCode.NOT_A_VOUCHER)}


SURE = UploadVerdict()


def challenged(nonce: bytes, store: int = STORE) -> str:
    lease = replace(LEASE, flags=LEASE.flags | frame.CHALLENGE)
    issued = frame.issue(lease, lambda message: holder.sign(ISSUER, message))
    return frame.show(issued, int(NOW.timestamp()), lambda message: holder.sign(HOLDER, message), nonce, store)


def test_a_voucher_that_wants_a_challenge_is_accepted_with_its_answer_only() -> None:
    answer = Shown(challenged(b"8 bytes."), nonce=b"8 bytes.")
    assert judge_scan(answer, VOUCHER, (), KEYS).code is VoucherCode.ACCEPTED
    assert judge_scan(replace(answer, nonce=None), VOUCHER, (), KEYS).code is VoucherCode.CHALLENGE_REQUIRED
    assert judge_scan(replace(answer, nonce=b"another."), VOUCHER, (), KEYS).code is VoucherCode.BAD_HOLDER_SIGNATURE
    for_another = replace(answer, frame=challenged(b"8 bytes.", store=8))
    assert judge_scan(for_another, VOUCHER, (), KEYS).code is VoucherCode.BAD_HOLDER_SIGNATURE
    assert judge_upload(answer, VOUCHER, KEYS) == SURE
    for nonce in (b"another.", None):
        assert judge_upload(replace(answer, nonce=nonce), VOUCHER, KEYS).refused is VoucherCode.BAD_HOLDER_SIGNATURE


def test_an_upload_is_judged_by_what_its_till_could_know() -> None:
    meanwhile = replace(VOUCHER, state=VoucherState.CANCELLED, epoch=9)
    assert judge_upload(shown(), meanwhile, KEYS) == SURE


BAD_PROOFS = {
    "no frame": (Shown("MV1:"), VoucherCode.NOT_A_VOUCHER),
    "forged": (shown(issuer=b"\1" * 32), VoucherCode.BAD_ISSUER_SIGNATURE),
    "of a key that never signed": (shown(replace(LEASE, key_id=b"none")), VoucherCode.UNKNOWN_KEY),
}
BLOCKED = replace(VOUCHER, blocked_at=NOW)
GIVEN = replace(VOUCHER, given_to="badr", given_at=NOW, epoch_base=3, epoch=4)
DOUBTS = {
    "at another time": (replace(shown(), at=NOW + timedelta(seconds=90)), VOUCHER, VoucherCode.STALE_CODE),
    "before its lease": (replace(shown(), at=NOW - timedelta(seconds=61)), VOUCHER, VoucherCode.NOT_YET_VALID),
    "elsewhere": (replace(shown(), store=8), VOUCHER, VoucherCode.WRONG_STORE),
    "online only": (shown(replace(LEASE, flags=frame.STORE_BOUND)), VOUCHER, VoucherCode.OFFLINE_NOT_ALLOWED),
    "of a use to come": (shown(replace(LEASE, use=2)), VOUCHER, VoucherCode.REVOKED),
    "blocked": (shown(), BLOCKED, VoucherCode.REVOKED),
    "given away": (shown(), GIVEN, VoucherCode.SUPERSEDED_DEVICE),
}


@pytest.mark.parametrize("what", BAD_PROOFS)
def test_an_upload_that_proves_nothing_is_refused(what: str) -> None:
    said, code = BAD_PROOFS[what]
    assert judge_upload(said, VOUCHER, KEYS) == UploadVerdict(refused=code)


def test_an_upload_of_no_voucher_here_is_refused() -> None:
    assert judge_upload(shown(), None, KEYS) == UploadVerdict(refused=VoucherCode.REVOKED)


@pytest.mark.parametrize("what", DOUBTS)
def test_an_upload_that_proves_a_use_is_never_refused_however_doubtful(what: str) -> None:
    said, voucher, doubt = DOUBTS[what]
    assert judge_upload(said, voucher, KEYS) == UploadVerdict(doubt=doubt, over=voucher is GIVEN)


def test_an_upload_under_a_key_that_was_given_up_since_is_doubtful_and_not_refused() -> None:
    assert judge_upload(shown(), VOUCHER, {}, KEYS) == UploadVerdict(doubt=VoucherCode.UNKNOWN_KEY)


def test_the_new_holder_of_a_voucher_is_told_from_the_old_one() -> None:
    assert judge_upload(shown(replace(LEASE, epoch=4)), GIVEN, KEYS) == SURE


def test_a_frame_of_a_device_that_was_replaced_is_refused() -> None:
    newer = replace(VOUCHER, epoch=4)
    assert judge_scan(shown(), newer, (), KEYS).code is VoucherCode.SUPERSEDED_DEVICE


def test_a_frame_that_is_well_signed_but_of_no_voucher_here_is_revoked() -> None:
    assert judge_scan(shown(), None, (), KEYS).code is VoucherCode.REVOKED
    other_use = replace(VOUCHER, use=2)
    assert judge_scan(shown(), other_use, (), KEYS).code is VoucherCode.REVOKED


def test_the_lease_of_a_frame_is_told_once_its_issuer_is_trusted() -> None:
    verdict = judge_scan(shown(), VOUCHER, (), KEYS)
    assert (verdict.lease_start, verdict.lease_end) == (LEASE.lease_start, LEASE.lease_end)
    forged = judge_scan(shown(issuer=b"\1" * 32), VOUCHER, (), KEYS)
    assert (forged.code, forged.lease_end) == (VoucherCode.BAD_ISSUER_SIGNATURE, None)
    unknown = judge_scan(shown(), VOUCHER, (), {})
    assert (unknown.code, unknown.lease_end) == (VoucherCode.UNKNOWN_KEY, None)


def test_a_scan_has_one_name_for_its_till_and_key_whoever_gives_it() -> None:
    assert scan_id("till-1", "key") == "s-473ca3f1d3d3c0dca79f" == scan_id("till-1", "key")
    assert len({scan_id("a", "bc"), scan_id("ab", "c"), scan_id("a", "b")}) == 3
