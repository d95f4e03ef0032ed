"""The database behind a URL: consistent reads, one transaction for each write, and its two dialects' settings."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_SECONDS: Final = 10
POSTGRESQL_CONNECTIONS: Final = 10
CONNECT_SECONDS: Final = 10
WRITE_TRIES: Final = 5
FILE_NAME: Final = "mirabelle.sqlite"

_WANTED: Final = "--database must be a URL such as postgresql://user@host/name or sqlite:///file"
_DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
# PostgreSQL's serialization failure and deadlock: nothing was done, and the same again can succeed.
_TRY_AGAIN: Final = ("40001", "40P01")

T = TypeVar("T")


class DatabaseUnusable(Exception):
    """The database cannot be used; the message says why and never holds the URL's password."""


class Database:
    """A database of ours. SQLite has one writer at a time, so this process's writers queue here, not on its lock."""

    def __init__(self, engine: AsyncEngine) -> None:
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
        async with self._turn, self._writing.begin() as connection:
            yield connection

    async def attempt(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `work` gives in a transaction of its own; done again where another process got in between."""
        for tries_left in reversed(range(WRITE_TRIES)):
            try:
                async with self.write() as connection:
                    return await work(connection)
            except DBAPIError as fault:
                if not (tries_left and _may_try_again(fault)):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _may_try_again(fault: DBAPIError) -> bool:
    # Another process may have written the same key between our look and our insert: look again.
    return isinstance(fault, IntegrityError) or getattr(fault.orig, "sqlstate", None) in _TRY_AGAIN


def _prepare_sqlite(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
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


async def open_database(url: str) -> Database:
    """Connect to the database at `url` and bring its schema up to date; raises DatabaseUnusable."""
    from mirabelle.server.storage.migrations import upgrade

    parsed = _parse(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    engine = _engine(parsed)
    if sqlite:
        _prepare_sqlite(engine)
    database = Database(engine)
    try:
        await _reach(database)
        async with database.write() as connection:
            await connection.run_sync(upgrade)
    except (SQLAlchemyError, DatabaseUnusable) as fault:
        await database.close()
        cause = str(getattr(fault, "orig", None) or fault).partition("\n")[0]
        raise DatabaseUnusable(f"the database {parsed.render_as_string()} cannot be used: {cause}") from fault
    return database


async def _reach(database: Database) -> None:
    """Connect once; raises DatabaseUnusable."""
    url = database.engine.url
    try:
        if database.is_sqlite:
            # First in this thread, because a driver thread that fails to open its file outlives the event loop.
            with closing(sqlite3.connect(str(url.database))) as connection:
                connection.execute("PRAGMA schema_version")
        async with database.engine.connect():
            pass
    except TimeoutError as fault:
        raise DatabaseUnusable(f"no answer in {CONNECT_SECONDS} seconds") from fault
    except Exception as fault:  # each driver fails in its own ways: no server, no file, no such option
        cause = getattr(fault, "orig", None) or fault
        raise DatabaseUnusable(str(cause) or type(cause).__name__) from fault
