"""The code that staff type when no camera can read the voucher: 12 Crockford Base32 characters, the last a check digit.

The check is a weighted sum over GF(32), so that it stays inside the 32 symbols. Every position has its own non-zero
weight, so one wrong character, or any two characters swapped, always leave a sum that is not zero.
"""

RANDOM_BYTES = 7
"""Random bytes that `make` takes; 55 of their 56 bits are used."""

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 12
_VALUES = {symbol: value for value, symbol in enumerate(_SYMBOLS)}
_VALUES |= {symbol.lower(): value for symbol, value in _VALUES.items()}
_VALUES |= dict.fromkeys("oO", 0) | dict.fromkeys("iIlL", 1)
# What people and keyboards put between groups: spaces, no-break spaces, hyphens and dashes.
_IGNORED = str.maketrans(dict.fromkeys(" \u00a0\u202f-\u2010\u2011\u2012\u2013\u2014\u2212"))
_FIELD = 0b100101  # x^5 + x^2 + 1 is primitive, so that the powers of x are 31 different weights


def make(random_bytes: bytes) -> str:
    """Turn 7 random bytes into a code with its check digit, as XXXX-XXXX-XXXX."""
    if len(random_bytes) != RANDOM_BYTES:
        raise ValueError(f"a fallback code is made from {RANDOM_BYTES} random bytes")
    number = int.from_bytes(random_bytes, "big")
    digits = [number >> 5 * place & 31 for place in range(_LENGTH - 1)]
    return _shown([*digits, _times_x(_remainder(digits))])


def normalise(typed: str) -> str | None:
    """Read a typed code as `make` writes it, forgiving case, O/0, I/L/1, dashes and spaces; None if it is none."""
    try:
        digits = [_VALUES[character] for character in typed.translate(_IGNORED)]
    except KeyError:
        return None
    if len(digits) != _LENGTH or _remainder(digits) != 0:
        return None
    return _shown(digits)


def _remainder(digits: list[int]) -> int:
    """Sum the digits, each times x to the power of its distance from the end (Horner's rule)."""
    total = 0
    for digit in digits:
        total = _times_x(total) ^ digit
    return total


def _times_x(value: int) -> int:
    value <<= 1
    return value ^ _FIELD if value & 32 else value


def _shown(digits: list[int]) -> str:
    text = "".join(_SYMBOLS[digit] for digit in digits)
    return "-".join(text[at : at + 4] for at in range(0, _LENGTH, 4))
