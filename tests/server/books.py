"""A ledger without a server: commands are decided and written on a real database, at the times that they name."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import Command, Outcome
from mirabelle.rules.redemption import NewVoucher
from mirabelle.server.ledger.batches import run_commands
from mirabelle.server.ledger.load import World
from mirabelle.server.ledger.save import add_participants
from mirabelle.server.services.audit import Audit, audit
from mirabelle.server.services.programme import load_programme, loaded_programme, world_of
from mirabelle.server.services.programme_file import ProgrammeDocument
from mirabelle.server.storage.database import Database, open_database
from tests.prepared import lay_database

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
PROGRAMME: dict[str, Any] = {
    "programme": {"name": "Books", "currency": "EUR", "time_zone": "Europe/Paris"},
    "earning": {"arrive_after_days": 2},
    "expiry": {"after_days": 10},
    "transfers": {"allowed": True},
    "extension": {"active_within_days": 20, "ending_within_days": 5, "days": 7},
    "tiers": [{"id": "silver", "from_points": 60, "name": {"en": "Silver"}}],
    "rewards": [
        {"id": "mug", "kind": "merchandise", "points": 20, "title": {"en": "Mug"}, "stock": 100},
        {"id": "card", "kind": "gift_card", "points": 30, "title": {"en": "Card"}, "stock": 5}
        | {"value_class": "C", "valid_days": 3},
    ],
}


def voucher(number: int) -> NewVoucher:
    """What a new voucher needs."""
    return NewVoucher(
        number.to_bytes(16, "big"),
        fallback_code.make(number.to_bytes(fallback_code.RANDOM_BYTES, "big")),
        b"k" * 32,
        "salt",
        1,
    )


@dataclass(frozen=True, slots=True)
class Books:
    """The database of a programme whose participants are amina and basil."""

    database: Database
    world: World

    async def do(self, *commands: Command) -> list[Outcome]:
        """Decide and write a batch."""
        return await self.database.attempt(lambda connection: run_commands(connection, self.world, commands))

    async def audit(self, as_of: datetime) -> Audit:
        """Audit the ledger."""
        async with self.database.read() as connection:
            return await audit(connection, as_of)

    async def rows(self, query: str) -> Sequence[Any]:
        """What the database answers."""
        async with self.database.read() as connection:
            return (await connection.execute(text(query))).all()

    async def change(self, *statements: str) -> None:
        """Do to the database what no part of Mirabelle does."""
        async with self.database.write() as connection:
            for statement in statements:
                await connection.execute(text(statement))


@asynccontextmanager
async def open_books(url: str, **more: Any) -> AsyncIterator[Books]:
    """The programme, with `more` in place of parts of it, in the database at `url`."""
    document = msgspec.convert({**PROGRAMME, **more}, ProgrammeDocument)
    lay_database(Path(), url)
    database = await open_database(url)
    try:
        async with database.write() as connection:
            await load_programme(connection, document, START)
            await add_participants(connection, [{"participant": p, "joined_at": START} for p in ("amina", "basil")])
            world = world_of(await loaded_programme(connection))
        yield Books(database, world)
    finally:
        await database.close()
