"""Rewards' pictures, as both ends agree: in which sizes, how they are named and proved, and what stands there before.

A picture's name is a hash of the hashes of its files, one for each of WIDTHS. Those hashes are its proof, which comes
with each file: whoever has the name, out of the signed catalog, can tell whether a file is of that picture.
"""

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

WIDTHS: Final = (256, 512, 1024)
"""Pixels of the longer side at most: a picture is never made larger than it came."""

MEDIA_TYPE: Final = "image/webp"
PROOF_HEADER: Final = "Picture-Proof"
"""In hexadecimal, beside each file."""
PROOF_BYTES: Final = 32 * len(WIDTHS)
SIDE: Final = 4
"""Cells of a placeholder beside each other, and above each other."""

_NAME: Final = re.compile(r"[0-9a-f]{32}")
# Half of the hash: to find another picture of the same name is as hard as to find a key of 128 bits, and the catalog
# carries as many of these as there are rewards.
_NAME_BYTES: Final = 16
_HINT: Final = re.compile(r"[0-9A-Za-z_-]{8}")
_LEVELS: Final = (-54, -18, 18, 54)  # of 255, by which a cell of a photograph is darker or lighter than its mean
_SOFTEST: Final = 150  # of 255: how opaque the middle of a cut-out's shadow is


def is_name(text: str | None) -> bool:
    """Whether `text` may name a picture; the first apps named files of their own."""
    return text is not None and _NAME.fullmatch(text) is not None


def width_for(pixels: float) -> int:
    """The size to ask for where `pixels` are shown."""
    return next((width for width in WIDTHS if width >= pixels), WIDTHS[-1])


def path_of(name: str, width: int) -> str:
    """Where a picture's file is, below the API's prefix."""
    return f"/pictures/{name}/{width}"


def prove(files: Sequence[bytes]) -> bytes:
    """The proof of the files of a picture, one for each of WIDTHS."""
    assert len(files) == len(WIDTHS)
    return b"".join(hashlib.sha256(file).digest() for file in files)


def name_of(proof: bytes) -> str:
    """The name of the picture that `proof` proves."""
    return hashlib.sha256(proof).digest()[:_NAME_BYTES].hex()


def hash_in(proof: bytes, width: int) -> bytes:
    """What a proof says that the SHA-256 of the file of that width is; b"" where it says nothing of it."""
    if width not in WIDTHS or len(proof) != PROOF_BYTES:
        return b""
    at = WIDTHS.index(width) * 32
    return proof[at : at + 32]


def is_genuine(name: str, width: int, proof: bytes, file: bytes) -> bool:
    """Whether `file` is the picture `name` in that width."""
    return name_of(proof) == name and hashlib.sha256(file).digest() == hash_in(proof, width)


class Placeholder(msgspec.Struct, frozen=True):
    """What stands where a picture will be: its mean colour (RGB, 0-255) and SIDE x SIDE cells, each from 0 to 3. Of a
    photograph they are how light it is there, of a cut-out how much of it is there."""

    color: tuple[int, int, int]
    cells: tuple[int, ...]
    is_cut_out: bool

    def told(self) -> str:
        """As it stands in the catalog: 8 characters."""
        red, green, blue = (part >> 3 for part in self.color)
        number = ((red << 10 | green << 5 | blue) << 1) | self.is_cut_out
        for cell in self.cells:
            number = number << 2 | cell
        return base64.urlsafe_b64encode(number.to_bytes(6, "big")).decode()


def read_placeholder(text: str) -> Placeholder | None:
    """A placeholder out of the catalog; None where it is none."""
    if not _HINT.fullmatch(text):
        return None
    number = int.from_bytes(base64.urlsafe_b64decode(text), "big")
    cells = tuple(number >> shift & 3 for shift in range(2 * SIDE * SIDE - 2, -1, -2))
    head = number >> 2 * SIDE * SIDE
    # From 5 bits back to 8, so that white stays white.
    red, green, blue = (part << 3 | part >> 2 for part in (head >> 11 & 31, head >> 6 & 31, head >> 1 & 31))
    return Placeholder((red, green, blue), cells, bool(head & 1))


@lru_cache(maxsize=512)
def drawn(text: str) -> bytes:
    """A placeholder as a PNG file of a few pixels, blurred by being drawn large; b"" where it is none."""
    hint = read_placeholder(text)
    if hint is None:
        return b""
    rows = [[_pixel(hint, cell) for cell in hint.cells[at : at + SIDE]] for at in range(0, SIDE * SIDE, SIDE)]
    if hint.is_cut_out:  # nothing around it, so that it fades out
        none = _pixel(hint, 0)
        rows = [[none] * (SIDE + 2), *([none, *row, none] for row in rows), [none] * (SIDE + 2)]
    lines = b"".join(b"\0" + b"".join(row) for row in rows)
    head = struct.pack(">IIBBBBB", len(rows), len(rows), 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _pixel(hint: Placeholder, cell: int) -> bytes:
    if hint.is_cut_out:
        return bytes((*hint.color, cell * _SOFTEST // 3))
    return bytes((*(max(0, min(255, part + _LEVELS[cell])) for part in hint.color), 255))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
