"""Opening a store's file: brought up to date where it is whole, and else put together anew from what is readable."""

import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

from mirabelle.client.store.holding import BUSY_SECONDS, Held, alone, hold, make_folder
from mirabelle.client.store.migrations import IS_PROVED, VERSION, migrate, version_of
from mirabelle.client.store.pages import PAGE_BYTES, Pages, committed_frames
from mirabelle.client.store.rescue import is_whole, rescue
from mirabelle.client.store.seal import MARK, Seal
from mirabelle.client.store.unsent import may_hold_unsent

log = logging.getLogger(__name__)

MEMORY: Final = ":memory:"
SUFFIXES: Final = ("", "-wal", "-shm")
# What was set aside; what is being put together; and what is whole and takes the file's place, whenever the app ends.
ASIDE, _ANEW, _READY = ".aside", ".anew", ".ready"
_UNTRIED: Final = "untried"
# What a connection keeps at hand: statements made ready, which are some 3 kB each, and pages of the file.
_STATEMENTS, _FEW_STATEMENTS, _FEW_PAGES = 128, 16, 16
_MEMORY_PAGE_BYTES: Final = 1024  # there each of forty tables and indexes takes a page, though nothing is in it
_AGAIN_SECONDS: Final = 0.01

# "rebuilt": from what was readable; "set_aside": nothing was, its key is another; "too_new": a newer version wrote it;
# "out_of_reach": the disk or the secret store does not answer.
Mishap = Literal["rebuilt", "set_aside", "too_new", "out_of_reach"]
MISHAP: Final = "mishap"  # the document that tells of it until it was seen

_OF_A_ROW: Final = "user-defined function raised exception"  # a text that is no text


class TooNew(Exception):
    """A newer version of the app keeps its things in this file: it is left as it is."""


class Damaged(Exception):
    """The file is not as it was left. What `found` it stays open until the file is put together anew: closing it would
    remove the log."""

    def __init__(self, found: Held | None = None) -> None:
        super().__init__()
        self.found = found


def is_damage(fault: sqlite3.Error) -> bool:
    """Whether a fault met while reading or writing says that the file is damaged; others are about the machine."""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _OF_A_ROW in str(fault)


def open_file(path: str, seal: Seal, *, is_one_of_many: bool = False) -> Held:
    """The file at `path`, brought up to date; raises Damaged, TooNew, OSError, sqlite3.Error.

    One of many, as on a server that opens one for each browser, keeps little of it at hand: the system does so already.
    """
    statements = _FEW_STATEMENTS if is_one_of_many else _STATEMENTS
    if path == MEMORY:
        return _up_to_date(_connect(path, statements), seal, _MEMORY_PAGE_BYTES)
    make_folder(Path(path).parent)
    if Path(path + _READY).exists():  # the app was ended between the two steps of putting it in place
        with alone(path):
            _put_in_place(path, _next_aside(path, _UNTRIED))
    held = hold(path)  # before it is opened: afterwards it may be another
    is_new = not Path(path).exists()
    try:
        if not is_new and not Path(path).stat().st_size:
            raise Damaged
        connection = _connect(path, statements)
    except BaseException:
        held.close()
        raise
    connection.take(held)
    return _checked(connection, path, seal, is_new=is_new, is_one_of_many=is_one_of_many)


def _checked(connection: Held, path: str, seal: Seal, *, is_new: bool, is_one_of_many: bool) -> Held:
    """The connection, where the file is as it was left, as far as milliseconds tell; the rest is found when read."""
    try:
        if not is_new and not _has_whole_log(connection, path):
            raise Damaged  # before any step is run: that begins a new log
        _up_to_date(connection, seal)
        if not is_new and not is_whole(connection):
            raise Damaged
        if not is_new:
            _bring_back(connection, path, seal)
        if is_one_of_many:
            _keep_little(connection)
    except Damaged:
        log.warning("a store is damaged, or was sealed with another key")
        raise Damaged(connection) from None
    except sqlite3.Error as fault:
        if not is_damage(fault):
            connection.close_leaving_log(path)
            raise
        log.warning("a store is damaged: %s", type(fault).__name__)
        raise Damaged(connection) from fault
    except BaseException:
        connection.close_leaving_log(path)
        raise
    return connection


def _keep_little(connection: Held) -> None:
    """Keep few pages from now on, and give back those that checking the file took."""
    connection.execute(f"PRAGMA cache_size = {_FEW_PAGES}")
    connection.execute("PRAGMA cache_spill = OFF")  # what is written goes into the log when it is committed, not before
    connection.execute("PRAGMA shrink_memory")


def _has_whole_log(connection: Held, path: str) -> bool:
    """Whether SQLite takes all of the log: silently it leaves out what follows a bad place in it."""
    kept = committed_frames(_bytes(path + "-wal"))
    if not kept or kept <= _known_frames(connection):
        return True
    connection.execute("BEGIN IMMEDIATE")  # what differed may be what another process was just writing
    try:
        with closing(_connect(path)) as other:
            return committed_frames(_bytes(path + "-wal")) <= _known_frames(other)
    finally:
        connection.execute("ROLLBACK")


def _known_frames(connection: Held) -> int:
    """How many frames of the log SQLite takes for sound; raises sqlite3.OperationalError."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        is_busy, known, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if known >= 0 or not is_busy:
            return int(known)
        if time.monotonic() > deadline:
            raise sqlite3.OperationalError("another process does not finish with the log")
        time.sleep(_AGAIN_SECONDS)


def _connect(path: str, statements: int = _STATEMENTS) -> Held:
    return sqlite3.connect(
        path, BUSY_SECONDS, isolation_level=None, check_same_thread=False, factory=Held, cached_statements=statements
    )


def _up_to_date(connection: Held, seal: Seal, page_bytes: int = PAGE_BYTES) -> Held:
    connection.row_factory = sqlite3.Row
    seal.give_to(connection)
    connection.execute(f"PRAGMA page_size = {page_bytes}")  # of a new file
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # the outbox must survive a dead battery
    connection.execute("PRAGMA secure_delete = ON")  # what is settled leaves nothing behind
    if version_of(connection) > VERSION:
        raise TooNew
    migrate(connection)
    proved = connection.execute(IS_PROVED).fetchone()
    if proved is None or not proved[0]:
        raise Damaged
    return connection


def rebuild(path: str, seal: Seal, ours: Sequence[Held]) -> Mishap:
    """Put a new file in place of the one at `path`, with what is readable of it; the old one is set aside.

    `ours` are this process's connections to it; they are closed, unless it stays in place: where another process holds
    it, and where there is no room. Raises sqlite3.Error and OSError then.
    """
    for connection in ours:
        connection.let_go()
    try:
        with alone(path):
            pages = Pages(_bytes(path), _bytes(path + "-wal"))
            mishap, strange = _put_together(path + _ANEW, seal, pages)
            Path(path + _ANEW).replace(path + _READY)
            for connection in ours:
                connection.close()
            _remove(path + ASIDE)
            _put_in_place(path, _next_aside(path, seal.tag) if strange else path + ASIDE)
    except BaseException:
        for connection in ours:
            if connection.is_open:
                connection.take(hold(path))
        raise
    return mishap


def _put_together(anew: str, seal: Seal, pages: Pages) -> tuple[Mishap, int]:
    """Make a whole new file at `anew`, which tells what befell the old one; answers how many rows are of other keys."""
    _remove(anew)
    with closing(_connect(anew)) as connection:
        _up_to_date(connection, seal)
        saved, strange = _rescued(connection, pages, seal)
        mishap: Mishap = "set_aside" if strange and not saved else "rebuilt"
        connection.execute("INSERT OR REPLACE INTO documents (name, body) VALUES (?, json_quote(?))", (MISHAP, mishap))
    return mishap, strange


def _rescued(connection: Held, pages: Pages, seal: Seal) -> tuple[int, int]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = rescue(pages, seal, connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return answer


def _put_in_place(path: str, aside: str) -> None:
    if not is_sealed(path):
        _remove(path)  # anybody could read it
    _move(path, aside)
    Path(path + _READY).replace(path)


def _move(path: str, aside: str) -> None:
    for suffix in SUFFIXES:
        if Path(path + suffix).exists():
            Path(path + suffix).replace(aside + suffix)


def _next_aside(path: str, tag: str) -> str:
    """Where a file goes that the key with this `tag` does not open: it is tried again with any other key."""
    number = 1
    while Path(f"{path}{ASIDE}.{number}.{tag}").exists():
        number += 1
    return f"{path}{ASIDE}.{number}.{tag}"


def _strange_asides(path: str) -> list[Path]:
    """The files set aside that hold what no key opened so far."""
    return [file for file in Path(path).parent.glob(f"{Path(path).name}{ASIDE}.*.*") if "-" not in file.suffix]


def _bring_back(connection: Held, path: str, seal: Seal) -> None:
    """Save what other keys did not open, and this one does."""
    for aside in _strange_asides(path):
        if aside.suffix == f".{seal.tag}":
            continue
        _, strange = _rescued(connection, Pages(_bytes(str(aside)), _bytes(f"{aside}-wal")), seal)
        if strange:
            _move(str(aside), _next_aside(path, seal.tag))
        else:
            _remove(str(aside))


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes() if Path(path).exists() else b""


def _remove(path: str) -> None:
    for suffix in SUFFIXES:
        Path(path + suffix).unlink(missing_ok=True)


def is_sealed(path: str) -> bool:
    """Whether there is a file at `path` that holds anything sealed."""
    return MARK in _bytes(path) or MARK in _bytes(path + "-wal")


def remove(path: str) -> None:
    """Remove the file for good, with all that belongs to it, but for scans of a till that no key opened so far."""
    kept = [aside.name for aside in _strange_asides(path) if may_hold_unsent(aside, "offline_scans")]
    for file in Path(path).parent.iterdir():
        if file.name.startswith(Path(path).name) and not file.name.startswith(tuple(kept)):
            file.unlink(missing_ok=True)


def belongs_nowhere(file: Path) -> bool:
    """Whether a file was set aside, or was to take the place of one that is gone."""
    return ASIDE in file.name or file.name.endswith(_READY)
