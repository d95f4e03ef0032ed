"""What a file holds that was never sent, told without its key and without changing it."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from mirabelle.client.store.holding import read_only

log = logging.getLogger(__name__)

Table = Literal["offline_scans", "outbox"]


def may_hold_unsent(file: Path, *tables: Table) -> bool:
    """Whether there is anything in `tables` that was not sent; so it is where that cannot be told."""
    if not file.stat().st_size:
        return False
    try:
        with closing(read_only(str(file))) as connection:
            rows = [f"EXISTS (SELECT 1 FROM {table} WHERE state != 'seen')" for table in tables]
            return bool(connection.execute(f"SELECT {' OR '.join(rows)}").fetchone()[0])
    except sqlite3.Error as fault:
        log.warning("a file cannot be read: %s", type(fault).__name__)
        return True


def count_unsent(file: Path) -> int:
    """How many rows of both tables were not sent, or were refused and not seen; 0 where that cannot be told."""
    try:
        with closing(read_only(str(file))) as connection:
            query = (
                "SELECT (SELECT COUNT(*) FROM offline_scans WHERE state != 'seen')"
                " + (SELECT COUNT(*) FROM outbox WHERE state != 'seen')"
            )
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error as fault:
        log.warning("a file cannot be read: %s", type(fault).__name__)
        return 0
