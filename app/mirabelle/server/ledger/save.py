"""Writes what services add beside the ledger's batches."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, case
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.cells import cell_of
from mirabelle.rules.postings import FIRST_DIGEST
from mirabelle.server.storage import schema as t


def insert_or(connection: AsyncConnection, table: Table) -> Any:
    """An insert in the connection's dialect, which can say what happens where the row is there already."""
    return (insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql)(table)


def upsert(connection: AsyncConnection, table: Table, keep: Sequence[str] = ()) -> Any:
    """An insert that writes over the row with the same primary key, but for the columns to `keep`."""
    statement = insert_or(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in (*keys, *keep)
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


async def add_participants(connection: AsyncConnection, people: Sequence[dict[str, Any]]) -> None:
    """Add participants with empty accounts; each is a row's `participant`, `joined_at` and, in all or none, more of it.

    Of one who is there already, what is given is written over, and the earlier `joined_at` stays.
    """
    if not people:
        return
    table = t.participants
    statement = insert_or(connection, table)
    given = statement.excluded
    changed = {name: given[name] for name in people[0] if name not in ("participant", "joined_at")}
    changed["joined_at"] = case((given.joined_at < table.c.joined_at, given.joined_at), else_=table.c.joined_at)
    statement = statement.on_conflict_do_update(index_elements=["cell", "participant"], set_=changed)
    empty = {"digest": FIRST_DIGEST}
    values = [{"cell": cell_of(person["participant"]), **empty, **person} for person in people]
    await connection.execute(statement, values)
