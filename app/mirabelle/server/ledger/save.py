"""Writes what a batch changed, inside the batch's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, bindparam, case, insert, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.book import Changes, Snapshot
from mirabelle.rules.cells import cell_of
from mirabelle.rules.postings import FIRST_DIGEST
from mirabelle.server.ledger import rows
from mirabelle.server.storage import schema as t

_ACCOUNT_COLUMNS = ("available", "held", "pending", "sequence", "digest", "next_lot", "owed", "active_at", "tier")


def insert_or(connection: AsyncConnection, table: Table) -> Any:
    """An insert in the connection's dialect, which can say what happens where the row is there already."""
    return (insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql)(table)


def upsert(connection: AsyncConnection, table: Table, keep: Sequence[str] = ()) -> Any:
    """An insert that writes over the row with the same primary key, but for the columns to `keep`."""
    statement = insert_or(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in (*keys, *keep)
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


async def save(connection: AsyncConnection, snapshot: Snapshot, changes: Changes) -> None:
    """Write `changes`; the participants that the snapshot names exist."""
    if changes.accounts:
        await _save_accounts(connection, changes)
    lots = [
        rows.lot_values(participant, lot)
        for participant, account in changes.accounts.items()
        for lot in account.lots.values()
        if lot is not snapshot.accounts[participant].lots.get(lot.number)
    ]
    if lots:
        await connection.execute(upsert(connection, t.lots), lots)
    if changes.postings:
        await connection.execute(insert(t.postings), [rows.posting_values(posting) for posting in changes.postings])
    if changes.redemptions:
        values = [rows.redemption_values(record) for record in changes.redemptions.values()]
        await connection.execute(upsert(connection, t.redemptions), values)
    if changes.vouchers:
        values = [rows.voucher_values(voucher) for voucher in changes.vouchers.values()]
        await connection.execute(upsert(connection, t.vouchers), values)
    if changes.uses:
        await connection.execute(insert(t.uses), [rows.use_values(use) for use in changes.uses.values()])
    slices = [
        {"reward": reward, "cell": cell, "pieces": pieces}
        for reward, stock in sorted(changes.stock.items())
        for cell, pieces in sorted(stock.items())
        if pieces != snapshot.stock.get(reward, {}).get(cell)
    ]
    if slices:
        await connection.execute(upsert(connection, t.stock), slices)


async def _save_accounts(connection: AsyncConnection, changes: Changes) -> None:
    table = t.participants
    statement = (
        update(table)
        .where(table.c.cell == bindparam("b_cell"), table.c.participant == bindparam("b_participant"))
        .values({name: bindparam(name) for name in _ACCOUNT_COLUMNS})
    )
    await connection.execute(statement, [rows.account_values(account) for account in changes.accounts.values()])


async def add_participants(connection: AsyncConnection, people: Sequence[rows.Values]) -> None:
    """Add participants with empty accounts; each is a row's `participant`, `joined_at` and, in all or none, more of it.

    Of one who is there already, what is given is written over, and the earlier `joined_at` stays.
    """
    if not people:
        return
    table = t.participants
    statement = insert_or(connection, table)
    given = statement.excluded
    changed = {name: given[name] for name in people[0] if name not in ("participant", "joined_at")}
    changed["joined_at"] = case((given.joined_at < table.c.joined_at, given.joined_at), else_=table.c.joined_at)
    statement = statement.on_conflict_do_update(index_elements=["cell", "participant"], set_=changed)
    empty = {"digest": FIRST_DIGEST}
    values = [{"cell": cell_of(person["participant"]), **empty, **person} for person in people]
    await connection.execute(statement, values)
