"""Loads a programme into the database, where it stays, and tells the app what it must know of it."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import messages as m
from mirabelle.contract.endpoints import CONTRACT
from mirabelle.rules.balance import MoveKind
from mirabelle.rules.redemption import VoucherState
from mirabelle.server.ledger.load import World
from mirabelle.server.ledger.save import upsert
from mirabelle.server.services.programme_file import (
    EMPTY,
    ProgrammeDocument,
    ProgrammeUnusable,
    RewardRules,
    StoreRules,
    value_class_of,
    value_of,
)
from mirabelle.server.services.stock import restock, take_turn, tally_stock
from mirabelle.server.storage import schema as t

# References of stores that the programme file does not number begin here, clear of those people choose by hand.
_FIRST_OWN_REFERENCE = 100_000
_OF_PICTURES = ("picture", "placeholder")


class CurrencyInUse(ProgrammeUnusable):
    """Vouchers carry money in the currency that the programme had, and would be worth something else in another."""


class StoreReferenceTaken(ProgrammeUnusable):
    """Another store is called by this reference, and vouchers may name it."""


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


async def load_programme(
    connection: AsyncConnection, document: ProgrammeDocument, now: datetime, *, replaces_others: bool = True
) -> None:
    """Make `document` the programme. The same one again changes nothing; another becomes the next version, unless it
    does not replace others and the programme that is loaded is not an older version of itself.

    Lots keep the rules they were earned under; rewards that the last version named and this one does not are withdrawn.
    Raises ProgrammeUnusable.
    """
    before = await loaded_programme(connection)
    content = msgspec.to_builtins(document)
    if before.version and msgspec.to_builtins(before.document) == content:
        return
    if before.version and not replaces_others and before.document.programme != document.programme:
        return
    if before.version and before.document.programme.currency != document.programme.currency:
        await _require_no_money(connection, before.document, now)
    version = before.version + 1
    row = {"id": version, "version": version, "document": content, "loaded_at": now}
    await connection.execute(insert(t.programmes), [row])
    await add_stores(connection, document.stores)
    await _put_staff(connection, document)
    await put_rewards(connection, document, document.rewards)
    await _withdraw(connection, {r.id for r in before.document.rewards} - {r.id for r in document.rewards})


async def _require_no_money(connection: AsyncConnection, document: ProgrammeDocument, now: datetime) -> None:
    """No voucher carries money in the currency of `document`, nor may any be given back; raises CurrencyInUse."""
    table, moves = t.vouchers.c, t.balance_moves.c
    undoable = moves.at > now - timedelta(minutes=document.tills.undo_minutes)
    taken_just_now = select(moves.voucher).where(moves.kind == MoveKind.CAPTURE, undoable)
    query = select(func.count()).select_from(t.vouchers).where(
        table.value_minor.is_not(None),
        table.expires_at > now,
        or_(table.state == VoucherState.READY, table.id.in_(taken_just_now)),
    )  # fmt: skip
    if vouchers := (await connection.execute(query)).scalar_one():
        currency = document.programme.currency
        raise CurrencyInUse(
            f"programme.currency: stays {currency} as long as vouchers carry money in it, now {vouchers}"
        )


async def _withdraw(connection: AsyncConnection, rewards: set[str]) -> None:
    table = t.rewards
    newest = (await connection.execute(select(func.max(table.c.revision)))).scalar_one()
    for revision, reward in enumerate(sorted(rewards), start=(newest or 0) + 1):
        values = {"withdrawn": True, "revision": revision}
        await connection.execute(update(table).where(table.c.id == reward).values(values))


async def add_stores(connection: AsyncConnection, stores: Iterable[StoreRules]) -> None:
    """Add the stores that are not there yet, or rename those that are; raises StoreReferenceTaken."""
    known = {row.id: row.reference for row in (await connection.execute(select(t.stores))).all()}
    owners = {reference: id_ for id_, reference in known.items()}
    free = (reference for reference in count(_FIRST_OWN_REFERENCE) if reference not in owners)
    values = []
    for store in stores:
        # Vouchers name a store by its reference, so that it never changes.
        reference = known.get(store.id) or store.reference or next(free)
        if owners.setdefault(reference, store.id) != store.id:
            raise StoreReferenceTaken(f"stores: the reference {reference} of {store.id} is {owners[reference]}'s")
        name = msgspec.to_builtins(store.name)
        values.append({"reference": reference, "id": store.id, "store_group": store.group, "name": name})
    if values:
        await connection.execute(upsert(connection, t.stores), values)


async def _put_staff(connection: AsyncConnection, document: ProgrammeDocument) -> None:
    """Give everybody whom the document names a till; whoever it no longer names has none."""
    table = t.tills
    references = {row.id: row.reference for row in (await connection.execute(select(t.stores))).all()}
    known = {
        row.email: row for row in (await connection.execute(select(table).where(table.c.email.is_not(None)))).all()
    }
    emails = {person.email.lower() for person in document.staff}
    # A till that is gone is no session's subject any more, since an id once given is never given again.
    await connection.execute(delete(table).where(table.c.email.in_(sorted(known.keys() - emails))))
    names = count(max((int(row.name) for row in known.values()), default=0) + 1)
    values = []
    for person in document.staff:
        email = person.email.lower()
        name = known[email].name if email in known else str(next(names))
        till = known[email].id if email in known else f"till-{secrets.token_hex(6)}"
        row = {"id": till, "store": references[person.store], "name": name, "staff": person.name, "email": email}
        values.append(row)
    if values:
        await connection.execute(upsert(connection, table, keep=["revoked_at"]), values)


async def put_rewards(
    connection: AsyncConnection, document: ProgrammeDocument, rewards: Iterable[RewardRules],
    *, keep_pictures: bool = False,
) -> None:  # fmt: skip
    """Add rewards, or change those that exist; a changed stock adds or takes away the difference to the one before.

    With `keep_pictures` what is said of rewards says nothing of their pictures, which stay.
    """
    table = t.rewards
    await take_turn(connection)
    revision = (await connection.execute(select(func.coalesce(func.max(table.c.revision), 0)))).scalar_one()
    reference = (await connection.execute(select(func.coalesce(func.max(table.c.reference), 0)))).scalar_one()
    wanted = list(rewards)
    known = await _known(connection, [reward.id for reward in wanted])
    values, restocked = [], []
    for reward in wanted:
        before = known.get(reward.id)
        if before is None:
            reference += 1
        row = _reward_values(document, reward, before.reference if before else reference, revision + 1)
        if before is not None and keep_pictures:
            row["document"] |= {name: before.document.get(name) or row["document"][name] for name in _OF_PICTURES}
        if before is not None and _offers_the_same(before, row):
            continue  # no device need hear of it again
        revision += 1
        row |= _changes(before, row)
        values.append(row)
        if reward.stock is not None:
            newly_stocked = before is None or not before.stocked
            more = reward.stock - (0 if newly_stocked else before.document["stock"])
            if more or newly_stocked:
                restocked.append((reward.id, more, newly_stocked))
    if values:
        await connection.execute(upsert(connection, table, keep=["offered", "overdrawn"]), values)
    for reward_id, pieces, newly_stocked in restocked:
        await restock(connection, reward_id, pieces, newly_stocked=newly_stocked)
    await tally_stock(connection)


async def _known(connection: AsyncConnection, rewards: Sequence[str]) -> dict[str, Row[Any]]:
    known: dict[str, Row[Any]] = {}
    for start in range(0, len(rewards), 500):
        some = t.rewards.c.id.in_(rewards[start : start + 500])
        known |= {row.id: row for row in (await connection.execute(select(t.rewards).where(some))).all()}
    return known


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
        "available_from": document.start_of_offer(reward),
        "available_until": document.end_of_offer(reward),
        "document": content,
        "popularity": reward.popularity,
        "revision": revision,
    }


def _offers_the_same(before: Row[Any], row: dict[str, Any]) -> bool:
    same = ("points", "withdrawn", "available_from", "available_until", "document")
    return all(before._mapping[name] == row[name] for name in same)


def _changes(before: Row[Any] | None, row: dict[str, Any]) -> dict[str, Any]:
    """Since when the reward is on offer, and at which revision each of its fields changed."""
    if before is None or before.withdrawn:
        return {"since": row["revision"], "changes": {}}
    old, new = ({**one, **one["document"]} for one in (dict(before._mapping), row))
    fields = (*row["document"], "available_from", "available_until")
    changed = [field for field in fields if field != "stock" and old.get(field) != new.get(field)]
    # How many pieces there are is told apart, but not whether anybody counts.
    changed += ["stock"] if before.stocked != row["stocked"] else []
    return {"since": before.since, "changes": (before.changes or {}) | dict.fromkeys(changed, row["revision"])}


def world_of(loaded: Loaded) -> World:
    """What every batch of the ledger must know of the programme."""
    return World(
        rules=loaded.document.rules(loaded.version),
        tier_points={tier.id: tier.from_points for tier in loaded.document.tiers},
    )


async def programme_message(
    connection: AsyncConnection, document: ProgrammeDocument, demo: bool, passes: list[m.PassKind], now: datetime
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
        transfers_from=document.transfers.from_points if document.transfers.allowed else None,
        passes=passes,
        contract=CONTRACT,
    )
