"""Keeping the catalog fresh: what changed is fetched page by page; each is believed or not, applied wholly or not."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from mirabelle.client.api import Api, Changed, NoAnswer, Refusal
from mirabelle.client.store import rewards as r
from mirabelle.client.store.beside import Ended
from mirabelle.client.store.database import Store, decoded, put_document
from mirabelle.contract import catalog as cm
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import ListedReward
from mirabelle.rules import catalog_trust as rules

log = logging.getLogger(__name__)

_FEED: Final = "catalog feed"
_UNREADABLE: Final = "unreadable"
# What becomes of values that nobody expects, whichever step meets them first.
_SPOILED: Final = (ValueError, TypeError, KeyError, OverflowError, msgspec.MsgspecError)


class Feed(msgspec.Struct, frozen=True):
    """How far the device is: what it believed last, and how much has come of a load of everything.

    `refused` says why what came after it was not believed. `total` is 0 unless everything is being loaded. At
    `expires_at`, unix seconds, what it believed is too old to be relied on.
    """

    cursor: str = ""
    etag: str = ""
    programme_key: str = ""
    issued_at: int = 0
    expires_at: int = 0
    version: int = 0
    load: int = 0
    loaded: int = 0
    total: int = 0
    refused: str = ""


_feed_decoder: Final = msgspec.json.Decoder(Feed)


class _Unknown(Exception):
    """Something changed of a reward that this device does not have."""


class _Broken(Exception):
    """What came cannot be written as it says, though whoever signed it is believed."""


class _Moved(Exception):
    """The store is not where a page begins: another window wrote something meanwhile."""


class CatalogFeed:
    """Fetches the catalog. `ready` makes the store's index usable, `names` are the categories' names."""

    def __init__(
        self,
        store: Store,
        api: Api,
        now: Callable[[], datetime],
        ready: Callable[[], Awaitable[None]],
        names: Callable[[], dict[str, m.Text]],
    ) -> None:
        self._store, self._api, self._now, self._ready, self._names = store, api, now, ready, names
        self._named: object = None

    def state(self) -> Feed:
        """How far the device is."""
        return self._store.document(_FEED, Feed) or Feed()

    async def refresh(self) -> Refusal | None:
        """Fetch what changed, page by page; raises NoAnswer."""
        try:
            refusal = await self._fetch()
        except NoAnswer:
            self._expire()
            raise
        self._expire()
        return refusal

    async def _fetch(self) -> Refusal | None:
        """Page after page, each asked for and made ready while the one before is written; never more than one."""
        ahead: asyncio.Task[_Came] | None = None
        try:
            while True:
                await self._ready()
                path = self._store.path
                page = await (ahead or self._next(self.state()))
                ahead = None
                if isinstance(page, Refusal):
                    return page
                if page is None:
                    break
                if path != self._store.path or page.feed != self.state():
                    continue  # somebody else's store by now, which asks for itself, or further than it was
                if isinstance(page, _Doubtful):
                    self._refuse(page.feed, page.reason)
                    break
                if page.is_large and page.manifest.more:
                    ahead = asyncio.ensure_future(self._next(page.then))
                try:
                    is_written = await self._write(page)
                except _Broken:
                    self._refuse(page.feed, _UNREADABLE)
                    break
                if not is_written:
                    await _drop(ahead)
                    ahead = None
                elif not page.manifest.more:
                    break
        finally:
            await _drop(ahead)
            self._store.end_beside()
        await self._tidy()
        return None

    async def _next(self, feed: Feed) -> "_Came":
        """What comes after `feed`, ready to be written; None where nothing changed."""
        from mirabelle.contract import endpoints as e

        query = {"form": cm.FORM} | ({"after": feed.cursor} if feed.cursor else {})
        if feed.total or not feed.cursor:  # whole rewards are what comes
            query["columns"] = cm.COLUMNS
        # Anybody on the way can say that nothing changed, since that is not signed: it is not believed for ever.
        is_sound = not feed.refused and self._seconds() < feed.expires_at
        answer = await self._api.changed(e.CATALOG, query, feed.etag if is_sound else "")
        if answer is None or isinstance(answer, Refusal):
            return answer
        if answer.answer.parts.keys() & {"columns", "rewards"}:
            return await asyncio.to_thread(_page, feed, answer, self._seconds())
        return _page(feed, answer, self._seconds())  # stock and prices take less than a thread does

    async def _write(self, page: "_Page") -> bool:
        """Write a page wholly; whether it was, as there may be another one to ask for in its place. Raises _Broken."""
        try:
            if page.is_large:
                await self._store.write_beside(page.apply, "catalog")
            else:
                with self._store.write("catalog") as connection:
                    page.apply(connection)
        except _Unknown:
            log.warning("something changed of a reward that is not known here; everything is loaded anew")
            with self._store.write("catalog") as connection:
                self.begin_anew(connection)
        except (_Moved, Ended):
            log.info("another window was faster, or somebody else is signed in")
        else:
            return True
        return False

    async def _tidy(self) -> None:
        await self._ready()
        self._name_categories()
        if not self.state().total and r.is_in_pieces(self._store.read):
            try:
                await self._store.write_beside(r.tidy_index)
            except Ended:
                log.info("somebody else is signed in; the index is put together another time")
            finally:
                self._store.end_beside()

    def begin_anew(self, connection: sqlite3.Connection) -> None:
        """Have everything loaded at the next refresh; whose catalog it is stays known."""
        put_document(connection, _FEED, msgspec.structs.replace(_state(connection), cursor="", etag="", total=0))

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def _expire(self) -> None:
        """Say that what is held is too old, where nothing newer came."""
        feed = self.state()
        if not feed.refused and 0 < feed.expires_at <= self._seconds():
            self._refuse(feed, rules.CatalogRefusal.EXPIRED.value)

    def _refuse(self, feed: Feed, reason: str) -> None:
        """Go on with what is held, and remember why what came was not believed."""
        log.warning("the catalog stays as it is: %s", reason)
        if feed.refused != reason:
            self._keep(msgspec.structs.replace(feed, refused=reason))

    def _keep(self, feed: Feed) -> None:
        with self._store.write("catalog") as connection:
            put_document(connection, _FEED, feed)

    def _name_categories(self) -> None:
        """Let categories be found by the names that they have now."""
        names = self._names()
        known = self._store.read.execute("SELECT max(number) FROM rewards_facets").fetchone()[0]
        named = (self._store.connection, names, known)
        if named != self._named:
            with self._store.write() as connection:
                r.name_categories(connection, names)
            self._named = named


def _state(connection: sqlite3.Connection) -> Feed:
    """How far the device is, in the caller's transaction."""
    found = connection.execute("SELECT body FROM documents WHERE name = ?", (_FEED,)).fetchone()
    return (decoded(_feed_decoder, found[0]) if found else None) or Feed()


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """What came after `feed` and is not believed, and why."""

    feed: Feed
    reason: str


@dataclass(frozen=True, slots=True)
class _Page:
    """A page that came after `feed`, believed and ready to be written. `then` is how far it leads."""

    feed: Feed
    then: Feed
    part: cm.CatalogPart
    new: r.Prepared
    manifest: cm.CatalogManifest

    @property
    def is_large(self) -> bool:
        """Whether it is a page of a load of everything."""
        return not self.manifest.after or bool(self.feed.total)

    def apply(self, connection: sqlite3.Connection) -> None:
        """Write it, in the caller's transaction; raises _Moved, _Unknown and _Broken."""
        if _state(connection) != self.feed:
            raise _Moved
        try:
            self._apply(connection)
        except (*_SPOILED, sqlite3.IntegrityError) as fault:
            log.warning("the catalog cannot be written as it came: %s", type(fault).__name__)
            raise _Broken from fault

    def _apply(self, connection: sqlite3.Connection) -> None:
        if self.manifest.loading and not self.feed.total:
            r.leave_in_pieces(connection)
        r.take_off(connection, self.part.removed)
        r.put_prepared(connection, self.new)
        _change(connection, self.part.changed, self.then.load)
        r.set_stock(connection, cm.stock_of(self.part.stock))
        if self.is_large and not self.manifest.loading:
            r.take_off_before(connection, self.then.load)
        put_document(connection, _FEED, self.then)


_Came = _Page | _Doubtful | Refusal | None  # None: nothing changed


def _page(feed: Feed, answer: Changed[cm.SignedCatalog], seconds: int) -> _Page | _Doubtful:
    """What came after `feed`, judged and made ready at `seconds`: the time that it takes, in whatever thread."""
    try:
        manifest = cm.read_manifest(answer.answer)
        offered = cm.offered(answer.answer, manifest)
        refused = rules.judge(_held(feed), offered, seconds)
        if refused is not None:
            return _Doubtful(feed, refused.value)
        part = cm.read_parts(offered.parts)
        is_first = not manifest.after
        load = feed.load + is_first
        new = r.prepare(part.rewards, load)
    except _SPOILED:
        return _Doubtful(feed, _UNREADABLE)
    loaded = len(part.rewards) + (0 if is_first else feed.loaded)
    then = Feed(
        cursor=manifest.cursor,
        etag="" if manifest.more else answer.etag,
        programme_key=answer.answer.programme_key,
        issued_at=int(manifest.issued_at.timestamp()),
        expires_at=int(manifest.expires_at.timestamp()),
        version=manifest.version,
        load=load,
        loaded=loaded if manifest.loading else 0,
        total=(manifest.total or feed.total) if manifest.loading else 0,
    )
    return _Page(feed, then, part, new, manifest)


async def _drop(ahead: asyncio.Task[_Came] | None) -> None:
    """Have a page that is asked for ahead not come any more."""
    if ahead is not None:
        ahead.cancel()
        await asyncio.wait([ahead])
        if not ahead.cancelled():
            ahead.exception()  # it is known, and asked again


def _held(feed: Feed) -> rules.HeldCatalog | None:
    if not feed.programme_key:
        return None
    return rules.HeldCatalog(bytes.fromhex(feed.programme_key), feed.issued_at, feed.cursor, feed.version)


def _change(connection: sqlite3.Connection, changed: list[dict[str, Any]], load: int) -> None:
    """Change fields of rewards; a price alone without touching the rest. Raises _Unknown."""
    only_price = {"reference", "points"}
    r.set_points(connection, [(one["reference"], one["points"]) for one in changed if set(one) == only_price])
    whole = []
    for one in changed:
        if set(one) != only_price:
            reward = r.get_reward(connection, one["reference"])
            if reward is None:
                raise _Unknown
            whole.append(msgspec.convert(msgspec.to_builtins(reward, builtin_types=(datetime,)) | one, ListedReward))
    r.put_rewards(connection, whole, load)
