"""Runs steps straight on a driver's connection, one transaction each: what SQLAlchemy is too slow for.

Each driver's faults leave here as one of two: TryAgain, where nothing was done, or DatabaseBusy.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.storage.mark import WriteMark, number_write
from mirabelle.server.storage.steps import Steps, run_on_postgresql, run_on_sqlite

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")


class DatabaseBusy(Exception):
    """The database did not serve; whether anything was done is found out by the idempotency key."""


class TryAgain(Exception):
    """Another process got in between, and nothing was done; `deadlock`: PostgreSQL ended it for waiting in a circle."""

    def __init__(self, fault: Exception, *, deadlock: bool = False) -> None:
        super().__init__(str(fault))
        self.deadlock = deadlock


class Conflict(TryAgain):
    """A row was refused: another process wrote the same key, or the work itself is at fault and stays so."""


@contextmanager
def _sqlite_faults() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as fault:
        raise Conflict(fault) from fault
    except sqlite3.OperationalError as fault:
        raise DatabaseBusy(str(fault)) from fault


@contextmanager
def _postgresql_faults() -> Iterator[None]:
    import asyncpg

    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as fault:
        raise Conflict(fault) from fault
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as fault:
        raise TryAgain(fault, deadlock=isinstance(fault, asyncpg.DeadlockDetectedError)) from fault
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.InterfaceError,
        OSError,
    ) as fault:
        raise DatabaseBusy(str(fault) or type(fault).__name__) from fault


class Direct(Protocol):
    """A database without SQLAlchemy."""

    async def run(self, steps_of: Callable[[], Steps[T]]) -> T:
        """What the steps come to, in one transaction; raises TryAgain, DatabaseBusy."""

    async def close(self) -> None:
        """Disconnect."""


class DirectSqlite:
    """One connection in a thread of its own: a whole transaction is one hop there and one back."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], mark: WriteMark) -> None:
        self._connect = connect
        self._mark = mark
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mirabelle-ledger")
        self._connection: sqlite3.Connection | None = None

    async def run(self, steps_of: Callable[[], Steps[T]]) -> T:
        """What the steps come to, in one transaction; raises TryAgain, DatabaseBusy."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, steps_of)

    def _run(self, steps_of: Callable[[], Steps[T]]) -> T:
        with _sqlite_faults():
            if self._connection is None:
                self._connection = self._connect()
            result, number = _transact(self._connection, steps_of)
        if number is not None:
            self._mark.note(number)
        return result

    async def close(self) -> None:
        """Disconnect."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _transact(connection: sqlite3.Connection, steps_of: Callable[[], Steps[T]]) -> tuple[T, int | None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = connection.total_changes
        result = run_on_sqlite(connection, steps_of())
        number = number_write(connection) if connection.total_changes != before else None
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result, number


async def run_within(connection: AsyncConnection, steps: Steps[T]) -> T:
    """What the steps come to within the transaction of SQLAlchemy's connection; raises TryAgain, DatabaseBusy."""
    await connection.execute(text("SELECT 1"))  # it begins its transaction with its own first statement
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "sqlite":
        # One hop into the connection's thread for all of it; aiosqlite has no public word for that.
        with _sqlite_faults():
            result: T = await driver._execute(run_on_sqlite, driver._conn, steps)
            return result
    with _postgresql_faults():
        return await run_on_postgresql(driver, steps)


class DirectPostgresql:
    """As many connections as transactions run at once; each keeps its prepared statements."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._idle: list[asyncpg.Connection] = []

    async def run(self, steps_of: Callable[[], Steps[T]]) -> T:
        """What the steps come to, in one transaction; raises TryAgain, DatabaseBusy."""
        with _postgresql_faults():
            connection = await self._take()
            try:
                return await self._transact(connection, steps_of)
            finally:
                self._give_back(connection)

    async def _take(self) -> "asyncpg.Connection":
        import asyncpg

        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(**self._options)

    def _give_back(self, connection: "asyncpg.Connection") -> None:
        if connection.is_in_transaction():
            connection.terminate()  # nobody knows how far it came
        elif not connection.is_closed():
            self._idle.append(connection)

    async def _transact(self, connection: "asyncpg.Connection", steps_of: Callable[[], Steps[T]]) -> T:
        await connection.execute("BEGIN")
        try:
            result = await run_on_postgresql(connection, steps_of())
        except Exception:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")
        return result

    async def close(self) -> None:
        """Disconnect."""
        for connection in self._idle:
            await connection.close()
        self._idle.clear()
