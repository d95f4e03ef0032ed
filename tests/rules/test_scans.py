"""What the server answers a till: a frame's own checks with the ledger's knowledge, or a typed code's."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules import frame, holder
from mirabelle.rules.redemption import ValueClass, VoucherRecord, VoucherState
from mirabelle.rules.scans import judge_scan, scan_id
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


def shown(lease: frame.Lease = LEASE, issuer: bytes = ISSUER) -> Shown:
    issued = frame.issue(lease, lambda message: holder.sign(issuer, message))
    return Shown(frame.show(issued, int(NOW.timestamp()), lambda message: holder.sign(HOLDER, message)))


TYPED = Shown(code=VOUCHER.code)


@pytest.mark.parametrize("what", [shown(), TYPED], ids=["frame", "code"])
@pytest.mark.parametrize(
    ("voucher", "used", "code"),
    [
        (VOUCHER, False, VoucherCode.ACCEPTED),
        (VOUCHER, True, VoucherCode.ALREADY_USED),
        (replace(VOUCHER, state=VoucherState.CANCELLED), False, VoucherCode.REVOKED),
    ],
)
def test_a_voucher_is_judged_by_what_the_ledger_knows(
    what: Shown, voucher: VoucherRecord, used: bool, code: VoucherCode
) -> None:
    assert judge_scan(what, voucher, used, KEYS).code is code


@pytest.mark.parametrize("what", [shown(), TYPED], ids=["frame", "code"])
def test_a_voucher_of_a_store_is_accepted_there_and_at_its_hub_only(what: Shown) -> None:
    elsewhere = replace(what, store=8)
    assert judge_scan(elsewhere, VOUCHER, False, KEYS).code is VoucherCode.WRONG_STORE
    assert judge_scan(replace(elsewhere, groups=(STORE,)), VOUCHER, False, KEYS).code is VoucherCode.ACCEPTED


def test_a_typed_code_ends_with_the_voucher() -> None:
    last = VOUCHER.expires_at - timedelta(microseconds=1)
    assert judge_scan(replace(TYPED, at=last), VOUCHER, False, KEYS).code is VoucherCode.ACCEPTED
    assert judge_scan(replace(TYPED, at=VOUCHER.expires_at), VOUCHER, False, KEYS).code is VoucherCode.LEASE_EXPIRED


def test_a_code_that_names_no_voucher_says_nothing_more() -> None:
    assert judge_scan(TYPED, None, False, KEYS).code is VoucherCode.NOT_A_VOUCHER


def test_a_frame_of_a_device_that_was_replaced_is_refused() -> None:
    newer = replace(VOUCHER, epoch=4)
    assert judge_scan(shown(), newer, False, KEYS).code is VoucherCode.SUPERSEDED_DEVICE


def test_a_frame_that_is_well_signed_but_of_no_voucher_here_is_revoked() -> None:
    assert judge_scan(shown(), None, False, KEYS).code is VoucherCode.REVOKED
    other_use = replace(VOUCHER, use=2)
    assert judge_scan(shown(), other_use, False, KEYS).code is VoucherCode.REVOKED


def test_the_lease_of_a_frame_is_told_once_its_issuer_is_trusted() -> None:
    verdict = judge_scan(shown(), VOUCHER, False, KEYS)
    assert (verdict.lease_start, verdict.lease_end) == (LEASE.lease_start, LEASE.lease_end)
    forged = judge_scan(shown(issuer=b"\1" * 32), VOUCHER, False, KEYS)
    assert (forged.code, forged.lease_end) == (VoucherCode.BAD_ISSUER_SIGNATURE, None)
    unknown = judge_scan(shown(), VOUCHER, False, {})
    assert (unknown.code, unknown.lease_end) == (VoucherCode.UNKNOWN_KEY, None)


def test_a_scan_has_one_name_for_its_till_and_key_whoever_gives_it() -> None:
    assert scan_id("till-1", "key") == "s-473ca3f1d3d3c0dca79f" == scan_id("till-1", "key")
    assert len({scan_id("a", "bc"), scan_id("ab", "c"), scan_id("a", "b")}) == 3
