"""Opening a store's file: brought up to date where it is whole, and set aside where its key is gone."""

import sqlite3
from pathlib import Path
from typing import Final, Literal

from mirabelle.client.store.migrations import IS_PROVED, VERSION, migrate, version_of
from mirabelle.client.store.seal import Seal

MEMORY: Final = ":memory:"
BUSY_SECONDS: Final = 5
SUFFIXES: Final = ("", "-wal", "-shm")
_ASIDE: Final = ".aside"

Mishap = Literal["set_aside", "too_new"]


class TooNew(Exception):
    """A newer version of the app keeps its things in this file: it is left as it is."""


class _WrongKey(Exception):
    """The file was sealed with another key."""


def open_file(path: str, seal: Seal) -> tuple[sqlite3.Connection, Mishap | None]:
    """The file at `path`, and what had to be done for it; raises TooNew, OSError, sqlite3.Error."""
    if path == MEMORY:
        return _open(path, seal), None
    for folder in reversed((Path(path).parent, *Path(path).parent.parents)):
        folder.mkdir(mode=0o700, exist_ok=True)  # parents made by `mkdir` itself would be open to others
    try:
        return _open(path, seal), None
    except _WrongKey:
        set_aside(path)
        return _open(path, seal), "set_aside"


def _open(path: str, seal: Seal) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        seal.give_to(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # the outbox must survive a dead battery
        connection.execute("PRAGMA secure_delete = ON")  # what is settled leaves nothing behind
        if version_of(connection) > VERSION:
            raise TooNew
        migrate(connection)
        if not connection.execute(IS_PROVED).fetchone()[0]:
            raise _WrongKey
    except BaseException:
        connection.close()
        raise
    return connection


def set_aside(path: str) -> None:
    """Put the file away under another name, in place of one that was put away before."""
    for suffix in SUFFIXES:
        Path(path + _ASIDE + suffix).unlink(missing_ok=True)
        if Path(path + suffix).exists():
            Path(path + suffix).replace(path + _ASIDE + suffix)


def remove(path: str) -> None:
    """Remove the file for good, with all that belongs to it."""
    for suffix in SUFFIXES:
        Path(path + suffix).unlink(missing_ok=True)
        Path(path + _ASIDE + suffix).unlink(missing_ok=True)
