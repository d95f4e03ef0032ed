"""100,000 spoiled frames: no crash, none accepted, and each gets the code of the first check that it fails."""

import itertools
from collections import Counter

import pytest

from mirabelle.rules.voucher_code import VoucherCode
from tests.rules.faults import FAULTS, Draft, Fault, can_meet
from tests.rules.fuzz_frames import judged
from tests.rules.spoiled_frames import FAMILIES, Family

SEED = 1
# How often each code is the answer, in the order of the checks.
EXPECTED = {
    "one_bit": {
        "not_a_voucher": 14,
        "unsupported_version": 98,
        "unsupported_algorithm": 56,
        "unknown_key": 448,
        "bad_issuer_signature": 13576,
        "bad_holder_signature": 3808,
    },
    "several_bits": {
        "not_a_voucher": 30,
        "unsupported_version": 230,
        "unsupported_algorithm": 131,
        "unknown_key": 1079,
        "bad_issuer_signature": 7425,
        "bad_holder_signature": 105,
    },
    "cut_and_extended": {
        "not_a_voucher": 8992,
        "unsupported_version": 8,
    },
    "other_spellings": {
        "not_a_voucher": 9409,
        "bad_issuer_signature": 570,
        "bad_holder_signature": 21,
    },
    "other_versions": {
        "not_a_voucher": 44,
        "unsupported_version": 5289,
        "unsupported_algorithm": 2667,
    },
    "weak_keys": {
        "bad_issuer_signature": 4000,
        "bad_holder_signature": 4000,
    },
    "other_signatures": {
        "bad_issuer_signature": 4000,
        "bad_holder_signature": 4000,
    },
    "swapped_parts": {
        "bad_issuer_signature": 4050,
        "bad_holder_signature": 2950,
    },
    "other_windows": {
        "bad_holder_signature": 2000,
        "stale_code": 4000,
    },
    "other_places": {
        "wrong_store": 2500,
        "bad_holder_signature": 2500,
    },
    "several_faults": {
        "not_a_voucher": 3267,
        "unsupported_version": 932,
        "unsupported_algorithm": 637,
        "unknown_key": 550,
        "keyset_expired": 416,
        "bad_issuer_signature": 365,
        "bearer_not_allowed": 339,
        "not_yet_valid": 252,
        "lease_expired": 203,
        "wrong_store": 188,
        "superseded_device": 163,
        "revoked": 143,
        "challenge_required": 114,
        "bad_holder_signature": 94,
        "stale_code": 95,
        "offline_not_allowed": 87,
        "over_cap": 75,
        "already_used": 80,
    },
    "noise": {
        "not_a_voucher": 1569,
        "unsupported_algorithm": 746,
        "unknown_key": 892,
        "bad_issuer_signature": 793,
    },
}
ACCEPTED_BY_A_LAX_LIBRARY = {"weak_keys": 4652, "other_signatures": 309}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_spoiled_frame_is_accepted_and_each_gets_its_code(family: Family) -> None:
    tally = judged(family, SEED, FAMILIES[family])
    assert tally.surprises == []
    assert VoucherCode.ACCEPTED not in tally.codes
    assert {code.value: often for code, often in tally.codes.items()} == EXPECTED[family.__name__]
    # What asking `cryptography` and nothing else would have cost: forgeries that anyone can make.
    assert tally.lax == ACCEPTED_BY_A_LAX_LIBRARY.get(family.__name__, 0)


def test_they_are_100_000_and_reach_every_code() -> None:
    total = Counter[str]()
    for family, count in FAMILIES.items():
        assert sum(EXPECTED[family.__name__].values()) == count
        total.update(EXPECTED[family.__name__])
    assert total.total() == 100_000
    assert set(total) == set(VoucherCode) - {VoucherCode.ACCEPTED, VoucherCode.AMOUNT_REQUIRED}


def test_the_unspoiled_frame_is_accepted() -> None:
    assert Draft().verdict().code == VoucherCode.ACCEPTED


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_alone_fails_its_own_check(fault: Fault) -> None:
    draft = Draft()
    fault.spoil(draft)
    assert fault.is_told_by(draft.verdict())


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in itertools.combinations(FAULTS, 2) if can_meet(*pair)],
    ids=lambda fault: fault.name,
)
def test_of_two_failing_checks_the_earlier_has_the_word(first: Fault, second: Fault) -> None:
    for order in ((first, second), (second, first)):
        draft = Draft()
        for fault in order:
            fault.spoil(draft)
        assert first.is_told_by(draft.verdict())


def test_188_of_190_pairs_can_meet() -> None:
    pairs = list(itertools.combinations(FAULTS, 2))
    assert (len(pairs), sum(can_meet(*pair) for pair in pairs)) == (190, 188)
