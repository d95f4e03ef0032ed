"""Base45 (RFC 9285): bytes as text that a QR code keeps in its compact alphanumeric mode."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


class NotBase45(ValueError):
    """The text is not Base45; the message says what is wrong without repeating the text."""


def encode(data: bytes) -> str:
    """Write bytes as Base45: three characters for two bytes, two for a last odd one (RFC 9285, section 4)."""
    text: list[str] = []
    for at in range(0, len(data) - 1, 2):
        high, low = divmod(data[at] << 8 | data[at + 1], 45 * 45)
        middle, first = divmod(low, 45)
        text += (_ALPHABET[first], _ALPHABET[middle], _ALPHABET[high])
    if len(data) % 2:
        second, first = divmod(data[-1], 45)
        text += (_ALPHABET[first], _ALPHABET[second])
    return "".join(text)


def decode(text: str) -> bytes:
    """Read Base45 strictly, so that one value has one spelling; raises NotBase45 (RFC 9285, section 6)."""
    if len(text) % 3 == 1:
        raise NotBase45("length")
    try:
        values = [_VALUES[character] for character in text]
    except KeyError:
        raise NotBase45("alphabet") from None
    data = bytearray()
    for at in range(0, len(values) - 2, 3):
        pair = values[at] + 45 * values[at + 1] + 45 * 45 * values[at + 2]
        if pair > 0xFFFF:
            raise NotBase45("group value")
        data += pair.to_bytes(2, "big")
    if len(values) % 3:
        last = values[-2] + 45 * values[-1]
        if last > 0xFF:
            raise NotBase45("group value")
        data.append(last)
    return bytes(data)
