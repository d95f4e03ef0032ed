"""Brings a backup back: all of it or nothing, into an empty database or in the place of one."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, bindparam, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.services.audit import Audit, audit
from mirabelle.server.services.backup import ROWS_AT_ONCE, Contents
from mirabelle.server.services.backup_file import BackupReader, BackupUnusable, plain_table
from mirabelle.server.services.leaving import leave_again
from mirabelle.server.services.sealing import KeysUnusable, MasterKey, opened
from mirabelle.server.services.secrets_file import put_secrets, read_secrets
from mirabelle.server.storage.database import Database, DatabaseUnusable, connect, sqlite_file
from mirabelle.server.storage.files import flush_folder
from mirabelle.server.storage.instants import instant_of
from mirabelle.server.storage.migrations import is_known, upgrade
from mirabelle.server.storage.schema import metadata

REPLACED: Final = ".replaced"

# What SQLite keeps beside a database, and the bytes that each of its connections holds a lock on, see its os.h.
_BESIDE: Final = ("-wal", "-shm", "-mark")
_LOCK_START: Final = 0x4000_0002
_LOCK_BYTES: Final = 510

_VERSIONS: Final = "alembic_version"
_LEFT: Final = "SELECT participant, left_at FROM participants WHERE left_at IS NOT NULL"
_FUNCTIONS_OF_TRIGGERS: Final = text(
    "SELECT DISTINCT CAST(CAST(tgfoid AS regprocedure) AS text) FROM pg_trigger"
    " JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal AND relname IN :tables"
).bindparams(bindparam("tables", expanding=True))
_OTHERS_CONNECTED: Final = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename IS NOT NULL AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, what the audit says of it, where the database is kept that it replaced, and who of those
    restored had deleted their accounts there: they are erased again."""

    contents: Contents
    audit: Audit
    replaced: Path | None = None
    left_again: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SecretsPlace:
    """Where the keys go, and the master key, if there is one, under which they are sealed or will be."""

    directory: Path
    master: MasterKey | None = None

    def put(self, backup: BackupReader) -> None:
        """Put the backup's keys there; raises OSError."""
        put_secrets(self.directory, backup.header.keys, self.master)

    def require_open(self, backup: BackupReader) -> None:
        """Raise KeysUnusable where the master key that is given is not that of the backup's keys."""
        for name, content in backup.header.keys.items():
            if self.master is not None:
                opened(name, content, self.master)

    def holds_others(self, backup: BackupReader) -> bool:
        """Whether there are keys already that are not the backup's."""
        here = read_secrets(self.directory)
        return any(name in here and not self._same(name, here[name], key) for name, key in backup.header.keys.items())

    def _same(self, name: str, one: bytes, other: bytes) -> bool:
        # Sealed twice, one secret looks like two: told apart where the master key is there, else kept on the safe side.
        if one == other or self.master is None:
            return one == other
        try:
            return opened(name, one, self.master) == opened(name, other, self.master)
        except KeysUnusable:
            return False


async def restore(file: Path, url: str, secrets: SecretsPlace, now: datetime, *, replace: bool) -> Restored:
    """Restore `file` into the database at `url`; what is there already gives way only to `replace`.

    Raises BackupUnusable, KeysUnusable, DatabaseUnusable, SQLAlchemyError, OSError; then all is as it was.
    """
    backup = BackupReader(file)
    secrets.require_open(backup)
    if not is_known(backup.header.revision):
        raise BackupUnusable(f"{file} was made by a newer Mirabelle; nothing was restored")
    if not replace:
        if secrets.holds_others(backup):
            raise _taken(str(secrets.directory))
        if await _is_taken(url):
            raise _taken("the database")
    path = sqlite_file(url)
    if path is None:
        return await _into_server(url, backup, secrets, now)
    left = _left_in_file(path)
    with _alone(path):
        return await _into_file(path, backup, secrets, now, left)


def _taken(what: str) -> BackupUnusable:
    return BackupUnusable(f"{what} holds something already; --replace puts the backup in its place")


async def _is_taken(url: str) -> bool:
    path = sqlite_file(url)
    if path is not None and not path.exists():
        return False
    try:
        database = await connect(url)
    except DatabaseUnusable:
        if path is None:
            raise
        return True  # damaged, but something
    try:
        async with database.read() as connection:
            return await connection.run_sync(_holds_rows)
    finally:
        await database.close()


def _holds_rows(connection: Connection) -> bool:
    there = set(inspect(connection).get_table_names())
    tables = [table for table in metadata.sorted_tables if table.name in there]
    return any(connection.execute(select(1).select_from(table).limit(1)).first() for table in tables)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep every process from the SQLite file at `path`; raises BackupUnusable where one has it open."""
    try:
        import fcntl
    except ImportError:  # Windows lets nobody rename a file that is open
        yield
        return
    if not path.exists():
        yield
        return
    with path.open("r+b") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES, _LOCK_START)
        except OSError as fault:
            raise BackupUnusable(f"{path} is in use; stop the server first") from fault
        yield


def _left_in_file(path: Path) -> dict[str, datetime]:
    """Who deleted their accounts in the database at `path`, and when; nobody where it cannot say."""
    if not path.exists():
        return {}
    there = f"{path.absolute().as_uri()}?mode=ro"  # which leaves its log as it is
    with suppress(sqlite3.Error), closing(sqlite3.connect(there, uri=True)) as connection:
        return {who: instant_of(at) for who, at in connection.execute(_LEFT)}  # type: ignore[misc]
    return {}


async def _left_in_server(connection: AsyncConnection) -> dict[str, datetime]:
    def has_them(plain: Connection) -> bool:
        there = inspect(plain)
        columns = there.get_columns("participants") if there.has_table("participants") else []
        return any(column["name"] == "left_at" for column in columns)

    if not await connection.run_sync(has_them):
        return {}
    return {who: instant_of(at) for who, at in await connection.execute(text(_LEFT))}  # type: ignore[misc]


async def _into_file(
    path: Path, backup: BackupReader, secrets: SecretsPlace, now: datetime, left: Mapping[str, datetime]
) -> Restored:
    made = path.with_name(f"{path.name}.restoring")
    _remove(made)
    try:
        database = await connect(f"sqlite:///{made}")
        try:
            async with database.write() as connection:
                rows = await _fill(connection, backup)
                again = await leave_again(connection, left, now)
                result = await audit(connection, now)
        finally:
            await database.close()
        _close_log(made)
        secrets.put(backup)
        replaced = _swap(made, path)
    finally:
        _remove(made)
    return Restored(Contents(backup.header.made_at, rows, len(backup.header.keys)), result, replaced, again)


def _remove(database: Path) -> None:
    for suffix in ("", *_BESIDE):
        database.with_name(f"{database.name}{suffix}").unlink(missing_ok=True)


def _close_log(database: Path) -> None:
    """Leave all of the database in its one file, and that on the disk."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with database.open("r+b") as stream:
        os.fsync(stream.fileno())


def _swap(made: Path, path: Path) -> Path | None:
    """Put `made` in the place of the database at `path`, and give where that is kept from now on.

    The mark goes last: until then whoever opens what is half done is told that writes are missing.
    """
    kept = path.with_name(f"{path.name}{REPLACED}") if path.exists() else None
    if kept is not None:
        _remove(kept)
        path.replace(kept)
    for suffix in _BESIDE:
        beside = path.with_name(f"{path.name}{suffix}")
        if suffix != "-mark" and beside.exists():
            beside.replace(path.with_name(f"{path.name}{REPLACED}{suffix}"))
    flush_folder(path.parent)
    made.replace(path)
    path.with_name(f"{path.name}-mark").unlink(missing_ok=True)
    flush_folder(path.parent)
    return kept


async def _into_server(url: str, backup: BackupReader, secrets: SecretsPlace, now: datetime) -> Restored:
    database: Database = await connect(url)
    try:
        async with database.write() as connection:
            others = (await connection.execute(_OTHERS_CONNECTED)).scalar_one()
            if others:
                raise BackupUnusable(f"the database is in use by {others} others; stop the servers first")
            left = await _left_in_server(connection)
            await connection.run_sync(_drop_tables)
            rows = await _fill(connection, backup)
            again = await leave_again(connection, left, now)
            result = await audit(connection, now)
            secrets.put(backup)
    finally:
        await database.close()
    return Restored(Contents(backup.header.made_at, rows, len(backup.header.keys)), result, left_again=again)


def _drop_tables(connection: Connection) -> None:
    """Drop our tables, those that earlier versions left empty included, and what their triggers call."""
    ours = {*metadata.tables, _VERSIONS}
    there = [name for name in inspect(connection).get_table_names() if name in ours]
    if not there:
        return
    functions = connection.execute(_FUNCTIONS_OF_TRIGGERS, {"tables": there}).scalars().all()
    quoted = ", ".join(f'"{name}"' for name in there)
    connection.exec_driver_sql(f"DROP TABLE {quoted} CASCADE")
    for function in functions:
        connection.exec_driver_sql(f"DROP FUNCTION {function}")


async def _fill(connection: AsyncConnection, backup: BackupReader) -> int:
    """Make the tables as they were when the backup was made, put its rows in, bring all up to date; gives the rows."""
    await connection.run_sync(upgrade, backup.header.revision)
    rows = 0
    for head, some in backup.tables(ROWS_AT_ONCE):
        await connection.execute(plain_table(head).insert(), some)
        rows += len(some)
    await connection.run_sync(upgrade)
    return rows
