"""Backups: the whole ledger and the keys that it signs with, in one file, taken while the server runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.services.backup_file import (
    FORMAT,
    BackupWriter,
    Header,
    TableHead,
    at_once,
    columns_of,
    plain_table,
)
from mirabelle.server.services.secrets_file import read_secrets
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.files import whole_file
from mirabelle.server.storage.migrations import newest_revision
from mirabelle.server.storage.schema import catalog, metadata, trust

ROWS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds, by number, and when it was made."""

    made_at: datetime
    rows: int
    keys: int


async def write_backup(database: Database, secrets: Path, file: Path, now: datetime) -> Contents:
    """Write everything as it is at one moment into `file`; raises OSError."""
    header = Header(mirabelle_backup=FORMAT, made_at=now, revision=newest_revision(), keys=read_secrets(secrets))
    with whole_file(file) as stream:
        writer = BackupWriter(stream)
        writer.add(header)
        async with database.read() as connection:
            rows = await _write_tables(connection, writer)
        writer.end()
    return Contents(now, rows, len(header.keys))


async def _write_tables(connection: AsyncConnection, writer: BackupWriter) -> int:
    rows = 0
    for table in metadata.sorted_tables:
        if table in (trust, catalog):
            continue  # their versions may never go down, so that a restored ledger takes none from the past
        head = TableHead(table=str(table.name), columns=columns_of(table))
        writer.add(head)
        found = await connection.stream(select(plain_table(head)))
        async for some in found.partitions(at_once(head.table, ROWS_AT_ONCE)):
            for row in some:
                writer.add(tuple(row))
            rows += len(some)
    return rows
