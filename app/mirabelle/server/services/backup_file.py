"""The file of a backup: gzip of lines of JSON that end with their own count and SHA-256, so that a cut is noticed.

First a header with the server's keys, then each table's columns and its rows, parents before children. It names no
database: what SQLite gave, PostgreSQL takes, and the other way round.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
from msgspec import Struct
from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, LargeBinary, MetaData, String, Table
from sqlalchemy.types import TypeEngine

from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.pictures import picture_files

FORMAT: Final = 1
FILES_AT_ONCE: Final = 50

# What a column may hold. Times are the integers that the tables keep, so that both databases give back what they got.
_KINDS: Final[dict[str, type[TypeEngine[Any]]]] = {
    "boolean": Boolean,
    "integer": BigInteger,
    "text": String,
    "bytes": LargeBinary,
    "json": JSON,
    "date": Date,
}
_FROM_JSON: Final = {"bytes": bytes, "date": date}


class BackupUnusable(Exception):
    """A backup cannot be written, read or restored; the message is one clear line."""


class Header(Struct, frozen=True, kw_only=True):
    """What a backup is: `revision` names the tables' version, `keys` holds the server's secret files."""

    mirabelle_backup: int
    made_at: datetime
    revision: str
    keys: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Header({self.made_at}, {self.revision}, ...)"  # keys belong in no traceback


class TableHead(Struct, frozen=True, kw_only=True):
    """The table that the rows after this line belong to, and the kind of each of its columns."""

    table: str
    columns: dict[str, str]


class End(Struct, frozen=True, kw_only=True):
    """How many lines came before, and the SHA-256 of them."""

    lines: int
    sha256: str


def columns_of(table: Table) -> dict[str, str]:
    """The kinds of a table's columns, by name."""
    return {str(column.name): _kind_of(column.type) for column in table.columns}


def _kind_of(type_: TypeEngine[Any]) -> str:
    plain = type_.impl_instance if isinstance(type_, Instant) else type_
    families = {"boolean": Boolean, "bytes": LargeBinary, "json": JSON, "date": Date, "text": String}
    return next((kind for kind, family in families.items() if isinstance(plain, family)), "integer")


def plain_table(head: TableHead) -> Table:
    """The table with the plain types of its columns: what a backup reads from and writes into."""
    return Table(head.table, MetaData(), *(Column(name, _KINDS[kind]) for name, kind in head.columns.items()))


def at_once(table: str, rows: int) -> int:
    """How many of a table's rows are held in memory together: `rows`, but for those that hold whole files."""
    return min(rows, FILES_AT_ONCE) if table == picture_files.name else rows


class BackupWriter:
    """Writes a backup's lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self._packed = gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6, mtime=0)
        self._digest = hashlib.sha256()
        self._lines = 0

    def add(self, line: Struct | Sequence[Any]) -> None:
        """Write a header, a table's head or a row."""
        raw = msgspec.json.encode(line) + b"\n"
        self._packed.write(raw)
        self._digest.update(raw)
        self._lines += 1

    def end(self) -> None:
        """Write the end; the stream stays open."""
        self._packed.write(msgspec.json.encode(End(lines=self._lines, sha256=self._digest.hexdigest())) + b"\n")
        self._packed.close()


class BackupReader:
    """Reads a backup that is whole; raises BackupUnusable where it is not, or is no backup."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.header = self._checked()

    def tables(self, rows_at_once: int) -> Iterator[tuple[TableHead, list[dict[str, Any]]]]:
        """Each table's rows, some at once, in the order in which they can be written."""
        for head, group in groupby(self._rows(), key=itemgetter(0)):
            rows = (row for _, row in group)
            while some := list(islice(rows, at_once(head.table, rows_at_once))):
                yield head, some

    def _rows(self) -> Iterator[tuple[TableHead, dict[str, Any]]]:
        head = TableHead(table="", columns={})
        for raw in self._lines():
            if raw.startswith(b"["):
                yield head, _row(head.columns, raw)
            elif raw.startswith(b'{"table":'):
                head = msgspec.json.decode(raw, type=TableHead)

    def _checked(self) -> Header:
        """Read everything once, so that nothing is written on the word of a damaged file."""
        digest, count, last, header = hashlib.sha256(), 0, b"", None
        try:
            for raw in self._lines():
                header = header or self._header(raw)
                digest.update(last)
                count, last = count + 1, raw
            end = msgspec.json.decode(last, type=End)
        except (EOFError, zlib.error, gzip.BadGzipFile, msgspec.MsgspecError) as fault:
            what = "is cut off or damaged" if header else "is no backup of Mirabelle"
            raise BackupUnusable(f"{self._file} {what}; nothing was restored") from fault
        if header is None or (end.lines, end.sha256) != (count - 1, digest.hexdigest()):
            raise BackupUnusable(f"{self._file} is damaged; nothing was restored")
        return header

    def _header(self, raw: bytes) -> Header:
        header = msgspec.json.decode(raw, type=Header)
        if header.mirabelle_backup != FORMAT:
            raise BackupUnusable(f"{self._file} was made by another version of Mirabelle; nothing was restored")
        return header

    def _lines(self) -> Iterator[bytes]:
        try:
            with gzip.open(self._file) as lines:
                yield from lines
        except gzip.BadGzipFile:
            raise
        except OSError as fault:
            raise BackupUnusable(f"cannot read {self._file}: {fault.strerror or fault}") from fault


def _row(columns: Mapping[str, str], raw: bytes) -> dict[str, Any]:
    row = dict(zip(columns, msgspec.json.decode(raw), strict=True))
    for name, kind in columns.items():
        if kind in _FROM_JSON and row[name] is not None:
            row[name] = msgspec.convert(row[name], _FROM_JSON[kind])
    return row
