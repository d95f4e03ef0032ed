"""`mirabelle voucher check`: every vector gets its answer, every frame its explanation, every bad input one line."""

import copy
import shlex
import time
from pathlib import Path
from typing import Any

import pytest

from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.voucher_check import explain
from tests.voucher_check.shell import CASES, GIVEN, GOOD, KEYS, KEYSET, SAYABLE, VECTORS, Shell, is_one_line, told


def test_all_104_vectors_get_their_answers_a_line_each(shell: Shell) -> None:
    said = shell.check("--vectors", VECTORS)
    assert (said.code, said.err) == (0, "")
    lines = [line.split("\t") for line in said.out.splitlines()]
    assert lines == [[name, case["expect"], case["expect"]] for name, case in CASES.items()]
    assert len(lines) == 104


def test_a_vector_with_another_answer_is_told_on_its_line_and_by_the_exit_code(shell: Shell) -> None:
    given = copy.deepcopy(GIVEN)
    given["cases"][3]["expect"] = "revoked"
    said = shell.check("--vectors", shell.file(given))
    different = [line for line in said.out.splitlines() if line.endswith("DIFFERENT")]
    assert said.code == 1 and different == ["next window\trevoked\taccepted\tDIFFERENT"]
    assert len(said.out.splitlines()) == 104


@pytest.mark.parametrize(("field", "value"), [("epoch", 4), ("dynamic", 1), ("use", True), ("voucher", "00")])
def test_a_vector_with_another_field_is_different_as_well(shell: Shell, field: str, value: object) -> None:
    given = copy.deepcopy(GIVEN)
    given["cases"][0]["fields"][field] = value
    said = shell.check("--vectors", shell.file(given))
    assert said.code == 1 and f"DIFFERENT; {field} " in said.out.splitlines()[0]


def test_a_vector_may_be_of_a_till_without_network(shell: Shell) -> None:
    given = copy.deepcopy(GIVEN)
    case = given["cases"][0]
    case["context"] = {"online": False}
    case["expect"] = "over_cap"
    given["cases"] = [case, case | {"context": {"online": False, "caps_left": {"1": 1}}, "expect": "accepted"}]
    assert shell.check("--vectors", shell.file(given)).code == 0


SPOILED = {
    "cases": ("cases", 7),
    "no name": ("cases[0].name", lambda given: given["cases"][0].pop("name")),
    "no frame": ("'accepted': frame", lambda given: given["cases"][0].pop("frame")),
    "no answer": ("'accepted': expect", lambda given: given["cases"][0].pop("expect")),
    "an unknown answer": ("'accepted': expect", lambda given: given["cases"][0].update(expect="fine")),
    "an unknown field": ("'accepted': fields.colour", lambda given: given["cases"][0]["fields"].update(colour=1)),
    "an unknown context": ("'accepted': context.moon", lambda given: given["cases"][0]["context"].update(moon=1)),
    "a time that is none": ("'accepted': context.now", lambda given: given["cases"][0]["context"].update(now="noon")),
    "a time without zone": (
        "'accepted': context.now",
        lambda given: given["cases"][0]["context"].update(now="2026-01-01T00:00:00"),
    ),
    "a store too large": (
        "'accepted': context.store",
        lambda given: given["cases"][0]["context"].update(store=2**32),
    ),
    "a truth for a number": (
        "'accepted': context.store",
        lambda given: given["cases"][0]["context"].update(store=True),
    ),
    "a short nonce": ("'accepted': context.nonce", lambda given: given["cases"][0]["context"].update(nonce="00")),
    "a spaced nonce": (
        "'accepted': context.nonce",
        lambda given: given["cases"][0]["context"].update(nonce="0000 000000000000"),
    ),
    "a use without number": (
        "'accepted': context.used",
        lambda given: given["cases"][0]["context"].update(used=["00" * 16]),
    ),
    "a key too short": (
        "context.keys.00000000",
        lambda given: given["cases"][0]["context"].update(keys={"00000000": "00"}),
    ),
    "an epoch below zero": (
        "context.epochs",
        lambda given: given["cases"][0]["context"].update(epochs={"00" * 16: -1}),
    ),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_a_file_of_vectors_that_cannot_be_used_is_one_line_that_names_the_case_and_field(
    shell: Shell, kind: str
) -> None:
    where, spoil = SPOILED[kind]
    given = copy.deepcopy(GIVEN)
    if callable(spoil):
        spoil(given)
    else:
        given["cases"] = spoil
    said = shell.check("--vectors", shell.file(given))
    assert is_one_line(said) and where in said.err and "given.json" in said.err


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"7", b"[" * 100_000, b"1" * 100_000, b"{}", b'{"cases": {}}', b'{"cases": [7]}'],
)
def test_a_file_that_is_no_vectors_at_all_is_one_line(shell: Shell, content: bytes) -> None:
    assert is_one_line(shell.check("--vectors", shell.file(content)))
    assert is_one_line(shell.check(GOOD, "--at", 0, "--store", 7, "--keyset", shell.file(content)))


def test_a_file_that_cannot_be_read_is_one_line(shell: Shell, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", "a\0b", "two\nlines"):
        assert is_one_line(shell.check("--vectors", path))
        assert is_one_line(shell.check(GOOD, "--at", 0, "--store", 7, "--keyset", path))


def test_a_name_of_several_lines_stays_on_one(shell: Shell) -> None:
    given = copy.deepcopy(GIVEN)
    given["cases"] = [given["cases"][0] | {"name": "a\nb\t\x1b[31m\ud800é"}]
    said = shell.check("--vectors", shell.file(given))
    assert said.out == "a\\nb\\t\\x1b[31m\\ud800é\taccepted\taccepted\n"


def test_a_frame_is_explained_field_by_field(shell: Shell) -> None:
    said = shell.explained(CASES["accepted"])
    fields, checks = told(said)
    assert said.code == 0 and checks["verdict"] == "accepted"
    assert fields["version"].startswith("MV1, dynamic")
    assert fields["flags"] == "01: offline allowed"
    assert fields["key id"] == f"{KEYS[0]['key_id']}: current" or fields["key id"] == f"{KEYS[1]['key_id']}: current"
    assert fields["voucher id"] == CASES["accepted"]["fields"]["voucher"]
    assert fields["lease start"].startswith("1789996400 = 2026-09-21 13:13:20 UTC = ")
    assert fields["lease length"] == "4320 minutes"
    assert fields["lease end"].startswith("1790255600 = 2026-09-24 13:13:20 UTC = ")
    assert fields["value class"].startswith("1: A")
    assert fields["window"].startswith("59666666: from 1789999980 = ")


def test_local_times_are_told_beside_utc(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XYZ-03:30")
    time.tzset()
    try:
        fields, _ = told(shell.explained(CASES["accepted"]))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert fields["lease end"] == "1790255600 = 2026-09-24 13:13:20 UTC = 2026-09-24 16:43:20 XYZ local"


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if set(case["context"]) <= SAYABLE], ids=lambda c: c["name"]
)
def test_an_explanation_ends_in_the_vectors_answer_and_names_the_one_check_that_failed(
    shell: Shell, case: dict[str, Any]
) -> None:
    said = shell.explained(case)
    _, checks = told(said)
    assert checks["verdict"] == case["expect"]
    assert said.code == (0 if case["expect"] == "accepted" else 1)
    answers = [checks[check.name].split(" ")[0].rstrip(":") for check in explain.CHECKS]
    reached = answers.index("failed") if "failed" in answers else len(answers)
    assert answers == ["ok"] * reached + ["failed", *["not"] * (len(answers) - reached - 1)][: len(answers) - reached]
    assert ("failed" in answers) == (said.code == 1)
    if said.code == 1:
        assert f"failed: {case['expect']}" in checks[explain.CHECKS[reached].name]


def test_the_checks_are_told_in_the_order_of_the_codes() -> None:
    refusing = [code for code in VoucherCode if code not in (VoucherCode.ACCEPTED, VoucherCode.AMOUNT_REQUIRED)]
    named = [check.code for check in explain.CHECKS if check.code != VoucherCode.NOT_A_VOUCHER]
    assert named == refusing[1:]


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("", "prefix MV1:"),
        ("MV1", "prefix MV1:"),
        ("MV1:" + "0" * 5000, "prefix MV1:"),
        ("MV1:", "Base45"),
        ("MV1:a", "Base45"),
        ("MV1:::::", "Base45"),
        ("MV1:00", "version"),
        (GOOD[:-3], "length"),
    ],
)
def test_a_text_that_is_no_frame_is_told_where_it_ends_to_be_one(shell: Shell, text: str, failed: str) -> None:
    said = shell.explained({"frame": text, "context": {}})
    fields, checks = told(said)
    assert said.code == 1 and checks[failed].startswith("failed") and list(fields) == ["text", ""]


def test_offline_asks_for_what_online_need_not(shell: Shell) -> None:
    case = CASES["accepted"]
    assert told(shell.explained(case))[1]["offline: cap"] == "ok (online)"
    offline = shell.explained(case, "--offline")
    assert offline.code == 0 and told(offline)[1]["offline: allowed"] == "ok"


def test_a_compromised_key_vouches_for_nothing_and_a_retired_one_still_does(shell: Shell) -> None:
    for state, code in (("retired", 0), ("compromised", 1)):
        keyset = shell.file(KEYSET | {"keys": [key | {"state": state} for key in KEYS]})
        said = shell.check(GOOD, "--at", "2026-09-21T16:13:20+02:00", "--store", 7, "--keyset", keyset)
        assert said.code == code and told(said)[0]["key id"].endswith(state)
    assert told(said)[1]["verdict"] == "unknown_key"


WRONG_KEYSETS = {
    "expires_at": KEYSET | {"expires_at": None},
    "keys": KEYSET | {"keys": None},
    "keys[1]": KEYSET | {"keys": [KEYS[0], 7]},
    "keys[0].state": KEYSET | {"keys": [KEYS[0] | {"state": "fresh"}]},
    "keys[0].key_id": KEYSET | {"keys": [KEYS[0] | {"key_id": "0g"}]},
    "keys[0].public_key": KEYSET | {"keys": [KEYS[0] | {"public_key": "00"}]},
    "keys[1].key_id": KEYSET | {"keys": [KEYS[0], KEYS[0]]},
    "given.json.colour": KEYSET | {"colour": 1},
}


@pytest.mark.parametrize("where", WRONG_KEYSETS)
def test_a_keyset_that_cannot_be_used_is_one_line_that_names_the_field(shell: Shell, where: str) -> None:
    said = shell.check(GOOD, "--at", 0, "--store", 7, "--keyset", shell.file(WRONG_KEYSETS[where]))
    assert is_one_line(said) and where in said.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "FRAME"),
        ("F --at 0 --store 7", "--keyset"),
        ("F --at 0 --store 7 --keyset K --vectors V", "--vectors"),
        ("F --at noon --store 7 --keyset K", "--at"),
        ("F --at 99999999999999999999 --store 7 --keyset K", "--at"),
        ("F --at 0001-01-01T00:00:00+23:59 --store 7 --keyset K", "--at"),
        ("F --at 0 --store seven --keyset K", "--store"),
        ("F --at 0 --store 4294967296 --keyset K", "--store"),
        ("F --at 0 --store 7 --group -1 --keyset K", "--group"),
        ("F --at 0 --store 7 --nonce 00 --keyset K", "--nonce"),
        ("--vectors V --offline", "--vectors"),
    ],
)
def test_words_that_cannot_be_used_are_one_line_that_names_them(shell: Shell, words: str, named: str) -> None:
    path = str(shell.file(KEYSET))
    said = shell.check(*(path if word == "K" else word for word in shlex.split(words)))
    assert is_one_line(said) and named in said.err
