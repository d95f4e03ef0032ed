"""Loads a programme into the database, where it stays, and tells the app what it must know of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import messages as m
from mirabelle.rules.cells import CELLS
from mirabelle.server.ledger.load import World
from mirabelle.server.ledger.save import upsert
from mirabelle.server.services.programme_file import (
    EMPTY,
    ProgrammeDocument,
    RewardRules,
    StoreRules,
    value_class_of,
    value_of,
)
from mirabelle.server.storage import schema as t

# References of stores that the programme file does not number begin here, clear of those people choose by hand.
_FIRST_OWN_REFERENCE = 100_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """The programme as the database holds it. `version` 0 means that none was loaded yet."""

    document: ProgrammeDocument
    version: int


async def loaded_programme(connection: AsyncConnection) -> Loaded:
    """The newest programme in the database, or an empty one."""
    query = select(t.programmes).order_by(t.programmes.c.version.desc()).limit(1)
    row = (await connection.execute(query)).first()
    if row is None:
        return Loaded(EMPTY, 0)
    return Loaded(msgspec.convert(row.document, ProgrammeDocument), row.version)


async def load_programme(connection: AsyncConnection, document: ProgrammeDocument, now: datetime) -> None:
    """Make `document` the programme. The same one again changes nothing; another becomes the next version.

    Lots keep the rules they were earned under, and rewards that the document no longer names stay as they are.
    """
    before = await loaded_programme(connection)
    content = msgspec.to_builtins(document)
    if before.version and msgspec.to_builtins(before.document) == content:
        return
    version = before.version + 1
    row = {"id": version, "version": version, "document": content, "loaded_at": now}
    await connection.execute(insert(t.programmes), [row])
    await add_stores(connection, document.stores)
    await _add_staff(connection, document)
    await put_rewards(connection, document, document.rewards)


async def add_stores(connection: AsyncConnection, stores: Iterable[StoreRules]) -> None:
    """Add the stores that are not there yet, or rename those that are."""
    known = {row.id: row.reference for row in (await connection.execute(select(t.stores))).all()}
    next_reference = max([_FIRST_OWN_REFERENCE, *(reference + 1 for reference in known.values())])
    values = []
    for store in stores:
        reference = known.get(store.id) or store.reference
        if reference is None:
            reference, next_reference = next_reference, next_reference + 1
        known[store.id] = reference
        name = msgspec.to_builtins(store.name)
        values.append({"reference": reference, "id": store.id, "store_group": store.group, "name": name})
    if values:
        await connection.execute(upsert(connection, t.stores), values)


async def _add_staff(connection: AsyncConnection, document: ProgrammeDocument) -> None:
    references = {row.id: row.reference for row in (await connection.execute(select(t.stores))).all()}
    values = [
        {
            "id": f"till-{person.store}-{index}",
            "store": references[person.store],
            "name": str(index),
            "staff": person.name,
            "email": person.email.lower(),
        }
        for index, person in enumerate(document.staff, start=1)
    ]
    if values:
        await connection.execute(upsert(connection, t.tills), values)


async def put_rewards(connection: AsyncConnection, document: ProgrammeDocument, rewards: Iterable[RewardRules]) -> None:
    """Add rewards, or change those that exist; a changed stock adds or takes away the difference."""
    table = t.rewards
    revision = (await connection.execute(select(func.coalesce(func.max(table.c.revision), 0)))).scalar_one()
    reference = (await connection.execute(select(func.coalesce(func.max(table.c.reference), 0)))).scalar_one()
    wanted = list(rewards)
    known = {}
    for start in range(0, len(wanted), 500):
        ids = [reward.id for reward in wanted[start : start + 500]]
        found = await connection.execute(
            select(table.c.id, table.c.reference, table.c.document).where(table.c.id.in_(ids))
        )
        known |= {row.id: row for row in found.all()}
    values, restocked = [], []
    for reward in wanted:
        before = known.get(reward.id)
        if before is None:
            reference += 1
        stock_before = (before.document.get("stock") or 0) if before else 0
        revision += 1
        values.append(_reward_values(document, reward, before.reference if before else reference, revision))
        if reward.stock is not None and (before is None or reward.stock != stock_before):
            restocked.append((reward.id, reward.stock - stock_before))
    if values:
        await connection.execute(upsert(connection, table), values)
    for reward_id, pieces in restocked:
        await _restock(connection, reward_id, pieces)
    await tally_stock(connection)


def _reward_values(document: ProgrammeDocument, reward: RewardRules, reference: int, revision: int) -> dict[str, Any]:
    content = msgspec.to_builtins(reward)
    content["value_class"] = value_class_of(reward)
    content["value_minor"] = value_of(reward, document.programme.currency)
    return {
        "reference": reference,
        "id": reward.id,
        "points": reward.points,
        "stocked": reward.stock is not None,
        "stock": reward.stock,
        "withdrawn": False,
        "available_until": document.end_of_offer(reward),
        "document": content,
        "revision": revision,
    }


async def _restock(connection: AsyncConnection, reward: str, pieces: int) -> None:
    """Spread `pieces` more (or fewer) over the cells' slices, as evenly as they go and none below zero."""
    query = select(t.stock.c.cell, t.stock.c.pieces).where(t.stock.c.reward == reward).with_for_update()
    slices = dict.fromkeys(range(CELLS), 0) | {row.cell: row.pieces for row in (await connection.execute(query)).all()}
    total = max(sum(slices.values()) + pieces, 0)
    even, left = divmod(total, CELLS)
    values = [{"reward": reward, "cell": cell, "pieces": even + (cell < left)} for cell in range(CELLS)]
    await connection.execute(upsert(connection, t.stock), values)


async def tally_stock(connection: AsyncConnection) -> int:
    """Bring the catalog's stock up to what the slices hold; returns how many rewards changed.

    Redemptions touch only their cell's slice, so that no row is hot; this is what makes them visible.
    """
    table = t.rewards
    sums = select(t.stock.c.reward, func.sum(t.stock.c.pieces).label("pieces")).group_by(t.stock.c.reward).subquery()
    query = select(table.c.id, sums.c.pieces).join(sums, sums.c.reward == table.c.id)
    changed = (await connection.execute(query.where(table.c.stock != sums.c.pieces))).all()
    if changed:
        revision = (await connection.execute(select(func.max(table.c.revision)))).scalar_one()
        for step, row in enumerate(changed, start=1):
            values = {"stock": int(row.pieces), "revision": revision + step}
            await connection.execute(update(table).where(table.c.id == row.id).values(values))
    return len(changed)


def world_of(loaded: Loaded, issuer_keys: dict[bytes, bytes]) -> World:
    """What every batch of the ledger must know of the programme."""
    return World(
        rules=loaded.document.rules(loaded.version),
        tier_points={tier.id: tier.from_points for tier in loaded.document.tiers},
        issuer_keys=issuer_keys,
    )


async def programme_message(
    connection: AsyncConnection, document: ProgrammeDocument, demo: bool, now: datetime
) -> m.Programme:
    """The programme as the app sees it."""
    stores = (await connection.execute(select(t.stores).order_by(t.stores.c.reference))).all()
    return m.Programme(
        name=document.programme.name,
        currency=document.programme.currency,
        time_zone=document.programme.time_zone,
        contact=document.programme.contact,
        demo=demo,
        tiers=[m.Tier(id=tier.id, name=tier.name, from_points=tier.from_points) for tier in document.tiers],
        categories=document.categories,
        charities=document.charities,
        stores=[m.Store(id=row.id, reference=row.reference, name=m.Text(**row.name)) for row in stores],
        server_time=now,
    )
