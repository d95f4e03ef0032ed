"""`mirabelle voucher check` with a till's whole trust bundle in the place of a keyset."""

from typing import Any

import pytest

from tests.voucher_check.shell import CASES, GOOD, KEYS, Shell, is_one_line, signed, told

VOUCHER = CASES["accepted"]["fields"]["voucher"]
OF_THE_BUNDLE = {
    "accepted": {},
    "keyset_expired": {"expires_at": "2026-09-21T14:13:20Z"},
    "unknown_key": {"keys": [key | {"state": "compromised"} for key in KEYS]},
    "revoked": {"revoked": [VOUCHER]},
    "superseded_device": {"epochs": {VOUCHER: 4}},
    "over_cap": {"caps": {"B": {"count": 1, "value_minor": None}}},
    "already_used": {"used": [[VOUCHER, 1]]},
}


@pytest.mark.parametrize("code", OF_THE_BUNDLE)
def test_a_tills_whole_bundle_is_a_keyset_too_and_all_of_it_counts(shell: Shell, code: str) -> None:
    bundle = shell.file(signed(**OF_THE_BUNDLE[code]))
    said = shell.check(GOOD, "--at", 1_790_000_000, "--store", 7, "--keyset", bundle, "--offline")
    assert told(said)[1]["verdict"] == code


def test_a_blocked_voucher_is_as_good_as_revoked(shell: Shell) -> None:
    bundle = shell.file(signed(blocked=[VOUCHER]))
    said = shell.check(GOOD, "--at", 1_790_000_000, "--store", 7, "--keyset", bundle)
    assert told(said)[1]["verdict"] == "revoked"


def test_the_groups_of_the_bundles_store_are_known(shell: Shell) -> None:
    frame, bundle = CASES["store group"]["frame"], shell.file(signed(groups=[1000, 1001]))
    for store, code in ((7, "accepted"), (8, "wrong_store")):
        said = shell.check(frame, "--at", 1_790_000_000, "--store", store, "--keyset", bundle)
        assert told(said)[1]["verdict"] == code


@pytest.mark.parametrize(
    ("bundle", "why"),
    [
        (signed() | {"signature": "00" * 64}, "bad_signature"),
        (signed() | {"bundle": signed()["bundle"] + " "}, "bad_signature"),
        (signed(programme="00" * 8), "other_programme"),
        (signed(version="new"), "version"),
        (signed(keys=[KEYS[0] | {"key_id": "00" * 4}]), "another id"),
        (signed() | {"signature": 7}, "signature"),
        (signed() | {"bundle": "{"}, "bundle"),
        (signed() | {"bundle": "[" * 100_000}, "bundle"),
        ({"bundle": "{}"}, "bundle"),
    ],
)
def test_a_bundle_that_nobody_should_believe_is_one_line(shell: Shell, bundle: dict[str, Any], why: str) -> None:
    said = shell.check(GOOD, "--at", 1_790_000_000, "--store", 7, "--keyset", shell.file(bundle))
    assert is_one_line(said) and why in said.err
