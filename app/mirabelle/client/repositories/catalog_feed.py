"""Keeping the catalog fresh: what changed is fetched page by page; each is believed or not, applied wholly or not."""

import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from mirabelle.client.api import Api, Changed, NoAnswer, Refusal
from mirabelle.client.store import rewards as r
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import catalog as cm
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import ListedReward
from mirabelle.rules import catalog_trust as rules

log = logging.getLogger(__name__)

_FEED: Final = "catalog feed"
_UNREADABLE: Final = "unreadable"


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


class _Unknown(Exception):
    """Something changed of a reward that this device does not have."""


class CatalogFeed:
    """Fetches the catalog. `ready` makes the store's index usable, `names` are the categories' names."""

    def __init__(
        self,
        store: Store,
        api: Api,
        now: Callable[[], datetime],
        ready: Callable[[], None],
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
        more = True
        while more:
            self._ready()
            feed, path = self.state(), self._store.path
            query = {"form": cm.FORM} | ({"after": feed.cursor} if feed.cursor else {})
            if feed.total or not feed.cursor:  # whole rewards are what comes
                query["columns"] = cm.COLUMNS
            # Anybody on the way can say that nothing changed, since that is not signed: it is not believed for ever.
            is_sound = not feed.refused and self._seconds() < feed.expires_at
            answer = await self._api.changed(e.CATALOG, query, feed.etag if is_sound else "")
            if isinstance(answer, Refusal):
                return answer
            if path != self._store.path:
                continue  # somebody else's store by now: it asks for itself
            if answer is None:
                break
            more = self._take(feed, answer)
        self._name_categories()
        if not self.state().total and r.is_in_pieces(self._store.read):
            with self._store.write() as connection:
                r.tidy_index(connection)
        return None

    def _take(self, feed: Feed, answer: Changed[cm.SignedCatalog]) -> bool:
        """Apply a page if it can be believed; whether there is more to ask for."""
        try:
            manifest = cm.read_manifest(answer.answer)
            offered = cm.offered(answer.answer, manifest)
            refused = rules.judge(_held(feed), offered, self._seconds())
            part = cm.CatalogPart() if refused else cm.read_parts(offered.parts)
        except (ValueError, msgspec.MsgspecError):
            self._refuse(feed, _UNREADABLE)
            return False
        if refused is not None:
            self._refuse(feed, refused.value)
            return False
        try:
            with self._store.write("catalog") as connection:
                self._apply(connection, feed, part, manifest, answer)
        except _Unknown:
            log.warning("something changed of a reward that is not known here; everything is loaded anew")
            with self._store.write("catalog") as connection:
                self.begin_anew(connection)
            return True
        return manifest.more

    def _apply(
        self,
        connection: sqlite3.Connection,
        feed: Feed,
        part: cm.CatalogPart,
        manifest: cm.CatalogManifest,
        answer: Changed[cm.SignedCatalog],
    ) -> None:
        is_first = not manifest.after
        load, loaded = feed.load + is_first, len(part.rewards) + (0 if is_first else feed.loaded)
        if manifest.loading:
            r.leave_in_pieces(connection)
        r.take_off(connection, part.removed)
        r.put_rewards(connection, part.rewards, load)
        _change(connection, part.changed, load)
        r.set_stock(connection, cm.stock_of(part.stock))
        if (is_first or feed.total) and not manifest.loading:
            r.take_off_before(connection, load)
        state = Feed(
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
        put_document(connection, _FEED, state)

    def begin_anew(self, connection: sqlite3.Connection) -> None:
        """Have everything loaded at the next refresh; whose catalog it is stays known."""
        put_document(connection, _FEED, msgspec.structs.replace(self.state(), cursor="", etag="", total=0))

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
        named = (self._store.path, names, known)
        if named != self._named:
            self._ready()
            with self._store.write() as connection:
                r.name_categories(connection, names)
            self._named = named


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
