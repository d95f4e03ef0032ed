"""Whether a store's file is still the one that was opened: another process may have removed it, or put another in its
place."""

import sqlite3
from pathlib import Path
from typing import Final

# What a file says from the moment that it is to go: another process that has it open finds it there, also on systems
# that remove no file which somebody has open, and where the file is gone already it finds another in its place or none.
ERASE: Final = "INSERT OR REPLACE INTO documents (name, body) VALUES ('erased', x'')"
_IS_ERASED: Final = "SELECT 1 FROM documents WHERE name = 'erased'"

Identity = tuple[int, int] | None


class FileGone(sqlite3.OperationalError):
    """Another process has removed the file: nothing can be kept in it any more."""


def identity(path: str) -> Identity:
    """What tells the file at `path` from any that is put in its place; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_erased(connection: sqlite3.Connection) -> bool:
    """Whether somebody began to remove the file."""
    return connection.execute(_IS_ERASED).fetchone() is not None


def is_gone(connection: sqlite3.Connection, path: str, opened: Identity) -> bool:
    """Whether `connection`'s file is on its way out, or at `path` no more; its identity was `opened`."""
    return identity(path) != opened or is_erased(connection)
