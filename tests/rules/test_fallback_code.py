"""The typed code: easy to read out, hard to get wrong unnoticed."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import fallback_code

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
codes = st.binary(min_size=7, max_size=7).map(fallback_code.make)


@given(codes)
def test_a_code_has_its_shape_and_is_its_own_normal_form(code: str) -> None:
    assert re.fullmatch(f"[{SYMBOLS}]{{4}}(-[{SYMBOLS}]{{4}}){{2}}", code)
    assert fallback_code.normalise(code) == code


@given(codes, st.randoms(use_true_random=False))
def test_a_code_may_be_typed_carelessly(code: str, chance: random.Random) -> None:
    looks_like = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(
        chance.choice(["", " ", "-", "\u2013", "\u00a0"])
        + chance.choice(looks_like.get(symbol, symbol + symbol.lower()))
        for symbol in code.replace("-", "")
    )
    assert fallback_code.normalise(typed) == code


@given(codes)
def test_every_single_wrong_character_is_caught(code: str) -> None:
    bare = code.replace("-", "")
    for place in range(12):
        for symbol in SYMBOLS.replace(bare[place], ""):
            assert fallback_code.normalise(bare[:place] + symbol + bare[place + 1 :]) is None


@given(codes)
def test_every_swap_of_two_characters_is_caught_adjacent_or_not(code: str) -> None:
    bare = list(code.replace("-", ""))
    for first in range(12):
        for second in range(first + 1, 12):
            swapped = bare.copy()
            swapped[first], swapped[second] = bare[second], bare[first]
            assert swapped == bare or fallback_code.normalise("".join(swapped)) is None


@given(st.lists(st.binary(min_size=7, max_size=7), min_size=2, max_size=2, unique=True))
def test_different_randomness_makes_different_codes(pair: list[bytes]) -> None:
    first, second = (int.from_bytes(random_bytes) & (1 << 55) - 1 for random_bytes in pair)
    assert (fallback_code.make(pair[0]) == fallback_code.make(pair[1])) == (first == second)


@given(st.text(max_size=20))
def test_whatever_is_typed_gives_a_whole_code_or_nothing(typed: str) -> None:
    code = fallback_code.normalise(typed)
    assert code is None or fallback_code.normalise(code) == code


@pytest.mark.parametrize("typed", ["", "-", "0000-0000-000", "0000-0000-00000", "U000-0000-0000", "0000_0000_0000"])
def test_what_has_another_shape_is_no_code(typed: str) -> None:
    assert fallback_code.normalise(typed) is None


def test_a_code_takes_exactly_seven_random_bytes() -> None:
    for length in (0, 6, 8):
        with pytest.raises(ValueError, match="7 random bytes"):
            fallback_code.make(bytes(length))
