"""Databases prepared once in a test process: a server that starts on a copy has no tables to make, no programme to load
and no pictures to fit. They hold no keys: each server makes its own."""

import asyncio
import shutil
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from mirabelle.server.hosting import open_store
from mirabelle.server.services.programme_file import ProgrammeDocument
from mirabelle.server.storage.database import FILE_NAME, open_database, sqlite_file, url_of_directory


def lay_database(data: Path, database_url: str, programme: ProgrammeDocument | None = None) -> None:
    """Put a database with `programme`, None for one with the tables and nothing in them, where a server of `data` and
    `database_url` looks for it. What is there stays as it is, and PostgreSQL is left alone: there a database is made
    with the tables."""
    file = sqlite_file(database_url or url_of_directory(data))
    if file is None or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    for part in Path(_prepared(msgspec.json.encode(programme)).name).iterdir():
        shutil.copyfile(part, file.with_name(part.name.replace(FILE_NAME, file.name)))


def make_tables(database_url: str) -> None:
    """Make the tables in a database, and put nothing in them."""

    async def prepare() -> None:
        database = await open_database(database_url)
        await database.close()

    _in_a_loop_of_its_own(prepare())


@cache
def _prepared(programme: bytes) -> TemporaryDirectory[str]:
    """A folder with the database and what lies beside it; gone when the process ends."""
    folder = TemporaryDirectory(prefix="mirabelle-prepared-")

    async def prepare() -> None:
        document = msgspec.json.decode(programme, type=ProgrammeDocument | None)
        database = await open_store(Path(folder.name), "", document, datetime.now(UTC))
        await database.close()

    _in_a_loop_of_its_own(prepare())
    return folder


def _in_a_loop_of_its_own(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor(1) as thread:  # whoever asks may have an event loop running
        thread.submit(asyncio.run, work).result()
