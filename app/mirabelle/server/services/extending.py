"""The operator's extension: more time for the points of active participants, seen before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.cells import CELLS
from mirabelle.rules.commands import Extend, Extended
from mirabelle.rules.earning import lots_to_extend
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import settle
from mirabelle.server.ledger.batches import run_commands
from mirabelle.server.ledger.load import World
from mirabelle.server.services.closing import BATCH_PARTICIPANTS
from mirabelle.server.services.wallet import holder
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import Database


@dataclass(frozen=True, slots=True)
class Rescue:
    """What an extension rescues: whose points, how many lots, how many points."""

    participants: int = 0
    lots: int = 0
    points: int = 0

    def with_lots(self, lots: Sequence[Lot]) -> "Rescue":
        """The same with one participant's `lots` more."""
        if not lots:
            return self
        return Rescue(self.participants + 1, self.lots + len(lots), self.points + sum(lot.remaining for lot in lots))


async def preview_extension(database: Database, world: World, now: datetime) -> Rescue:
    """What `extend_points` would rescue now."""
    rescue = Rescue()
    for cell in range(CELLS):
        async with database.read() as connection:
            for participant in await _with_lots_that_end(connection, cell, world, now):
                account, _ = settle((await holder(connection, participant)).account, now)
                rescue = rescue.with_lots(lots_to_extend(account, world.rules, now))
    return rescue


async def extend_points(database: Database, world: World, now: datetime) -> Rescue:
    """Give more time to what the programme's rule rescues; a lot that has had its share gets no more."""
    rescue = Rescue()
    for cell in range(CELLS):
        async with database.read() as connection:
            participants = await _with_lots_that_end(connection, cell, world, now)
        for start in range(0, len(participants), BATCH_PARTICIPANTS):
            commands = [Extend(who, now) for who in participants[start : start + BATCH_PARTICIPANTS]]
            for outcome in await database.attempt(lambda c, batch=commands: run_commands(c, world, batch)):
                if isinstance(outcome, Extended):
                    rescue = rescue.with_lots(outcome.lots)
    return rescue


async def _with_lots_that_end(connection: AsyncConnection, cell: int, world: World, now: datetime) -> list[str]:
    rule = world.rules.extension
    if rule is None:
        return []
    lots, last = t.lots, world.rules.end_of_day(now, rule.ending_within_days)
    ending = select(lots.c.participant).where(
        lots.c.cell == cell, lots.c.remaining > 0, lots.c.expires_at > now, lots.c.expires_at <= last
    )
    return list((await connection.execute(ending.distinct().order_by(lots.c.participant))).scalars())
