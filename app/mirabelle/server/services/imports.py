"""Imports files of events: NDJSON, plain or gzip, each file in one transaction."""

import gc
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.services.events import EVENT_DECODER, BadEvent, Event, EventBook
from mirabelle.server.services.stock import tally_stock
from mirabelle.server.storage.database import Database

# Each batch loads what it touches, and the fewer there are the better, but for the memory that one takes.
BATCH_EVENTS: Final = 8000
BATCH_BYTES: Final = 8 * 1024 * 1024
LINE_BYTES: Final = 64 * 1024
PROGRESS_LINES: Final = 1000
_COLLECT_AFTER: Final = 100_000  # new objects


class BadLine(Exception):
    """A line that cannot be counted: the message names the file, the line and the reason."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")


class FileUnreadable(Exception):
    """A file that cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    raw: bytes
    event: Event | BadEvent


Progress = Callable[[int, int], None]


async def import_file(
    database: Database, book: EventBook, file: Path, on_bad: Callable[[BadLine, bytes], None] | None, progress: Progress
) -> int:
    """Count the events of `file` and return how many lines were good.

    A bad line raises BadLine and nothing of the file takes effect, unless `on_bad` takes it. `progress` is told the
    bytes read so far and in all. Memory does not grow with the file.
    """
    good = 0
    async with database.write() as connection:
        with _seldom_collecting():
            for batch in _batches(_lines(file, progress)):
                good += await _count(connection, book, file, batch, on_bad)
        await tally_stock(connection)
    return good


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """A batch is very many small objects without circles: looking for circles in it takes a tenth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _batches(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    held = 0
    for line in lines:
        batch.append(line)
        held += len(line.raw)
        if len(batch) == BATCH_EVENTS or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


async def _count(
    connection: AsyncConnection,
    book: EventBook,
    file: Path,
    batch: list[_Line],
    on_bad: Callable[[BadLine, bytes], None] | None,
) -> int:
    readable = [line for line in batch if not isinstance(line.event, BadEvent)]
    faults = {line.number: line.event for line in batch if isinstance(line.event, BadEvent)}
    if readable and (on_bad is not None or not faults):
        verdicts = await book.count(
            connection, [line.event for line in readable if not isinstance(line.event, BadEvent)]
        )
        pairs = zip(readable, verdicts, strict=True)
        faults |= {line.number: verdict for line, verdict in pairs if verdict is not None}
    for line in batch:
        if line.number in faults:
            bad = BadLine(file, line.number, str(faults[line.number]))
            if on_bad is None:
                raise bad
            on_bad(bad, line.raw)
    return len(batch) - len(faults)


def _lines(file: Path, progress: Progress) -> Iterator[_Line]:
    try:
        total = file.stat().st_size
        with file.open("rb") as raw, _unpacked(raw) as stream:
            number = 0
            while line := stream.readline(LINE_BYTES + 1):
                number += 1
                rest = line
                while len(rest) > LINE_BYTES and not rest.endswith(b"\n"):
                    rest = stream.readline(LINE_BYTES + 1)
                if line.strip():
                    yield _Line(number, line, _event(line))
                if number % PROGRESS_LINES == 0:
                    progress(raw.tell(), total)
            progress(total, total)
    except (OSError, EOFError, zlib.error) as fault:
        raise FileUnreadable(f"{file}: {getattr(fault, 'strerror', None) or fault}") from fault


def _unpacked(raw: BinaryIO) -> IO[bytes]:
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return cast(IO[bytes], gzip.open(raw)) if packed else raw


def _event(line: bytes) -> Event | BadEvent:
    if len(line) > LINE_BYTES:
        return BadEvent(f"longer than {LINE_BYTES} bytes")
    try:
        return EVENT_DECODER.decode(line)
    except msgspec.ValidationError as fault:
        return BadEvent(str(fault))
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return BadEvent(f"not JSON: {fault}")
