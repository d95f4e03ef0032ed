"""The database behind a URL: consistent reads, one transaction for each write, and its two dialects' settings."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mirabelle.server.storage.direct import Conflict, DatabaseBusy, Direct, DirectPostgresql, DirectSqlite, TryAgain
from mirabelle.server.storage.mark import DatabaseDamaged, WriteMark, number_write, require_pages
from mirabelle.server.storage.steps import Steps

BUSY_SECONDS: Final = 10
READERS_MILLISECONDS: Final = 500  # that emptying the log waits for them
POSTGRESQL_CONNECTIONS: Final = 10
CONNECT_SECONDS: Final = 10
WRITE_TRIES: Final = 5
FILE_NAME: Final = "mirabelle.sqlite"

_WANTED: Final = "--database must be a URL such as postgresql://user@host/name or sqlite:///file"
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
# PostgreSQL's serialization failure and deadlock: nothing was done, and the same again can succeed.
_DEADLOCK: Final = "40P01"
_TRY_AGAIN: Final = ("40001", _DEADLOCK)
_DAMAGE: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is deleted of a person must not be found in free space
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
)

# Batches find every row by its key. Their plans are made once, maybe while the tables are empty and reading them whole
# looks cheap; these settings keep to the indexes.
_BY_KEY: Final = dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off")

# Servers that start at once on an empty database would each make the tables. Any number does that nobody else uses.
_UPGRADES_TAKE_TURNS: Final = text("SELECT pg_advisory_xact_lock(0x4d697261)")

T = TypeVar("T")


class DatabaseUnusable(Exception):
    """The database cannot be used; the message says why and never holds the URL's password."""


class Database:
    """A database of ours. SQLite has one writer at a time, so this process's writers queue here, not on its lock.

    `deadlocks` counts the transactions that PostgreSQL ended because they waited in a circle; they were run again.
    """

    def __init__(self, engine: AsyncEngine, mark: WriteMark | None) -> None:
        self._mark = mark
        self._direct: Direct = DirectSqlite(lambda: _connect(engine.url), mark) if mark else _direct_postgresql(engine)
        self.deadlocks = 0
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.engine = engine
        reading = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading = engine.execution_options(**reading)
        self._writing = engine.execution_options(writes=True)
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state."""
        async with self._reading.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A connection in one transaction: committed when the block ends, rolled back when it raises."""
        async with self._turn:
            number = None
            async with self._writing.begin() as connection:
                changes_before = _changes(connection) if self._mark else 0
                yield connection
                if self._mark and _changes(connection) != changes_before:
                    number = await connection.run_sync(_number)
            if self._mark and number is not None:
                self._mark.note(number)

    async def attempt(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `work` gives in a transaction of its own; done again where another process got in between."""
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except TryAgain as fault:
                self.deadlocks += fault.deadlock
                if not tries_left and isinstance(fault, Conflict):
                    raise
                if not tries_left:
                    raise DatabaseBusy(str(fault)) from fault
            except DBAPIError as fault:
                self.deadlocks += _is_deadlock(fault)
                if not (tries_left and _may_try_again(fault)):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def run(self, steps_of: Callable[[], Steps[T]]) -> T:
        """What the steps come to in a transaction of their own, made anew where another process got in between.

        Raises DatabaseBusy, Conflict where the same happens each time, and whatever the steps raise.
        """
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                async with self._turn:
                    return await self._direct.run(steps_of)
            except TryAgain as fault:
                self.deadlocks += fault.deadlock
                if not tries_left and isinstance(fault, Conflict):
                    raise
                if not tries_left:
                    raise DatabaseBusy(str(fault)) from fault
        raise AssertionError("unreachable: the last try returns or raises")

    async def forget_old_pages(self) -> None:
        """Move SQLite's log, which holds pages as they were before, into the file, and empty it.

        What somebody still reads stays in the log until the next time. PostgreSQL forgets by itself, as it vacuums.
        """
        if self.is_sqlite:
            async with self._turn:
                await asyncio.to_thread(_empty_log, self.engine.url)

    async def close(self) -> None:
        """Close every connection."""
        await self._direct.close()
        await self.engine.dispose()
        if self._mark:
            self._mark.close()


def _direct_postgresql(engine: AsyncEngine) -> DirectPostgresql:
    _, options = engine.dialect.create_connect_args(engine.url)
    return DirectPostgresql({**options, "timeout": CONNECT_SECONDS, "server_settings": _BY_KEY})


def _connect(url: URL) -> sqlite3.Connection:
    connection = sqlite3.connect(str(url.database), isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def _empty_log(url: URL) -> None:
    with closing(_connect(url)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {READERS_MILLISECONDS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _number(connection: Connection) -> int:
    return number_write(connection.connection)  # type: ignore[arg-type]


def _changes(connection: AsyncConnection) -> int:
    """How many rows this SQLite connection ever changed."""
    return int(connection.sync_connection.connection.driver_connection.total_changes)


def _is_deadlock(fault: DBAPIError) -> bool:
    return getattr(fault.orig, "sqlstate", None) == _DEADLOCK


def _may_try_again(fault: DBAPIError) -> bool:
    # Another process may have written the same key between our look and our insert: look again.
    return isinstance(fault, IntegrityError) or getattr(fault.orig, "sqlstate", None) in _TRY_AGAIN


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that will write takes the lock at once: one that is upgraded later can fail half-way.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _engine(url: URL) -> AsyncEngine:
    options: dict[str, Any] = {}
    if url.get_backend_name() != "sqlite":
        options = {"pool_size": POSTGRESQL_CONNECTIONS, "connect_args": {"timeout": CONNECT_SECONDS}}
    return create_async_engine(
        url,
        hide_parameters=True,  # they are people's data and secrets, and faults are logged
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        **options,
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS[parsed.drivername.partition("+")[0]])
    except (ArgumentError, KeyError, ValueError) as fault:
        raise DatabaseUnusable(_WANTED) from fault
    no_file = parsed.database in (None, "", ":memory:") or bool(parsed.query)
    if parsed.get_backend_name() == "sqlite" and no_file:
        raise DatabaseUnusable(_WANTED)
    return parsed


def url_of_directory(directory: Path) -> str:
    """The URL of the SQLite file in a data directory."""
    return f"sqlite:///{directory / FILE_NAME}"


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database, None for one of PostgreSQL; raises DatabaseUnusable."""
    parsed = _parse(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


async def open_database(url: str) -> Database:
    """Connect to the database at `url` and bring its schema up to date; raises DatabaseUnusable."""
    from mirabelle.server.storage.migrations import upgrade

    database = await connect(url)

    async def bring_up_to_date(connection: AsyncConnection) -> None:
        if not database.is_sqlite:
            await connection.execute(_UPGRADES_TAKE_TURNS)
        await connection.run_sync(upgrade)

    try:
        await database.attempt(bring_up_to_date)
    except SQLAlchemyError as fault:
        await database.close()
        raise _unusable(database.engine.url, told(fault)) from fault
    return database


async def connect(url: str) -> Database:
    """Connect to the database at `url` as it is; raises DatabaseUnusable."""
    parsed, file = _parse(url), sqlite_file(url)
    engine = _engine(parsed)
    if file:
        _prepare_sqlite(engine)
    mark = WriteMark(file) if file else None
    database = Database(engine, mark)
    try:
        await _reach(database, mark)
    except DatabaseUnusable as fault:
        await database.close()
        raise _unusable(parsed, str(fault)) from fault
    return database


def _unusable(url: URL, cause: str) -> DatabaseUnusable:
    return DatabaseUnusable(f"the database {url.render_as_string()} cannot be used: {cause}")


def told(fault: Exception) -> str:
    """What the database said, in one line, and what helps where its file is damaged."""
    cause = getattr(fault, "orig", None) or fault
    line = str(cause).partition("\n")[0] or type(cause).__name__
    return f"{line}; 'mirabelle restore' brings a backup back" if is_damage(cause) else line


def is_damage(fault: BaseException) -> bool:
    """Whether it is the database's file that is wrong."""
    return isinstance(fault, DatabaseDamaged) or getattr(fault, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


async def _reach(database: Database, mark: WriteMark | None) -> None:
    """Connect once; raises DatabaseUnusable."""
    url = database.engine.url
    try:
        if mark:
            file, noted = Path(str(url.database)), mark.noted()
            require_pages(file, noted)
            # First in this thread, because a driver thread that fails to open its file outlives the event loop.
            with closing(sqlite3.connect(file)) as connection:
                mark.require_writes(connection, noted)
        async with database.engine.connect():
            pass
    except TimeoutError as fault:
        raise DatabaseUnusable(f"no answer in {CONNECT_SECONDS} seconds") from fault
    except Exception as fault:  # each driver fails in its own ways: no server, no file, no such option
        raise DatabaseUnusable(told(fault)) from fault
