"""What services read of the ledger beside its batches."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.cells import cell_of
from mirabelle.rules.programme import TIER_PERIOD
from mirabelle.server.ledger.batches import Answer
from mirabelle.server.storage import schema as t


async def earned_in_period(connection: AsyncConnection, participant: str, now: datetime) -> int:
    """The points that `participant` earned in the tier period that ends `now`, but for what refunds took back."""
    lots = t.lots
    query = select(func.coalesce(func.sum(lots.c.points - lots.c.refunded), 0)).where(
        lots.c.cell == cell_of(participant),
        lots.c.participant == participant,
        lots.c.earned_at > now - TIER_PERIOD,
        lots.c.earned_at <= now,
        lots.c.transferred.is_(False),
    )
    return int((await connection.execute(query)).scalar_one())


async def stored_answers(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, Answer]]:
    """The answers given before under (actor, key), each with the hash of its request."""
    table = t.answers
    found = await connection.execute(select(table).where(tuple_(table.c.actor, table.c.key).in_(sorted(keys))))
    return {(row.actor, row.key): (row.request, Answer(row.status, row.answer)) for row in found}
