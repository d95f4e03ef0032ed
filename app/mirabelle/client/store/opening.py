"""Opening a store's file: brought up to date where it is whole, and else put together anew from what is readable."""

import logging
import sqlite3
from pathlib import Path
from typing import Final, Literal

from mirabelle.client.store.migrations import IS_PROVED, VERSION, migrate, version_of
from mirabelle.client.store.pages import PAGE_BYTES, Pages
from mirabelle.client.store.rescue import is_whole, rescue
from mirabelle.client.store.seal import MARK, Seal

log = logging.getLogger(__name__)

MEMORY: Final = ":memory:"
BUSY_SECONDS: Final = 5
SUFFIXES: Final = ("", "-wal", "-shm")
_ASIDE, _ANEW = ".aside", ".anew"

# "rebuilt": from what was readable; "set_aside": nothing was, its key is another; "too_new": a newer version wrote it;
# "out_of_reach": the disk or the secret store does not answer.
Mishap = Literal["rebuilt", "set_aside", "too_new", "out_of_reach"]

# Faults that are about the machine and not about the file.
_OF_THE_MACHINE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    }
)  # fmt: skip
_OF_A_ROW: Final = "user-defined function raised exception"  # a text that is no text


class TooNew(Exception):
    """A newer version of the app keeps its things in this file: it is left as it is."""


class _Damaged(Exception):
    """The file is not as it was left."""


def is_damage(fault: sqlite3.Error) -> bool:
    """Whether a fault met while reading or writing says that the file is damaged."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _OF_A_ROW in str(fault)


def open_file(path: str, seal: Seal) -> tuple[sqlite3.Connection, Mishap | None]:
    """The file at `path`, and what had to be done for it; raises TooNew, OSError, sqlite3.Error."""
    if path == MEMORY:
        return _open(path, seal), None
    for folder in reversed((Path(path).parent, *Path(path).parent.parents)):
        folder.mkdir(mode=0o700, exist_ok=True)  # parents made by `mkdir` itself would be open to others
    if Path(path + _ANEW).exists() and not Path(path).exists():
        Path(path + _ANEW).replace(path)  # the app was ended between the two steps of putting it in place
    is_new, pages = not Path(path).exists(), None
    if _bytes(path + "-wal"):
        pages = read_pages(path)
    try:
        connection = _open(path, seal)
        try:
            _check(connection, is_new, pages)
        except BaseException:
            connection.close()
            raise
        return connection, None
    except sqlite3.Error as fault:
        if getattr(fault, "sqlite_errorcode", 0) & 0xFF in _OF_THE_MACHINE:
            raise
        log.warning("a store is damaged: %s", type(fault).__name__)
    except _Damaged:
        log.warning("a store is damaged, or was sealed with another key")
    return rebuild(path, seal, pages or read_pages(path))


def _check(connection: sqlite3.Connection, is_new: bool, pages: Pages | None) -> None:
    """Raise where the file is not as it was left, as far as milliseconds tell; the rest is found when it is read."""
    if is_new:
        return
    if pages is not None and pages.frames > connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]:
        raise _Damaged  # SQLite silently leaves out what follows a bad place in the log
    if not is_whole(connection):
        raise _Damaged


def _open(path: str, seal: Seal) -> sqlite3.Connection:
    if path != MEMORY and Path(path).exists() and not Path(path).stat().st_size and not _bytes(path + "-wal"):
        raise _Damaged
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        seal.give_to(connection)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # the outbox must survive a dead battery
        connection.execute("PRAGMA secure_delete = ON")  # what is settled leaves nothing behind
        if version_of(connection) > VERSION:
            raise TooNew
        migrate(connection)
        proved = connection.execute(IS_PROVED).fetchone()
        if proved is None or not proved[0]:
            raise _Damaged
    except BaseException:
        connection.close()
        raise
    return connection


def rebuild(path: str, seal: Seal, pages: Pages) -> tuple[sqlite3.Connection, Mishap]:
    """A new file in place of the one at `path`, with what is readable in `pages`; the old one is set aside.

    The new one is whole before it takes the old one's place: whenever the app ends, one of them is found.
    """
    anew = path + _ANEW
    _remove(anew)
    connection = _open(anew, seal)
    connection.execute("BEGIN IMMEDIATE")
    saved, strange = rescue(pages, seal, connection)
    connection.execute("COMMIT")
    connection.close()
    _remove(path + _ASIDE)
    for suffix in SUFFIXES:
        if Path(path + suffix).exists():
            Path(path + suffix).replace(path + _ASIDE + suffix)
    Path(anew).replace(path)
    if not pages.hold(MARK):
        _remove(path + _ASIDE)  # anybody could read it
    return _open(path, seal), "set_aside" if strange and not saved else "rebuilt"


def read_pages(path: str) -> Pages:
    """The pages of the file and of its log as they are on the disk now."""
    return Pages(_bytes(path), _bytes(path + "-wal"))


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes() if Path(path).exists() else b""


def _remove(path: str) -> None:
    for suffix in SUFFIXES:
        Path(path + suffix).unlink(missing_ok=True)


def remove(path: str) -> None:
    """Remove the file for good, with all that belongs to it."""
    for kind in ("", _ASIDE, _ANEW):
        _remove(path + kind)
