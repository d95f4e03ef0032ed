"""The tables that the migrations make are the tables that the code knows, on both databases."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from mirabelle.server.storage.database import open_database
from mirabelle.server.storage.schema import metadata


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


def test_the_migrations_make_the_tables_that_the_code_knows(database_url: str) -> None:
    assert asyncio.run(differences_at(database_url)) == []


def test_a_database_that_is_up_to_date_is_opened_again_without_a_change(database_url: str) -> None:
    asyncio.run(differences_at(database_url))
    assert asyncio.run(differences_at(database_url)) == []
