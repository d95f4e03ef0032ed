"""Base45 (RFC 9285): bytes as text that a QR code keeps in its compact alphanumeric mode.

Both ways work on all groups at once: a till reads every frame of its camera that holds a code.
"""

import struct

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_OUTSIDE = 255
_VALUES = bytes(_ALPHABET.find(chr(byte)) % 256 for byte in range(256))  # find says -1 outside, which is 255 here
_PAIRS = tuple(first + second for second in _ALPHABET for first in _ALPHABET)


class NotBase45(ValueError):
    """The text is not Base45; the message says what is wrong without repeating the text."""


def encode(data: bytes) -> str:
    """Write bytes as Base45: three characters for two bytes, two for a last odd one (RFC 9285, section 4)."""
    groups = struct.unpack_from(f">{len(data) // 2}H", data)
    text = "".join([_PAIRS[group % 2025] + _ALPHABET[group // 2025] for group in groups])
    return text + _PAIRS[data[-1]] if len(data) % 2 else text


def decode(text: str) -> bytes:
    """Read Base45 strictly, so that one value has one spelling; raises NotBase45 (RFC 9285, section 6)."""
    if len(text) % 3 == 1:
        raise NotBase45("length")
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise NotBase45("alphabet") from None
    if _OUTSIDE in values:
        raise NotBase45("alphabet")
    whole = len(values) - len(values) % 3
    groups = zip(values[0:whole:3], values[1:whole:3], values[2:whole:3], strict=True)
    try:
        data = struct.pack(f">{whole // 3}H", *[first + 45 * second + 2025 * third for first, second, third in groups])
        return data + bytes([values[-2] + 45 * values[-1]]) if len(values) % 3 else data
    except (struct.error, ValueError):  # more than two bytes hold, or one
        raise NotBase45("group value") from None
