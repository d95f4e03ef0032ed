"""Vouchers that the operator blocks: stolen, sold on, or under dispute. They are refused until they are unblocked."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.cells import cell_of
from mirabelle.server.storage import schema as t


class NoSuchVoucher(Exception):
    """The ledger knows no such voucher; the message is one clear line."""


async def block(connection: AsyncConnection, voucher: str, why: str, now: datetime) -> None:
    """Block a voucher; one that is blocked keeps its time and gets the new reason. Raises NoSuchVoucher."""
    blocked_at = await _blocked_at(connection, voucher)
    await _put(connection, voucher, blocked_at=blocked_at or now, blocked_why=why)


async def unblock(connection: AsyncConnection, voucher: str) -> None:
    """Let a voucher be used again; raises NoSuchVoucher."""
    await _blocked_at(connection, voucher)
    await _put(connection, voucher, blocked_at=None, blocked_why=None)


async def blocked(connection: AsyncConnection) -> list[Row[Any]]:
    """What is blocked, longest first: `id`, `reward`, `blocked_at` and `blocked_why` of each voucher."""
    table = t.vouchers.c
    # Asked for as the index has it, so that not every voucher is looked at.
    query = select(table.id, table.reward, table.blocked_at, table.blocked_why).where(
        t.DISTRUSTED, table.blocked_at.is_not(None)
    )
    return list((await connection.execute(query.order_by(table.blocked_at, table.id))).all())


async def _blocked_at(connection: AsyncConnection, voucher: str) -> datetime | None:
    """Since when the voucher is blocked; its participant's row is locked first, which guards it."""
    table, people = t.vouchers.c, t.participants.c
    owner = (await connection.execute(select(table.participant).where(table.id == voucher))).scalar()
    if owner is None:
        raise NoSuchVoucher(f"there is no voucher {voucher}")
    mine = select(people.cell).where(people.cell == cell_of(owner), people.participant == owner)
    await connection.execute(mine.with_for_update())
    return (await connection.execute(select(table.blocked_at).where(table.id == voucher))).scalar()


async def _put(connection: AsyncConnection, voucher: str, **values: Any) -> None:
    await connection.execute(update(t.vouchers).where(t.vouchers.c.id == voucher).values(values))
