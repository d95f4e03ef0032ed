"""How often somebody may try: counted in the database, so that it holds however many servers there are."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.ledger.save import insert_or, upsert
from mirabelle.server.storage import access
from mirabelle.server.storage.instants import microseconds_of

# How the name begins of whoever may try so often a day: all others, network addresses among them, are forgotten sooner.
DAILY: Final = "daily "
_MINUTE: Final = timedelta(minutes=1)


async def have_tried(
    connection: AsyncConnection, who: Collection[str], most: int, now: datetime, within: timedelta = _MINUTE
) -> set[str]:
    """Those in `who` that have tried as often as they may `within` the last minute, or another span; counts nothing."""
    table, since = access.attempts, microseconds_of(now - within) or 0
    found = (await connection.execute(select(table.c.who, table.c.recent).where(table.c.who.in_(who)))).all()
    return {row.who for row in found if sum(at > since for at in row.recent) >= most}


async def may_try(
    connection: AsyncConnection, who: Collection[str], most: int, now: datetime, within: timedelta = _MINUTE
) -> bool:
    """Count one more try of each in `who`, unless one of them has tried as often as they may `within` that span."""
    table, names = access.attempts, sorted(who)
    # There first, then locked in one order: of those that try together, each sees the tries of the others.
    empty = [{"who": name, "recent": [], "at": now} for name in names]
    await connection.execute(insert_or(connection, table).on_conflict_do_nothing(), empty)
    query = select(table.c.who, table.c.recent).where(table.c.who.in_(names)).order_by(table.c.who)
    since = microseconds_of(now - within)
    assert since is not None
    found = (await connection.execute(query.with_for_update())).all()
    recent = {row.who: [at for at in row.recent if at > since] for row in found}
    if any(len(times) >= most for times in recent.values()):
        return False
    rows = [{"who": name, "recent": [*times, microseconds_of(now)], "at": now} for name, times in recent.items()]
    await connection.execute(upsert(connection, table), rows)
    return True
