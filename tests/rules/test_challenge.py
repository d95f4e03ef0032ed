"""A till's challenge: short enough for a small code, read strictly, good for two minutes."""

import random
from dataclasses import replace
from typing import Any

import pytest

from mirabelle.rules import challenge
from mirabelle.rules.challenge import GOOD_SECONDS, Challenge

SET = Challenge(nonce=bytes(range(8)), store=7, at=1_790_000_010)


def test_what_is_written_is_read_again() -> None:
    text = challenge.text_of(SET)
    assert text.startswith("MC1:") and len(text) == 28
    assert challenge.parse(text) == SET


def test_it_is_good_for_two_minutes_whichever_clock_is_ahead() -> None:
    assert SET.is_good(SET.at + GOOD_SECONDS) and SET.is_good(SET.at - GOOD_SECONDS)
    assert not SET.is_good(SET.at + GOOD_SECONDS + 1) and not SET.is_good(SET.at - GOOD_SECONDS - 1)


@pytest.mark.parametrize("wrong", [{"nonce": b"short"}, {"store": 2**32}, {"at": -1}])
def test_what_does_not_fit_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"nonce|range"):
        challenge.text_of(replace(SET, **wrong))


def test_damaged_texts_are_no_challenge_and_no_crash() -> None:
    source, text = random.Random(1), challenge.text_of(SET)
    for spoiled in ("", "MC1:", text[:-1], text + "0", text.lower(), f" {text}", "MV1:" + text[4:], text + "\n"):
        assert challenge.parse(spoiled) is None
    for _ in range(3000):
        at = source.randrange(len(text))
        damaged = text[:at] + chr(source.randrange(1, 0x500)) + text[at + 1 :]
        assert damaged == text or challenge.parse(damaged) != SET
