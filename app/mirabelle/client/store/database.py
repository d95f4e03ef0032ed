"""The device's store: one SQLite file, the only thing that the screens read. Writers name what they changed."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, TypeVar
from weakref import WeakSet

import msgspec

from mirabelle.client.store.beside import Beside
from mirabelle.client.store.gone import ERASE, FileGone, identity, is_erased, is_gone
from mirabelle.client.store.holding import Held
from mirabelle.client.store.opening import MEMORY, MISHAP, Damaged, Mishap, is_damage, open_file, rebuild, remove
from mirabelle.client.store.seal import Seal

log = logging.getLogger(__name__)

T = TypeVar("T")

# What is said of the programme, to anybody, and what must be known without the key. All other documents are sealed.
PLAIN: Final = frozenset({"programme", "catalog feed", "catalog index", "catalog indexed to", "till name", MISHAP})

Listener = Callable[[], None]

_open_stores: WeakSet["Store"] = WeakSet()  # several windows of one browser share a file


class Rows(list[sqlite3.Row]):
    """The rows that a statement answered, all of them."""

    def fetchone(self) -> Any:
        """The first row; None where there is none."""
        return self[0] if self else None

    def fetchall(self) -> list[sqlite3.Row]:
        """All of them."""
        return self


class Reader:
    """Reads from the store's file, whichever that is. What is found damaged is mended, and then read again."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Rows:
        """The rows that `statement` answers; raises sqlite3.Error."""
        try:
            return Rows(self._store.connection.execute(statement, values))
        except sqlite3.Error as fault:
            if not self._store.mend_after(fault):
                raise
        return Rows(self._store.connection.execute(statement, values))

    @property
    def total_changes(self) -> int:
        """How many rows this window has written so far, about: it grows with each write."""
        return self._store.connection.total_changes + self._store.written_beside


class Store:
    """A store that can be pointed at another file, as people sign in and out; listeners stay."""

    def __init__(self, path: str = MEMORY, key: bytes | None = None, *, is_one_of_many: bool = False) -> None:
        """`key` opens what is sealed in the file; a store in memory needs none. One of many keeps little at hand."""
        self._listeners: list[tuple[frozenset[str], Listener]] = []
        self._open = partial(open_file, is_one_of_many=is_one_of_many)
        self.path, self._seal = path, Seal(key)
        self.read = Reader(self)
        self._beside: Beside | None = None
        self.written_beside = 0
        self._connection, _ = self._opened(path, self._seal)
        self._seen, self._file = self._version(), identity(path)
        self.on_gone: Callable[[], None] = lambda: None
        _open_stores.add(self)

    @property
    def connection(self) -> Held:
        """The way into the file. What is kept in memory is made when it is first asked for: a store goes on with a file
        as soon as it is known whose."""
        if self._connection is None:
            self._connection = self._open(MEMORY, self._seal)
        return self._connection

    def _version(self) -> int:
        if self.path == MEMORY:
            return 0  # nobody else writes there
        return int(self.read.execute("PRAGMA data_version").fetchone()[0])

    def notice_others(self) -> None:
        """Tell listeners if another window wrote this file since the last call; its own writes do not count. Where
        another process has removed it, go on in memory, and call `on_gone`."""
        if self._is_gone():
            self._leave_file()
        seen, self._seen = self._seen, self._version()
        if seen != self._seen:
            self._tell(None)

    def _is_gone(self) -> bool:
        return self.path != MEMORY and is_gone(self.connection, self.path, self._file)

    def _leave_file(self) -> None:
        self.switch(MEMORY)
        self.on_gone()

    def switch(self, path: str, key: bytes | None = None) -> Mishap | None:
        """Go on with the file at `path`, which `key` opens; everything on the screens is read anew. What had to be done
        to open it is answered, and kept in it to be told. Raises TooNew, sqlite3.Error and OSError."""
        return self._switch(path, Seal(key))

    def _switch(self, path: str, seal: Seal) -> Mishap | None:
        opened, mishap = self._opened(path, seal)
        self._go_on(path, seal, opened)
        return mishap

    def _opened(self, path: str, seal: Seal) -> tuple[Held | None, Mishap | None]:
        """The file at `path`: a new one in place of one that somebody began to remove."""
        if path == MEMORY:
            return None, None
        opened, mishap = self._mended(path, seal)
        if not is_erased(opened):
            return opened, mishap
        opened.close()
        remove(path)
        return self._open(path, seal), None

    def _mended(self, path: str, seal: Seal) -> tuple[Held, Mishap | None]:
        """The file at `path`, put together anew where it is damaged: other windows then go on with the new one."""
        try:
            return self._open(path, seal), None
        except Damaged as damaged:
            found = damaged.found
        try:
            mishap = self._rebuild(path, seal, [found] if found is not None else [])
        except BaseException:
            if found is not None and found.is_open:
                found.close_leaving_log(path)
            raise
        return self._open(path, seal), mishap

    def _rebuild(self, path: str, seal: Seal, found: list[Held]) -> Mishap:
        windows = [store for store in _open_stores if store.path == path != MEMORY]
        for store in windows:
            store.end_beside()
        mishap = rebuild(path, seal, [*found, *(store.connection for store in windows)])
        for store in windows:
            if store is not self:
                store._switch(path, seal)
        return mishap

    def mend_after(self, fault: sqlite3.Error) -> bool:
        """Put the file together anew if `fault` says that it is damaged; whether it did."""
        if self.path == MEMORY or self.connection.in_transaction or not is_damage(fault):
            return False
        log.warning("a store is damaged: %s", type(fault).__name__)
        self._rebuild(self.path, self._seal, [])
        self._go_on(self.path, self._seal, self._open(self.path, self._seal))
        return True

    def _go_on(self, path: str, seal: Seal, opened: Held | None) -> None:
        self.end_beside()
        if self._connection is not None:
            self._connection.close()
        self.path, self._seal, self._connection = path, seal, opened
        self._seen, self._file = self._version(), identity(path)
        self._tell(None)

    def erase(self) -> None:
        """Remove the file for good and go on in memory; so do other windows, whose `on_gone` is called: at once those
        of this process, and those of others before they write anything more."""
        path, others = self.path, self._others()
        with suppress(sqlite3.Error):  # a damaged one, or a full disk: others find it gone
            self.connection.execute(ERASE)
        for store in (self, *others):
            store.switch(MEMORY)
        if path != MEMORY:
            _remove(path)
        for store in others:
            store.on_gone()

    def _others(self) -> list["Store"]:
        """The stores of other windows that are open on this very file."""
        return [store for store in _open_stores if store is not self and store.path == self.path != MEMORY]

    @contextmanager
    def write(self, *topics: str) -> Iterator[sqlite3.Connection]:
        """One transaction; when it is committed, whoever listens to one of `topics` is told. Raises FileGone where it
        would be committed to a file that another process has removed."""
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            if connection is self.connection and self._is_gone():
                raise FileGone
            connection.execute("COMMIT")
        except BaseException as fault:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(fault, FileGone):
                self._leave_file()
            elif isinstance(fault, sqlite3.Error):
                self.mend_after(fault)
            raise
        self._tell(frozenset(topics))

    async def write_beside(self, work: Callable[[sqlite3.Connection], T], *topics: str) -> T:
        """Do `work` in one transaction, in a thread while the screens go on, and then tell whoever listens to one of
        `topics`. It must not touch what is sealed. In memory, where there is one connection only, it is done at once.
        Broken off, it ends first. Raises what `work` raises, Ended, FileGone as `write` does, sqlite3.Error."""
        if self.path == MEMORY:
            with self.write(*topics) as connection:
                return work(connection)
        beside = self._beside = self._beside or Beside(self.path, self._file)
        writing = asyncio.ensure_future(asyncio.to_thread(beside.write, work))
        try:
            await asyncio.wait([writing])
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            writing.exception()
            raise
        finally:
            self.written_beside += 1
        fault = writing.exception()
        if beside is self._beside and isinstance(fault, FileGone):
            self._leave_file()
        elif beside is self._beside and isinstance(fault, sqlite3.Error):
            self.mend_after(fault)
        if fault is None:
            self._tell(frozenset(topics))
        return writing.result()

    def end_beside(self) -> None:
        """Close what `write_beside` opened, once it has written."""
        if self._beside is not None:
            self._beside.end()
            self._beside = None

    def tell(self, *topics: str) -> None:
        """Tell listeners of what changed outside the file, such as the connection."""
        self._tell(frozenset(topics))

    def _tell(self, topics: frozenset[str] | None) -> None:
        for wanted, listener in list(self._listeners):
            if topics is None or wanted & topics:
                listener()

    def subscribe(self, topics: Iterable[str], listener: Listener) -> Callable[[], None]:
        """Call `listener` after each write that names one of `topics`, until the returned function is called."""
        entry = (frozenset(topics), listener)
        self._listeners.append(entry)

        def unsubscribe() -> None:
            if entry in self._listeners:
                self._listeners.remove(entry)

        return unsubscribe

    def document(self, name: str, type_: type[T]) -> T | None:
        """The document kept under `name`; None if there is none, or only one of an older shape."""
        if self._connection is None:
            return None  # nothing has been kept yet
        body = "body" if name in PLAIN else "opened('documents', name, body)"
        row = self.read.execute(f"SELECT {body} FROM documents WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        try:
            return msgspec.json.decode(row[0] or b"", type=type_)
        except msgspec.DecodeError:
            log.warning("the kept %s has another shape; it is fetched anew", name)
            return None

    def close(self) -> None:
        """Close the file; a store that is closed is not used any more."""
        _open_stores.discard(self)
        self._listeners.clear()
        self.end_beside()
        self.connection.close()


def erase_file(path: str) -> None:
    """As `Store.erase`, of a file that this window does not have open: it takes no key."""
    window = next((store for store in _open_stores if store.path == path), None)
    if window is None:
        _remove(path)
    else:
        window.erase()
        window.on_gone()


def _remove(path: str) -> None:
    try:
        remove(path)
    except OSError as fault:  # another process has it open, on a system that minds: sealed, and its key goes next
        log.warning("a store could not be removed: %s", type(fault).__name__)


def decoded(decoder: msgspec.json.Decoder[T], body: bytes | None) -> T | None:
    """What a row holds; None where an older or a newer version of the app wrote it so that this one cannot read it."""
    try:
        return decoder.decode(body or b"")
    except msgspec.DecodeError:
        return None


def put_document(connection: sqlite3.Connection, name: str, body: object) -> None:
    """Keep `body` under `name`, in the caller's transaction."""
    kept = "?2" if name in PLAIN else "sealed('documents', ?1, ?2)"
    statement = f"INSERT OR REPLACE INTO documents (name, body) VALUES (?1, {kept})"
    connection.execute(statement, (name, msgspec.json.encode(body)))
