"""Tills that this device was, and whose scans are here still: told wherever somebody signs in."""

import logging
import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from mirabelle.client.repositories.till import TILL_NAME, TillName
from mirabelle.client.store.holding import read_only
from mirabelle.client.store.opening import belongs_nowhere
from mirabelle.client.store.unsent import may_hold_unsent

log = logging.getLogger(__name__)

# Kept by earlier versions with nothing sealed: the whole till, of which the name is enough.
_WHOLE_TILL: Final = "till"


@dataclass(frozen=True, slots=True)
class KeptTill:
    """A till that nobody is signed in as, and how many scans wait here until somebody is again."""

    id: str
    name: str
    scans: int


def kept_tills(directory: Path | None, signed_in: Collection[str]) -> Sequence[KeptTill]:
    """What the files of `directory` keep, but for those in `signed_in`; each stays until its scans are sent."""
    files = sorted(directory.glob("*.sqlite")) if directory is not None else []
    found = (_kept(file) for file in files if str(file) not in signed_in)
    return [till for till in found if till is not None]


def keeps_unsent(directory: Path) -> bool:
    """Whether anything in `directory` was never sent, or is of nobody knows whom: only its own app can tell."""
    return any(map(belongs_nowhere, directory.iterdir())) or any(
        may_hold_unsent(file, "offline_scans", "outbox") for file in directory.glob("*.sqlite")
    )


def _kept(file: Path) -> KeptTill | None:
    """What a file tells to whoever has no key to it."""
    try:
        with closing(read_only(str(file))) as connection:
            [scans] = connection.execute("SELECT COUNT(*) FROM offline_scans WHERE state != 'seen'").fetchone()
            query = "SELECT body FROM documents WHERE name IN (?, ?) ORDER BY name = ?"
            row = connection.execute(query, (TILL_NAME, _WHOLE_TILL, _WHOLE_TILL)).fetchone() if scans else None
        till = msgspec.json.decode(row[0], type=TillName) if row else None
    except (sqlite3.Error, msgspec.DecodeError) as fault:
        log.warning("a file cannot be read: %s", type(fault).__name__)
        return None
    return KeptTill(till.id, till.name, scans) if till is not None else None
