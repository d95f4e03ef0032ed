"""The tables that the migrations make are the tables that the code knows, on both databases."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from mirabelle.server.hosting import demo_programme, open_store
from mirabelle.server.storage.database import open_database
from mirabelle.server.storage.schema import metadata, programmes


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return compare_metadata(context, metadata)


async def differences_at(url: str) -> list[object]:
    database = await open_database(url)
    try:
        async with database.read() as connection:
            return await connection.run_sync(differences)
    finally:
        await database.close()


def test_the_migrations_make_the_tables_that_the_code_knows(empty_database_url: str) -> None:
    assert asyncio.run(differences_at(empty_database_url)) == []


def test_a_database_that_is_up_to_date_is_opened_again_without_a_change(empty_database_url: str) -> None:
    asyncio.run(differences_at(empty_database_url))
    assert asyncio.run(differences_at(empty_database_url)) == []


async def refusal_of(url: str, change: str) -> str:
    database = await open_database(url)
    try:
        async with database.write() as connection:
            await connection.execute(text(_PERSON))
            await connection.execute(text(_POSTING))
            await connection.execute(text(_MOVE))
        with pytest.raises(DBAPIError) as refused:
            async with database.write() as connection:
                await connection.execute(text(change))
        return str(refused.value.orig)
    finally:
        await database.close()


_PERSON = (
    "INSERT INTO participants (cell, participant, joined_at, name, language, epoch, available, held, pending, sequence,"
    " digest, next_lot) VALUES (1, 'amina', 0, '', 'en', 0, 0, 0, 0, 1, '', 1)"
)
_POSTING = (
    "INSERT INTO postings VALUES (1, 'amina', 1, 0, 'accrual', 'p1', NULL, 5, 0, 0, -5, 0, 0, 0, 0, '[]', '', '')"
)
_MOVE = "INSERT INTO balance_moves VALUES ('v1', 1, 0, 'hold', 'h1', 't1', 1, 100, 0, 100, 400, 9)"


CHANGES = [
    "UPDATE postings SET available = 6, issued = -6",
    "DELETE FROM postings",
    "UPDATE balance_moves SET till = 't2'",
    "DELETE FROM balance_moves",
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_refuses_to_change_or_delete_a_posting_or_a_move_of_money(database_url: str, change: str) -> None:
    assert "append-only" in asyncio.run(refusal_of(database_url, change))


def test_a_use_of_a_voucher_is_unique_in_the_database_itself(database_url: str) -> None:
    use = "INSERT INTO uses VALUES ('{}', {}, 's', 't', 1, 0, '', NULL, '')"
    asyncio.run(written(database_url, use.format("v1", 1)))
    asyncio.run(written(database_url, use.format("v1", 2)))
    with pytest.raises(IntegrityError):
        asyncio.run(written(database_url, use.format("v1", 1)))


async def written(url: str, change: str) -> None:
    database = await open_database(url)
    try:
        async with database.write() as connection:
            await connection.execute(text(change))
    finally:
        await database.close()


def test_sqlite_refuses_to_write_over_a_posting_as_well(tmp_path: Path) -> None:
    replacing = _POSTING.replace("INSERT", "INSERT OR REPLACE").replace("5, 0, 0, -5", "6, 0, 0, -6")
    for number, change in enumerate((replacing, _MOVE.replace("INSERT", "INSERT OR REPLACE"))):
        assert "append-only" in asyncio.run(refusal_of(f"sqlite:///{tmp_path / f'{number}.sqlite'}", change))


def test_the_database_refuses_more_than_there_is(database_url: str) -> None:
    with pytest.raises(IntegrityError):
        asyncio.run(written(database_url, _MOVE.replace("400", "-1")))


async def test_servers_that_start_at_once_on_an_empty_database_both_start(
    empty_database_url: str, tmp_path: Path
) -> None:
    programme = demo_programme()
    databases = await asyncio.gather(
        *(open_store(tmp_path, empty_database_url, programme, datetime.now(UTC)) for _ in range(4))
    )
    async with databases[0].read() as connection:
        versions = (await connection.execute(select(programmes.c.version))).scalars().all()
    for database in databases:
        await database.close()
    assert versions == [1]
