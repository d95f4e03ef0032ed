"""The catalog: what changed since a cursor."""

import asyncio
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, and_, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import catalog as cm
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import columns_of
from mirabelle.contract.pictures import is_name
from mirabelle.rules import catalog_trust as rules
from mirabelle.rules.trust import programme_id
from mirabelle.server.services.context import Context
from mirabelle.server.services.stock import take_turn
from mirabelle.server.storage import schema as t

_ABOVE_ALL: Final = 2**31 - 1


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
        # Rewards that were loaded before pictures were served name a file of the first apps.
        picture=document["picture"] if is_name(document["picture"]) else None,
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
        placeholder=document.get("placeholder", ""),
    )


def _revision(cursor: str) -> int:
    return int(cursor) if cursor.isdecimal() else 0


async def catalog_after(connection: AsyncConnection, cursor: str, now: datetime) -> m.Catalog:
    """The rewards that changed since `cursor` (digits; all of them without), as the first apps understood it."""
    table, since = t.rewards, _revision(cursor)
    query = select(table).where(table.c.revision > since).order_by(table.c.revision)
    rows = (await connection.execute(query.limit(limits.CATALOG_PAGE_ROWS + 1))).all()
    page = rows[: limits.CATALOG_PAGE_ROWS]
    over = {row.id for row in page if row.available_until is not None and row.available_until <= now}
    return m.Catalog(
        rewards=[_reward(row) for row in page if not row.withdrawn and row.id not in over],
        removed=[row.id for row in page if row.withdrawn or row.id in over],
        cursor=str(page[-1].revision if page else since),
        more=len(rows) > len(page),
    )


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Up to which revision a device knows the catalog of this `life` of the database; and while it is still loading
    all of it, the last reward that it got, by popularity and reference."""

    life: str
    revision: int
    last: tuple[int, int] | None = None

    def __str__(self) -> str:
        numbers = (self.revision, *(self.last or ()))
        return ".".join([self.life, *(f"{number:x}" for number in numbers)])


def _cursor(text: str) -> _Cursor | None:
    life, *numbers = text.split(".")
    match [int(number, 16) for number in numbers]:
        case [revision]:
            return _Cursor(life, revision)
        case [revision, popularity, reference]:
            return _Cursor(life, revision, (min(popularity, _ABOVE_ALL), min(reference, _ABOVE_ALL)))
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the catalog stands: the life of the database, and its newest revision."""

    life: str
    newest: int

    def etag(self, now: datetime) -> str:
        """Names what is answered to a cursor now; another one each day, so that what is signed never grows old."""
        return f'"{self.life}.{self.newest:x}.{now.toordinal():x}"'


async def catalog_standing(context: Context) -> Standing:
    """Where the catalog stands now."""
    newest = select(func.coalesce(func.max(t.rewards.c.revision), 0))
    async with context.database.read() as connection:
        row = (await connection.execute(select(t.catalog.c.life, newest.scalar_subquery().label("newest")))).first()
        if row is not None:
            return Standing(row.life, row.newest)

    async def begin(connection: AsyncConnection) -> Standing:
        query = select(t.catalog.c.life)
        await take_turn(connection)
        life = (await connection.execute(query)).scalar()
        if life is None:
            life = secrets.token_hex(4)
            await connection.execute(insert(t.catalog), [{"id": 1, "life": life}])
        return Standing(life, (await connection.execute(newest)).scalar_one())

    return await context.database.attempt(begin)


def usable_cursor(after: str, standing: Standing) -> str:
    """The cursor `after` as this server writes it; "" where it is none, of another life of the database, or of a time
    that this one has not come to."""
    cursor = _cursor(after)
    if cursor is None or cursor.life != standing.life or cursor.revision > standing.newest:
        return ""
    return str(cursor)


def usable_revision(after: str, standing: Standing) -> str:
    """The cursor `after` of the first apps, which is a revision, where the catalog has come to it; else the newest."""
    return str(min(_revision(after), standing.newest))


async def signed_catalog(
    context: Context, after: str, standing: Standing, *, in_columns: bool = False
) -> cm.SignedCatalog:
    """What comes after the cursor `after`, a page at a time: all of it, the most popular first, where the cursor is
    not usable; else what changed since. Whole rewards come `in_columns` for those who understand them."""
    now, after = context.now(), usable_cursor(after, standing)
    cursor = _cursor(after) or _Cursor(standing.life, standing.newest, (_ABOVE_ALL, 0))
    total, most = 0, limits.CATALOG_LOAD_ROWS if in_columns else limits.CATALOG_PAGE_ROWS
    async with context.database.read() as connection:
        if not after:
            total = (await connection.execute(_on_offer(select(func.count()), now))).scalar_one()
        if cursor.last is not None:
            parts, reached = await _whole(connection, cursor, now, most)
        else:
            parts, reached = await _changed(connection, cursor, now)
    more = reached.last is not None or reached.revision < standing.newest
    texts = await asyncio.to_thread(_texts, parts, in_columns=in_columns)
    manifest = cm.CatalogManifest(
        programme=programme_id(context.programme_key.public_key),
        after=after,
        cursor=str(reached),
        more=more,
        version=standing.newest,
        issued_at=now,
        expires_at=now + timedelta(days=limits.CATALOG_DAYS),
        parts=cm.hashes_of(texts),
        loading=reached.last is not None,
        total=total,
    )
    raw = msgspec.json.encode(manifest)
    return cm.SignedCatalog(
        manifest=raw.decode(),
        signature=context.programme_key.sign(rules.manifest_message(raw)).hex(),
        programme_key=context.programme_key.public_key.hex(),
        parts=texts,
    )


def _texts(parts: dict[cm.Part, Any], *, in_columns: bool) -> dict[cm.Part, str]:
    """The parts as they are sent; of two thousand rewards that takes a while."""
    if in_columns and (rewards := parts.pop("rewards", None)):
        parts["columns"] = columns_of(rewards)
    return {name: msgspec.json.encode(part).decode() for name, part in parts.items() if part}


def _on_offer(query: Select[Any], now: datetime) -> Select[Any]:
    table = t.rewards.c
    is_over = table.available_until.is_not(None) & (table.available_until <= now)
    return query.select_from(t.rewards).where(~table.withdrawn, ~is_over)


async def _whole(
    connection: AsyncConnection, cursor: _Cursor, now: datetime, most: int
) -> tuple[dict[cm.Part, Any], _Cursor]:
    assert cursor.last is not None
    table, (popularity, reference) = t.rewards.c, cursor.last
    follows = or_(table.popularity < popularity, and_(table.popularity == popularity, table.reference > reference))
    query = _on_offer(select(t.rewards), now).where(table.popularity <= popularity, follows)
    query = query.order_by(table.popularity.desc(), table.reference).limit(most + 1)
    rows = (await connection.execute(query)).all()
    page = rows[:most]
    last = (page[-1].popularity, page[-1].reference) if len(rows) > len(page) else None
    return {"rewards": [_reward(row) for row in page]}, replace(cursor, last=last)


async def _changed(connection: AsyncConnection, cursor: _Cursor, now: datetime) -> tuple[dict[cm.Part, Any], _Cursor]:
    table, since = t.rewards.c, cursor.revision
    query = select(t.rewards).where(table.revision > since).order_by(table.revision)
    page = (await connection.execute(query.limit(limits.CATALOG_PAGE_ROWS))).all()
    parts: dict[cm.Part, list[Any]] = {"rewards": [], "changed": [], "removed": []}
    stock: dict[int, int | None] = {}
    for row in sorted(page, key=attrgetter("reference")):
        fields = [field for field, revision in (row.changes or {}).items() if revision > since]
        if row.withdrawn or (row.available_until is not None and row.available_until <= now):
            parts["removed"].append(row.reference)
        elif row.since > since:
            parts["rewards"].append(_reward(row))
        else:
            told = msgspec.to_builtins(_reward(row), builtin_types=(datetime,)) if fields else {}
            if named := {field: told[field] for field in fields if field in told and field != "stock"}:
                parts["changed"].append({"reference": row.reference} | named)
            if row.stocked or "stock" in fields:
                stock[row.reference] = row.stock
    reached = replace(cursor, revision=page[-1].revision if page else since)
    return {**parts, "stock": cm.steps_of(stock) if stock else None}, reached
