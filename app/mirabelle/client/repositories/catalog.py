"""The catalog: searched, filtered and sorted in the store, kept fresh by what changed."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store import rewards as r
from mirabelle.client.store.beside import Ended
from mirabelle.client.store.database import Store
from mirabelle.client.store.search import exactly, expression, typed_words
from mirabelle.client.store.spelling import forgivingly, nearly
from mirabelle.contract import messages as m

if TYPE_CHECKING:
    from mirabelle.client.repositories.catalog_feed import CatalogFeed

log = logging.getLogger(__name__)

Sort = Literal["popular", "price_up", "price_down", "newest"]

COUNTED: Final = 1000
"""How many of what was found are counted; beyond that it is only said that there are more."""
_NEAREST: Final = 12

_BODIES: Final = "JOIN rewards_bodies USING (reference) LEFT JOIN rewards_stock USING (reference)"
_COLUMNS: Final = f"SELECT body, points, pieces FROM {{}} {_BODIES}"
_FOUND: Final = "rewards_text CROSS JOIN rewards ON rewards.number = rewards_text.rowid"
_IN_STOCK: Final = "NOT EXISTS (SELECT 1 FROM rewards_stock s WHERE s.reference = rewards.reference AND pieces = 0)"
_ORDER: Final[dict[Sort, str]] = {
    "popular": "number",
    "price_up": "points, number",
    "price_down": "points DESC, number",
    "newest": "reference DESC",
}
_AFTER: Final[dict[Sort, str]] = {
    "popular": "number > :number",
    "price_up": "points >= :points AND (points > :points OR number > :number)",
    "price_down": "points <= :points AND (points < :points OR number > :number)",
    "newest": "reference < :reference",
}


class CatalogQuery(msgspec.Struct, frozen=True):
    """What to show of the catalog. `affordable_with` is a balance in points; prices are inclusive. `after` is the last
    reward of the page before."""

    text: str = ""
    category: str | None = None
    kind: str | None = None
    affordable_with: int | None = None
    price_min: int | None = None
    price_max: int | None = None
    sort: Sort = "popular"
    limit: int = 60
    after: m.Reward | None = None


class _Plan(msgspec.Struct, frozen=True):
    """How to find what is asked for: `match` is an FTS5 expression, "" for everything, None where nothing can match."""

    match: str | None
    conditions: Sequence[str]
    values: dict[str, Any]

    def sql(self, sort: Sort) -> tuple[str, str, str]:
        """What to select from, under which conditions, in which order. The index of words is in the order of popularity
        already, if its own rowid is asked for; sorted otherwise, it only tells what matches."""
        order, conditions = _ORDER[sort], list(self.conditions)
        if self.match and sort == "popular":
            conditions.insert(0, "rewards_text MATCH :match")
            return _FOUND, " AND ".join(conditions), "rewards_text.rowid"
        if self.match:
            conditions.insert(0, "number IN (SELECT rowid FROM rewards_text WHERE rewards_text MATCH :match)")
        return "rewards", " AND ".join(conditions), order


class Catalog:
    """Reads the catalog from the store and keeps it fresh."""

    def __init__(self, store: Store, api: Api, programme: Programme, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._programme, self._now = store, api, programme, now
        self._indexed: sqlite3.Connection | None = None
        self._indexing: asyncio.Task[None] | None = None
        self._understood: tuple[object, str | None] = ((), None)

    @cached_property
    def _feed(self) -> "CatalogFeed":
        from mirabelle.client.repositories.catalog_feed import CatalogFeed

        return CatalogFeed(self._store, self._api, self._now, self._index_whole, self._names)

    def search(self, query: CatalogQuery) -> list[m.Reward]:
        """A page of the rewards that `query` asks for, in its order. Words with a wrong letter are forgiven where
        nothing is spelled as they are."""
        return self._page(query, self._plan(query, self._understand(query.text)))

    def count(self, query: CatalogQuery) -> int:
        """How many rewards `query` asks for, on all its pages; COUNTED + 1 where there are more than are counted."""
        if query == CatalogQuery():
            return self.total()
        plan = self._plan(msgspec.structs.replace(query, after=None), self._understand(query.text))
        if plan.match is None:
            return 0
        source, conditions, _ = plan.sql("popular")
        counted = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {conditions} LIMIT {COUNTED + 1})"
        return int(self._read(counted, plan.values)[0][0])

    def nearest(self, query: CatalogQuery) -> list[m.Reward]:
        """What comes closest to words that find nothing: begun alike, without one of them, one alone, unfiltered."""
        typed = typed_words(query.text)
        without_one = [[word for at, word in enumerate(typed) if at != left_out] for left_out in range(len(typed))]
        ways = [typed, *without_one, *([word] for word in typed)]
        bare = CatalogQuery(limit=_NEAREST)
        for asked in (msgspec.structs.replace(query, limit=_NEAREST, after=None), bare):
            for some in ways:
                match = expression(self._store.read, some, forms=nearly) if some else None
                if match and (found := self._page(asked, self._plan(asked, match))):
                    return found
        return []

    def total(self) -> int:
        """How many rewards there are."""
        return sum(count for _, count in self.kinds())

    def get(self, id_: str) -> m.Reward | None:
        """The reward `id_`, also one that can no longer be had."""
        rows = self._read(f"{r.ANY_REWARD} WHERE id = :id", {"id": id_})
        return r.readable(rows[0]) if rows else None

    def categories(self) -> list[tuple[str, int]]:
        """Each category that has rewards, with how many, in the programme's order."""
        counts = {name: count for name, count in self._counts("category") if name}
        programme = self._programme.current()
        order = [category.id for category in programme.categories] if programme else []
        return [(id_, counts[id_]) for id_ in (*order, *sorted(counts.keys() - set(order))) if id_ in counts]

    def kinds(self) -> list[tuple[str, int]]:
        """Each kind that has rewards, with how many, most first."""
        return sorted(self._counts("kind"), key=lambda pair: (-pair[1], pair[0]))

    def _counts(self, facet: str) -> list[tuple[str, int]]:
        self._index_if_needed()
        query = "SELECT name, count FROM rewards_facets WHERE facet = :facet AND count > 0"
        return [(row[0], row[1]) for row in self._read(query, {"facet": facet})]

    def _read(self, sql: str, values: dict[str, Any]) -> list[Any]:
        return self._store.read.execute(sql, values).fetchall()

    def _page(self, query: CatalogQuery, plan: _Plan) -> list[m.Reward]:
        if plan.match is None:
            return []
        source, conditions, order = plan.sql(query.sort)
        if query.sort == "popular":
            sql = f"{_COLUMNS.format(source)} WHERE {conditions} ORDER BY {order} LIMIT :limit"
        else:  # only what is shown is looked up, after all that was found is sorted
            page = f"SELECT number, reference, points FROM {source} WHERE {conditions} ORDER BY {order} LIMIT :limit"
            sql = f"{_COLUMNS.format(f'({page})')} ORDER BY {order}"
        rows = self._read(sql, plan.values | {"limit": query.limit})
        return [reward for reward in map(r.readable, rows) if reward is not None]

    def _understand(self, text: str) -> str | None:
        """The FTS5 expression for what was typed: as it stands, or where that finds nothing, with a letter changed."""
        self._index_if_needed()
        typed, connection = typed_words(text), self._store.read
        if not typed:
            return ""
        asked = (typed, self._store.connection, connection.total_changes)
        if self._understood[0] != asked:
            match = expression(connection, typed, forms=exactly)
            if not self._matches(match):
                match = expression(connection, typed, forms=forgivingly)
            self._understood = (asked, match)
        return self._understood[1]

    def _matches(self, match: str | None) -> bool:
        query = "SELECT 1 FROM rewards_text WHERE rewards_text MATCH :match LIMIT 1"
        return match is not None and bool(self._read(query, {"match": match}))

    def _plan(self, query: CatalogQuery, match: str | None) -> _Plan:
        conditions = ["(available_until IS NULL OR available_until > :now)"]
        values: dict[str, Any] = {"now": self._now().isoformat()}
        for facet, name in (("category", query.category), ("kind", query.kind)):
            if name is not None and match is not None:
                number = r.facet_number(self._store.read, facet, name)
                match = None if number is None else " AND ".join(filter(None, (match, r.facet_term(number))))
        if query.affordable_with is not None:
            conditions.append(f"points <= :affordable AND {_IN_STOCK}")
        for condition, name, value in (
            (None, "affordable", query.affordable_with),
            ("points >= :price_min", "price_min", query.price_min),
            ("points <= :price_max", "price_max", query.price_max),
        ):
            if value is not None:
                conditions += [condition] if condition else []
                values[name] = value
        if query.after is not None:
            last = query.after
            is_in_order = match and query.sort == "popular"
            conditions.append("rewards_text.rowid > :number" if is_in_order else _AFTER[query.sort])
            values |= {"number": r.number_of(last), "points": last.points, "reference": last.reference}
        return _Plan(match, conditions, values | {"match": match})

    def _index_if_needed(self) -> None:
        """Once for each file: a file of before this version has no words in its index, or words folded otherwise. The
        most popular rewards are put there at once, the others beside the screens, which show more and more."""
        opened = self._store.connection  # of those in memory each is another, though all are called the same
        if self._indexed is opened:
            return
        while not r.is_indexed(self._store.read):
            with self._store.write() as connection:
                self._index_more(connection)
            if _is_in_loop() and not r.is_indexed(self._store.read):
                self._indexing = asyncio.ensure_future(self._index_rest(opened))
                break
        self._indexed = opened

    def _index_more(self, connection: sqlite3.Connection) -> None:
        if r.index_more(connection):
            self._feed.begin_anew(connection)

    async def _index_rest(self, opened: sqlite3.Connection) -> None:
        try:
            while self._store.connection is opened and not r.is_indexed(self._store.read):
                await self._store.write_beside(self._index_more, "catalog")
        except Ended:
            log.info("somebody else is signed in; the rest is indexed another time")
        except sqlite3.Error as fault:
            log.warning("not all could be indexed: %s", type(fault).__name__)
        finally:
            is_whole = self._store.connection is opened and r.is_indexed(self._store.read)
            self._indexed = opened if is_whole else None
            self._store.end_beside()

    async def _index_whole(self) -> None:
        """Wait until the index is whole; raises sqlite3.Error."""
        self._index_if_needed()
        while not r.is_indexed(self._store.read):
            if self._indexing is not None:
                await asyncio.wait([self._indexing])
            self._index_if_needed()

    async def stop(self) -> None:
        """Index no more; the next life of the app goes on with it."""
        if self._indexing is not None:
            self._indexing.cancel()
            await asyncio.wait([self._indexing])

    def _names(self) -> dict[str, m.Text]:
        programme = self._programme.current()
        return {category.id: category.name for category in programme.categories} if programme else {}

    async def refresh(self) -> Refusal | None:
        """Fetch what changed, page by page; each is applied wholly or not at all. Raises NoAnswer."""
        return await self._feed.refresh()

    def loading(self) -> tuple[int, int] | None:
        """How many rewards have come of how many, while all of them are on their way."""
        feed = self._feed.state()
        return (feed.loaded, feed.total) if feed.total else None

    def refused(self) -> str:
        """Why what came last was not believed, as a `rules.catalog_trust.CatalogRefusal` or "unreadable"; "" where it
        was."""
        return self._feed.state().refused


def _is_in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
