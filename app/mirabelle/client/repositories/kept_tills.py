"""Tills that this device was, and whose scans are here still: told wherever somebody signs in."""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabelle.client.repositories.offline_scans import OfflineScans
from mirabelle.client.store.database import Store
from mirabelle.contract import till_messages as tm

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptTill:
    """A till that nobody is signed in as, and how many scans wait here until somebody is again."""

    id: str
    name: str
    scans: int


def kept_tills(directory: Path | None, signed_in: str) -> Sequence[KeptTill]:
    """What the files of `directory` keep, but for the one at `signed_in`; each stays until its scans are sent."""
    files = sorted(directory.glob("*.sqlite")) if directory is not None else []
    found = (_kept(file) for file in files if str(file) != signed_in)
    return [till for till in found if till is not None]


def _kept(file: Path) -> KeptTill | None:
    try:
        store = Store(str(file))
    except sqlite3.Error as fault:
        log.warning("a file cannot be read: %s", type(fault).__name__)
        return None
    try:
        till, scans = store.document("till", tm.Till), OfflineScans(store).kept()
        return KeptTill(till.id, till.name, scans) if till is not None and scans else None
    finally:
        store.close()
