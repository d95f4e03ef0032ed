"""Writing beside the screens: in a thread, on a connection of its own, so that they go on reading and being drawn."""

import sqlite3
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from mirabelle.client.store.gone import FileGone, Identity, identity, is_gone
from mirabelle.client.store.holding import BUSY_SECONDS, address

T = TypeVar("T")

_CACHE_KILOBYTES: Final = 16_000  # indexes are written all over; it is given back at the end


class Ended(Exception):
    """The file is no longer this window's: nothing was written."""


class Beside:
    """A second way into the file at `path`, for as long as the first one is open, which found it to be the one with
    this `file` identity. It knows no key, so that it writes nothing that is sealed."""

    def __init__(self, path: str, file: Identity) -> None:
        self._path, self._file = path, file
        self._turn = Lock()
        self._connection: sqlite3.Connection | None = None
        self._is_over = False

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction; raises what it raises, Ended, sqlite3.Error, and FileGone where it would be
        committed to a file that another process has removed."""
        with self._turn:
            if self._is_over:
                raise Ended
            if self._connection is None:
                self._connection = self._opened()
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                answer = work(connection)
                if is_gone(connection, self._path, self._file):
                    raise FileGone
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return answer

    def _opened(self) -> sqlite3.Connection:
        try:
            opened = _connect(self._path)
        except sqlite3.OperationalError:
            if identity(self._path) != self._file:
                raise FileGone from None
            raise
        if identity(self._path) != self._file:
            opened.close()
            raise FileGone
        return opened

    def end(self) -> None:
        """Wait for what is being written, and let go of the file: only then may another take its place."""
        with self._turn:
            self._is_over = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _connect(path: str) -> sqlite3.Connection:
    there = address(path, "rw")  # never a new file in place of one that is gone
    connection = sqlite3.connect(there, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
    try:
        for setting in ("synchronous = FULL", "secure_delete = ON", f"cache_size = -{_CACHE_KILOBYTES}"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection
