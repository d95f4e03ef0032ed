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
    is_used = or_(vouchers.c.state == VoucherState.USED.value, vouchers.c.taken_minor > 0)
    used = select(vouchers.c.redemption).where(is_used).distinct().subquery()
    gone = or_(redemptions.c.voucher.is_(None), used.c.redemption.is_not(None))
    out = or_(
        redemptions.c.state.in_([RedemptionState.HELD.value, RedemptionState.CAPTURED.value]),
        and_(redemptions.c.state == RedemptionState.RELEASED.value, gone),
    )
    return (
        select(redemptions.c.reward, func.count().label("pieces"))
        .outerjoin(used, used.c.redemption == redemptions.c.id)
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


def _restocked(left: int, overdrawn: int, pieces: int) -> tuple[int, int]:
    """What is left, and what is overdrawn, after `pieces` more, or fewer."""
    if pieces < 0:
        taken = min(left, -pieces)
        return left - taken, overdrawn - pieces - taken
    made_good = min(overdrawn, pieces)
    return left + pieces - made_good, overdrawn - made_good


async def restock(connection: AsyncConnection, reward: str, pieces: int, *, newly_stocked: bool) -> None:
    """Put out `pieces` more of `reward`, or take that many back; of one newly stocked, that there are `pieces`.

    The slices share them as evenly as they go. What the operator takes back but participants have already is
    `overdrawn`: it is made good before more is put out.
    """
    query = select(t.stock.c.cell, t.stock.c.pieces).where(t.stock.c.reward == reward).order_by(t.stock.c.cell)
    found = (await connection.execute(query.with_for_update())).all()
    left = sum(row.pieces for row in found)
    if newly_stocked:
        # What was had while nobody counted is part of what was put out.
        total, offered, overdrawn = pieces, await pieces_out(connection, reward) + pieces, 0
    else:
        known = select(t.rewards.c.offered, t.rewards.c.overdrawn).where(t.rewards.c.id == reward)
        offered, overdrawn = (await connection.execute(known)).one()
        total, overdrawn = _restocked(left, overdrawn, pieces)
        offered += total - left
    values = {"offered": offered, "overdrawn": overdrawn}
    await connection.execute(update(t.rewards).where(t.rewards.c.id == reward).values(values))
    even, rest = divmod(total, CELLS)
    slices = [{"reward": reward, "cell": cell, "pieces": even + (cell < rest)} for cell in range(CELLS)]
    await connection.execute(upsert(connection, t.stock), slices)


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
