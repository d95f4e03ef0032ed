"""Cells: which of the 64 parts of the ledger a participant belongs to."""

import hashlib
from functools import lru_cache
from typing import Final

CELLS: Final = 64


@lru_cache(maxsize=4096)  # each batch asks many times for the same few
def cell_of(participant: str) -> int:
    """The participant's cell, 0 to 63: a hash of the id, the same for ever."""
    return hashlib.sha256(participant.encode()).digest()[0] % CELLS
