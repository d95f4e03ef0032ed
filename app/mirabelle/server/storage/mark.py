"""Notices a SQLite database that lost its end: pages that are gone, or writes that were answered and are not there.

SQLite takes a shortened write-ahead log for an earlier state and says nothing. So each write that changes something
numbers itself in the database (`user_version`), and its number is noted in a file beside it before anybody is told that
the write is done. What a killed process noted stays. Against a loss of power the notes are flushed once a second:
flushing each would double the cost of a small write, and what the notes guard has been flushed itself.
"""

import io
import os
import sqlite3
import struct
import threading
import time
import zlib
from functools import reduce
from pathlib import Path
from typing import Final

FLUSH_SECONDS: Final = 1

# The newest note stands in the slot of its number, so that processes that note at once write over no newer one.
_SLOTS: Final = 64
_NOTE: Final = struct.Struct(">II")
_CIRCLE: Final = 2**31 - 1  # `user_version` is a signed 32-bit number: after the last comes 1 again

# As SQLite's documentation of its file formats has it.
_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_LOG_HEADER: Final = struct.Struct(">8xI4xII8x")  # page size, both salts
_FRAME_HEADER: Final = struct.Struct(">IIII8x")  # page, size of the database after a commit or 0, both salts


class DatabaseDamaged(Exception):
    """The files of a database lack what it had; the message says what."""


def following(number: int) -> int:
    """The number of the write after the write `number`."""
    return number % _CIRCLE + 1


def is_behind(number: int, noted: int) -> bool:
    """Whether a database whose last write is `number` lacks the write `noted`; 0 stands for none."""
    return noted not in (0, number) and (number == 0 or (noted - number) % _CIRCLE < _CIRCLE // 2)


def number_write(connection: sqlite3.Connection) -> int:
    """Number the transaction that `connection` is about to commit."""
    number = following(connection.execute("PRAGMA user_version").fetchone()[0])
    connection.execute(f"PRAGMA user_version = {number}")
    return number


class WriteMark:
    """The notes beside a SQLite file."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}-mark")
        self._writing = threading.Lock()
        self._stream: io.FileIO | None = None
        self._flushed = 0.0

    def noted(self) -> int:
        """The number of the newest write that was noted, 0 where there is none."""
        try:
            notes = self.path.read_bytes()
        except FileNotFoundError:
            return 0
        whole = notes[: len(notes) // _NOTE.size * _NOTE.size]
        numbers = [number for number, check in _NOTE.iter_unpack(whole) if number and check == _check(number)]
        return reduce(lambda newest, one: one if is_behind(newest, one) else newest, numbers, 0)

    def note(self, number: int) -> None:
        """Note that the write `number` is committed, before its caller is told. From any thread; raises OSError."""
        with self._writing:
            if self._stream is None:
                self._stream = io.FileIO(self.path, "r+", opener=_open_or_make)
            self._stream.seek(number % _SLOTS * _NOTE.size)
            self._stream.write(_NOTE.pack(number, _check(number)))
            if time.monotonic() - self._flushed > FLUSH_SECONDS:
                os.fsync(self._stream.fileno())
                self._flushed = time.monotonic()

    def close(self) -> None:
        """Let go of the file."""
        with self._writing:
            if self._stream is not None:
                self._stream.close()
                self._stream = None

    def require_writes(self, connection: sqlite3.Connection, noted: int) -> None:
        """Raise DatabaseDamaged where the database lacks the write `noted`, which was read before it was opened."""
        number = connection.execute("PRAGMA user_version").fetchone()[0]
        if is_behind(number, noted):
            raise DatabaseDamaged(
                f"it ends at write {number}, but write {noted} was answered (to go on without, remove {self.path.name})"
            )


def _check(number: int) -> int:
    return zlib.crc32(number.to_bytes(4))


def _open_or_make(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def require_pages(database: Path, noted: int) -> None:
    """Raise DatabaseDamaged where pages of `database` are in none of its files; comes before SQLite opens them.

    SQLite would fill a gap with zeros; beside an empty file it would delete the log.
    """
    seen = None
    while seen != (seen := _sizes(database)):  # another process may be moving pages from the log into the file
        missing = _missing_pages(database, noted)
    if missing:
        raise DatabaseDamaged(f"{missing} of its pages are missing")


def _log_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _sizes(database: Path) -> list[tuple[int, int]]:
    stats = [path.stat() for path in (database, _log_of(database)) if path.exists()]
    return [(stat.st_size, stat.st_mtime_ns) for stat in stats]


def _missing_pages(database: Path, noted: int) -> int:
    # The log first: pages only ever move from it into the file.
    page_bytes, pages, logged = _logged_pages(_log_of(database))
    try:
        with database.open("rb") as stream:
            header = stream.read(_HEADER_BYTES)
            file_bytes = stream.seek(0, os.SEEK_END)
    except FileNotFoundError:
        header, file_bytes = b"", 0
    if not file_bytes:
        return max(pages, 1) if pages or noted else 0
    if not header.startswith(_MAGIC):
        return 0  # SQLite refuses it by itself
    if len(header) == _HEADER_BYTES and not pages:
        size = int.from_bytes(header[16:18])
        page_bytes, pages = 65536 if size == 1 else size, int.from_bytes(header[28:32])
    whole = file_bytes // page_bytes if page_bytes else 0
    return max(pages - whole, 0) - sum(whole < page <= pages for page in logged)


def _logged_pages(log: Path) -> tuple[int, int, set[int]]:
    """The page size, how many pages the database has after the log's last commit, and which of them are in the log."""
    logged: set[int] = set()
    frames: list[int] = []
    pages = 0
    try:
        with log.open("rb") as stream:
            page_bytes, *salts = _LOG_HEADER.unpack(stream.read(_LOG_HEADER.size))
            while len(frame := stream.read(_FRAME_HEADER.size + page_bytes)) == _FRAME_HEADER.size + page_bytes:
                page, after_commit, *own_salts = _FRAME_HEADER.unpack_from(frame)
                if own_salts != salts:
                    break  # left over from before the log began anew
                frames.append(page)
                if after_commit:
                    pages = after_commit
                    logged.update(frames)
                    frames.clear()
    except (FileNotFoundError, struct.error):
        return 0, 0, set()
    return page_bytes, pages, logged
