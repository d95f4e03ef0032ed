"""The catalog: what changed since a cursor."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.server.storage import schema as t


def _reward(row: Row[Any]) -> m.Reward:
    document = row.document
    return m.Reward(
        id=row.id,
        reference=row.reference,
        kind=document["kind"],
        category=document["category"],
        brand=document["brand"],
        points=row.points,
        title=m.Text(**document["title"]),
        summary=m.Text(**document["summary"]),
        terms=m.Text(**document["terms"]),
        picture=document["picture"],
        tint=document["tint"],
        value_minor=document["value_minor"],
        stock=row.stock,
        per_participant=document["per_participant"],
        from_tier=document["from_tier"],
        store=document["store"],
        value_class=document["value_class"],
        needs=document["needs"],
        fulfilment=document["fulfilment"],
        valid_days=document["valid_days"],
        available_from=row.available_from,
        available_until=row.available_until,
        popularity=document["popularity"],
        paper=document.get("paper", False),
        challenge=document.get("challenge", False),
        uses=document.get("uses", 1),
        balance=document.get("balance", False),
    )


async def catalog_after(connection: AsyncConnection, cursor: str, now: datetime) -> m.Catalog:
    """The rewards that changed since `cursor` (digits; "" for all of them), a page at a time."""
    table = t.rewards
    query = select(table).where(table.c.revision > int(cursor or 0)).order_by(table.c.revision)
    rows = (await connection.execute(query.limit(limits.CATALOG_PAGE_ROWS + 1))).all()
    page = rows[: limits.CATALOG_PAGE_ROWS]
    over = {row.id for row in page if row.available_until is not None and row.available_until <= now}
    return m.Catalog(
        rewards=[_reward(row) for row in page if not row.withdrawn and row.id not in over],
        removed=[row.id for row in page if row.withdrawn or row.id in over],
        cursor=str(page[-1].revision) if page else cursor or "0",
        more=len(rows) > len(page),
    )
