"""The challenge that a till sets: `MC1:` + Base45 of a nonce (8 bytes), its store and the time (4 bytes each)."""

import struct
from dataclasses import dataclass
from typing import Final

from mirabelle.rules import base45
from mirabelle.rules.frame import NONCE_BYTES

PREFIX: Final = "MC1:"
GOOD_SECONDS: Final = 120
"""How long a till waits for the answer; the holder's device refuses an older challenge as well."""

_CHALLENGE: Final = struct.Struct(f">{NONCE_BYTES}sII")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a till wants signed: a nonce never used before, for the store with this reference, set at `at` (unix s)."""

    nonce: bytes
    store: int
    at: int

    def is_good(self, now: int) -> bool:
        """Whether an answer still counts; the two clocks may differ by as much again."""
        return abs(now - self.at) <= GOOD_SECONDS


def text_of(challenge: Challenge) -> str:
    """The text of the challenge's QR code; raises ValueError where a field does not fit."""
    if len(challenge.nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    try:
        return PREFIX + base45.encode(_CHALLENGE.pack(challenge.nonce, challenge.store, challenge.at))
    except struct.error as fault:
        raise ValueError(f"a challenge field is out of range: {fault}") from None


def parse(text: str) -> Challenge | None:
    """Read a scanned text, exactly as scanned; None if it is no challenge."""
    if not text.startswith(PREFIX):
        return None
    try:
        raw = base45.decode(text[len(PREFIX) :])
    except base45.NotBase45:
        return None
    return Challenge(*_CHALLENGE.unpack(raw)) if len(raw) == _CHALLENGE.size else None
