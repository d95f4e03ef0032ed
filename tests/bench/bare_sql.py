"""The rows that one redemption writes, written again with no program around them: one transaction a redemption.

The rows are copies, under new keys, of those that a real redemption of the same participant has left.
"""

import itertools
import json
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg

Row = Mapping[str, Any]

_ACCOUNT: Final = ("available", "held", "pending", "sequence", "digest", "next_lot")
_NEXT: Final = itertools.count(1_000_000)  # far beyond the numbers in use


class BareSql(Protocol):
    """A database that is written to directly."""

    async def open(self, participants: Sequence[str], connections: int) -> None:
        """Connect, and read the rows to copy."""

    def write(self, participants: Sequence[str], count: int) -> list[Awaitable[None]]:
        """Write `count` redemptions for each participant."""

    async def close(self) -> None:
        """Disconnect."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a participant's first redemption has left: the one answer, posting, redemption and voucher, and its lots."""

    answer: Row
    posting: Row
    redemption: Row
    voucher: Row
    lots: Sequence[int]

    def statements(self, mark: str) -> list[tuple[str, list[Any]]]:
        """The statements and their values for one more redemption; `mark` is "?" or "$" as the driver has it."""
        id_, number = secrets.token_hex(16), next(_NEXT)
        account = [self.redemption["cell"], self.redemption["participant"]]
        return [
            _insert("answers", {**self.answer, "key": id_}, mark),
            _touch("participants", _ACCOUNT, ("cell", "participant"), account, mark),
            *(
                _touch("lots", ("remaining",), ("cell", "participant", "number"), [*account, lot], mark)
                for lot in self.lots
            ),
            _insert("postings", {**self.posting, "sequence": number}, mark),
            _insert("redemptions", {**self.redemption, "id": id_, "voucher": id_}, mark),
            _insert("vouchers", {**self.voucher, "id": id_, "redemption": id_, "code": id_[:14]}, mark),
        ]


def _mark(mark: str, number: int) -> str:
    return mark if mark == "?" else f"{mark}{number}"


def _insert(table: str, row: Row, mark: str) -> tuple[str, list[Any]]:
    marks = ", ".join(_mark(mark, number) for number in range(1, len(row) + 1))
    return f"INSERT INTO {table} ({', '.join(map(_quoted, row))}) VALUES ({marks})", list(row.values())


def _touch(
    table: str, columns: Sequence[str], key: Sequence[str], values: list[Any], mark: str
) -> tuple[str, list[Any]]:
    """An update that leaves what is there: the same work for the database, and the server's own figures stay right."""
    kept = ", ".join(f"{column} = {column}" for column in columns)
    where = " AND ".join(f"{column} = {_mark(mark, number)}" for number, column in enumerate(key, 1))
    return f"UPDATE {table} SET {kept} WHERE {where}", values


def _quoted(column: str) -> str:
    return f'"{column}"'


# Each finds its row by a value of the one before: the participant, the redemption's id, the voucher's idempotency key.
_REDEMPTION: Final = "SELECT * FROM redemptions WHERE participant = {} AND voucher IS NOT NULL LIMIT 1"
_POSTING: Final = "SELECT * FROM postings WHERE source = {}"
_VOUCHER: Final = "SELECT * FROM vouchers WHERE redemption = {}"
_ANSWER: Final = 'SELECT * FROM answers WHERE "key" = {}'


async def _copy(participant: str, one: Callable[[str, str], Awaitable[Row]]) -> Copy:
    redemption = await one(_REDEMPTION, participant)
    voucher = await one(_VOUCHER, redemption["id"])
    return Copy(
        answer=await one(_ANSWER, voucher["key_salt"]),
        posting=await one(_POSTING, redemption["id"]),
        redemption=redemption,
        voucher=voucher,
        lots=[number for number, _points in json.loads(redemption["paid_by"])],
    )


class BareSqlite:
    """SQLite with the server's settings. It has one writer, so that more clients would only wait for each other."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._copies: dict[str, Copy] = {}

    async def open(self, participants: Sequence[str], connections: int) -> None:
        """Read the rows to copy."""

        async def one(query: str, value: str) -> Row:
            (row,) = self._connection.execute(query.format("?"), (value,))
            return dict(row)

        self._copies = {participant: await _copy(participant, one) for participant in participants}

    def write(self, participants: Sequence[str], count: int) -> list[Awaitable[None]]:
        """Write `count` redemptions for each participant."""
        return [self._write(participant, count) for participant in participants]

    async def _write(self, participant: str, count: int) -> None:
        for _ in range(count):
            self._connection.execute("BEGIN IMMEDIATE")
            for statement, values in self._copies[participant].statements("?"):
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")

    async def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class BarePostgresql:
    """PostgreSQL by asyncpg, a connection for each client; its statements are prepared once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._copies: dict[str, Copy] = {}
        self._pool: asyncpg.Pool[asyncpg.Record]

    async def open(self, participants: Sequence[str], connections: int) -> None:
        """Connect, and read the rows to copy."""
        self._pool = await asyncpg.create_pool(self._url, min_size=connections, max_size=connections)

        async def one(query: str, value: str) -> Row:
            (row,) = await self._pool.fetch(query.format("$1"), value)
            return dict(row)

        self._copies = {participant: await _copy(participant, one) for participant in participants}

    def write(self, participants: Sequence[str], count: int) -> list[Awaitable[None]]:
        """Write `count` redemptions for each participant, all of them at once."""
        return [self._write(participant, count) for participant in participants]

    async def _write(self, participant: str, count: int) -> None:
        async with self._pool.acquire() as connection:
            for _ in range(count):
                async with connection.transaction():
                    for statement, values in self._copies[participant].statements("$"):
                        await connection.execute(statement, *values)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()
