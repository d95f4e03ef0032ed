"""The catalog: searched, filtered and sorted in the store, kept fresh by what changed."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.store.search import indexed, match_expression
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m

Sort = Literal["popular", "price_up", "price_down", "newest"]

_ORDER: Final[dict[str, str]] = {
    "popular": "popularity DESC, reference",
    "price_up": "points, popularity DESC, reference",
    "price_down": "points DESC, popularity DESC, reference",
    "newest": "reference DESC",
}
_DECODER: Final = msgspec.json.Decoder(m.Reward)


@dataclass(frozen=True, slots=True)
class CatalogQuery:
    """What to show of the catalog. `affordable_with` is a balance in points; prices are inclusive."""

    text: str = ""
    category: str | None = None
    kind: str | None = None
    affordable_with: int | None = None
    price_min: int | None = None
    price_max: int | None = None
    sort: Sort = "popular"
    limit: int = 60
    offset: int = 0


class Catalog:
    """Reads the catalog from the store and keeps it fresh."""

    def __init__(self, store: Store, api: Api, programme: Programme, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._programme, self._now = store, api, programme, now

    def search(self, query: CatalogQuery) -> list[m.Reward]:
        """A page of the rewards that `query` asks for, in its order."""
        where, values = self._where(query)
        sql = f"SELECT body FROM rewards WHERE {where} ORDER BY {_ORDER[query.sort]} LIMIT ? OFFSET ?"
        rows = self._store.read.execute(sql, (*values, query.limit, query.offset))
        return [_DECODER.decode(row[0]) for row in rows]

    def count(self, query: CatalogQuery) -> int:
        """How many rewards `query` asks for, on all its pages."""
        where, values = self._where(query)
        return int(self._store.read.execute(f"SELECT count(*) FROM rewards WHERE {where}", values).fetchone()[0])

    def total(self) -> int:
        """How many rewards there are."""
        return self.count(CatalogQuery())

    def get(self, id_: str) -> m.Reward | None:
        """The reward `id_`, also one that can no longer be had."""
        row = self._store.read.execute("SELECT body FROM rewards WHERE id = ?", (id_,)).fetchone()
        return _DECODER.decode(row[0]) if row else None

    def categories(self) -> list[tuple[str, int]]:
        """Each category that has rewards, with how many, in the programme's order."""
        counts = dict(self._grouped("category"))
        programme = self._programme.current()
        order = [category.id for category in programme.categories] if programme else []
        return [(id_, counts[id_]) for id_ in (*order, *sorted(counts.keys() - set(order))) if id_ in counts]

    def kinds(self) -> list[tuple[str, int]]:
        """Each kind that has rewards, with how many, most first."""
        return sorted(self._grouped("kind"), key=lambda pair: (-pair[1], pair[0]))

    def _grouped(self, column: str) -> list[tuple[str, int]]:
        where, values = self._where(CatalogQuery())
        sql = f"SELECT {column}, count(*) FROM rewards WHERE {where} AND {column} <> '' GROUP BY {column}"
        return [(row[0], row[1]) for row in self._store.read.execute(sql, values)]

    def _where(self, query: CatalogQuery) -> tuple[str, Sequence[Any]]:
        clauses = ["(available_until IS NULL OR available_until > ?)"]
        values: list[Any] = [self._now().isoformat()]
        if match := match_expression(query.text):
            clauses.append("number IN (SELECT rowid FROM rewards_text WHERE rewards_text MATCH ?)")
            values.append(match)
        if query.affordable_with is not None:
            clauses.append("points <= ? AND (stock IS NULL OR stock > 0)")
            values.append(query.affordable_with)
        for clause, value in (
            ("category = ?", query.category),
            ("kind = ?", query.kind),
            ("points >= ?", query.price_min),
            ("points <= ?", query.price_max),
        ):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        return " AND ".join(clauses), values

    async def refresh(self) -> Refusal | None:
        """Fetch what changed, page by page; each is applied wholly or not at all. Raises NoAnswer."""
        more = True
        while more:
            cursor = self._store.document("catalog cursor", str) or ""
            page = await self._api.call(e.CATALOG, query={"after": cursor} if cursor else None)
            if isinstance(page, Refusal):
                return page
            more = page.more
            if page.cursor == cursor:
                continue  # nothing changed, and nobody needs to redraw
            with self._store.write("catalog") as connection:
                self._apply(connection, page)
        return None

    def _apply(self, connection: sqlite3.Connection, page: m.Catalog) -> None:
        programme = self._programme.current()
        names = {category.id: category.name for category in programme.categories} if programme else {}
        for id_ in page.removed:
            # Kept for the vouchers that name it, but no longer on offer.
            connection.execute("UPDATE rewards SET available_until = '' WHERE id = ?", (id_,))
        for reward in page.rewards:
            values = {
                "id": reward.id,
                "reference": reward.reference,
                "kind": reward.kind,
                "category": reward.category,
                "points": reward.points,
                "stock": reward.stock,
                "available_until": reward.available_until.isoformat() if reward.available_until else None,
                "popularity": reward.popularity,
                "body": msgspec.json.encode(reward),
            }
            columns = ", ".join(values)
            places = ", ".join(f":{name}" for name in values)
            changes = ", ".join(f"{name} = excluded.{name}" for name in values)
            number = connection.execute(
                f"INSERT INTO rewards ({columns}) VALUES ({places}) ON CONFLICT (id) DO UPDATE SET {changes}"
                " RETURNING number",
                values,
            ).fetchone()[0]
            category = names.get(reward.category, m.Text())
            said = (reward.title, category)
            words = " ".join([*(f"{text.en} {text.fr} {text.ar}" for text in said), reward.brand or ""])
            connection.execute("DELETE FROM rewards_text WHERE rowid = ?", (number,))
            connection.execute("INSERT INTO rewards_text (rowid, words) VALUES (?, ?)", (number, indexed(words)))
        put_document(connection, "catalog cursor", page.cursor)
