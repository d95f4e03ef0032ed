"""Work on a database written once, without I/O: a generator that yields statements and is sent their rows.

Two small drivers run it: one on a `sqlite3` connection, one on an `asyncpg` connection.
"""

import sqlite3
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")


class Statement(NamedTuple):
    """SQL that never changes, so that it is prepared once, and its parameters; `many`: once for each of them."""

    text: str
    parameters: Sequence[Any] = ()
    many: bool = False


Steps = Generator[Statement, Sequence[Any], T]


def run_on_sqlite(connection: sqlite3.Connection, steps: Steps[T]) -> T:
    """What `steps` come to, within the connection's transaction."""
    cursor = connection.cursor()
    try:
        statement = next(steps)
        while True:
            if statement.many:
                cursor.executemany(statement.text, statement.parameters)
                statement = steps.send(())
            else:
                statement = steps.send(cursor.execute(statement.text, statement.parameters).fetchall())
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        cursor.close()


async def run_on_postgresql(connection: "asyncpg.Connection", steps: Steps[T]) -> T:
    """The same on PostgreSQL."""
    try:
        statement = next(steps)
        while True:
            statement = steps.send(await connection.fetch(statement.text, *statement.parameters))
    except StopIteration as done:
        result: T = done.value
        return result
