"""Stock: how many pieces of a reward there are, in slices so that no row is hot, and where they went."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.cells import CELLS
from mirabelle.rules.redemption import RedemptionState, VoucherState
from mirabelle.server.ledger.save import upsert
from mirabelle.server.storage import schema as t


def pieces_out_by_reward() -> Select[Any]:
    """The query for `reward` and how many `pieces` of it are with participants: a used one never comes back."""
    redemptions, vouchers = t.redemptions, t.vouchers
    gone = or_(redemptions.c.voucher.is_(None), vouchers.c.state == VoucherState.USED.value)
    out = or_(
        redemptions.c.state.in_([RedemptionState.HELD.value, RedemptionState.CAPTURED.value]),
        and_(redemptions.c.state == RedemptionState.RELEASED.value, gone),
    )
    return (
        select(redemptions.c.reward, func.count().label("pieces"))
        .outerjoin(vouchers, vouchers.c.id == redemptions.c.voucher)
        .where(out)
        .group_by(redemptions.c.reward)
    )


async def pieces_out(connection: AsyncConnection, reward: str) -> int:
    """How many pieces of `reward` are with participants."""
    row = (await connection.execute(pieces_out_by_reward().where(t.redemptions.c.reward == reward))).first()
    return int(row.pieces) if row else 0


async def take_turn(connection: AsyncConnection) -> None:
    """Wait for whoever else changes the catalog: a revision must not be seen before those below it."""
    await connection.execute(select(t.programmes.c.id).order_by(t.programmes.c.id).with_for_update())


async def restock(connection: AsyncConnection, reward: str, pieces: int, *, newly_stocked: bool) -> None:
    """Spread `pieces` more (or fewer) over the cells' slices, as evenly as they go and none below zero."""
    query = select(t.stock.c.cell, t.stock.c.pieces).where(t.stock.c.reward == reward).with_for_update()
    slices = dict.fromkeys(range(CELLS), 0) | {row.cell: row.pieces for row in (await connection.execute(query)).all()}
    before = sum(slices.values())
    total = max(before + pieces, 0)
    # What was had while nobody counted is part of what was put out.
    offered_before = await pieces_out(connection, reward) + before if newly_stocked else t.rewards.c.offered
    offered = offered_before + (total - before)
    await connection.execute(update(t.rewards).where(t.rewards.c.id == reward).values(offered=offered))
    even, left = divmod(total, CELLS)
    values = [{"reward": reward, "cell": cell, "pieces": even + (cell < left)} for cell in range(CELLS)]
    await connection.execute(upsert(connection, t.stock), values)


async def tally_stock(connection: AsyncConnection) -> int:
    """Bring the catalog's stock up to what the slices hold; returns how many rewards changed.

    Redemptions touch only their cell's slice, so that no row is hot; this is what makes them visible.
    """
    table = t.rewards
    sums = select(t.stock.c.reward, func.sum(t.stock.c.pieces).label("pieces")).group_by(t.stock.c.reward).subquery()
    differ = table.c.stock != sums.c.pieces
    query = select(table.c.id).join(sums, sums.c.reward == table.c.id).where(differ).limit(1)
    if (await connection.execute(query)).first() is None:
        return 0
    await take_turn(connection)
    step = func.row_number().over(order_by=table.c.id).label("step")
    newest = select(func.max(table.c.revision)).scalar_subquery().label("newest")
    found = select(table.c.id, sums.c.pieces, step, newest).join(sums, sums.c.reward == table.c.id).where(differ)
    changed = found.cte("changed")
    values = {"stock": changed.c.pieces, "revision": changed.c.newest + changed.c.step}
    done = await connection.execute(update(table).where(table.c.id == changed.c.id).values(values))
    return done.rowcount
