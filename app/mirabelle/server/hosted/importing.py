"""`mirabelle import`: counts the events of files, and says on the terminal how far it is."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from mirabelle.server.hosting import open_store
from mirabelle.server.services.events import EventBook
from mirabelle.server.services.imports import import_file
from mirabelle.server.services.programme import loaded_programme, world_of
from mirabelle.server.services.programme_file import read_programme


class NoProgramme(Exception):
    """There is no programme to count events by."""


def import_files(
    data: Path, database_url: str, programme_file: Path | None, files: Sequence[Path], now: datetime, *, skips_bad: bool
) -> None:
    """Count the events of `files` in the ledger, each file wholly or not at all; with `skips_bad`, all but bad lines.

    Raises NoProgramme, BadLine, and what else keeps a file, a programme or a database from being used.
    """
    asyncio.run(_import_files(data, database_url, programme_file, files, now, skips_bad=skips_bad))


async def _import_files(
    data: Path, database_url: str, programme_file: Path | None, files: Sequence[Path], now: datetime, *, skips_bad: bool
) -> None:
    programme = read_programme(programme_file) if programme_file else None
    database = await open_store(data, database_url, programme, now)
    try:
        async with database.read() as connection:
            loaded = await loaded_programme(connection)
        if not loaded.version:
            raise NoProgramme
        book = EventBook(loaded.document, world_of(loaded), now)
        for file in files:
            rejected = _Rejected(file) if skips_bad else None
            try:
                good = await import_file(database, book, file, rejected, _progress(file))
            finally:
                if rejected is not None:
                    rejected.close()
            print(f"{file}: {good} imported" + (f", {rejected.lines} rejected" if rejected else ""))
    finally:
        await database.close()


class _Rejected:
    """Takes bad lines: says why, and keeps them in FILE.rejected."""

    def __init__(self, file: Path) -> None:
        self.lines = 0
        self._path = file.with_name(f"{file.name}.rejected")
        self._stream = None

    def __call__(self, bad: Exception, raw: bytes) -> None:
        print(f"mirabelle: {bad}", file=sys.stderr)
        if self._stream is None:
            self._stream = self._path.open("wb")
        self._stream.write(raw.rstrip(b"\n") + b"\n")
        self.lines += 1

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def _progress(file: Path) -> Callable[[int, int], None]:
    """A progress bar on a terminal, and nothing elsewhere."""

    def show(done: int, total: int) -> None:
        share = done / total if total else 1.0
        bar = "#" * round(share * 30)
        end = "\n" if done >= total else ""
        print(f"\r{file.name} [{bar:<30}] {share:4.0%}", end=end, file=sys.stderr, flush=True)

    return show if sys.stderr.isatty() else lambda _done, _total: None
