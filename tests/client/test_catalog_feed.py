"""The catalog on its way to a device: whole and signed at first, then only what changed; cut anywhere, it goes on."""

import contextlib
import random
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mirabelle.client.api import LostAnswer, NoAnswer
from mirabelle.client.app import App
from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.repositories.catalog_feed import Feed
from mirabelle.client.store import rewards as r
from mirabelle.client.store.database import put_document
from mirabelle.contract import catalog as cm
from mirabelle.contract import limits
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, RewardRules
from tests.backend import Backend
from tests.catalogs import generated
from tests.client.devices import Device
from tests.clock import MovableClock
from tests.wire import Wire

CATALOG = "GET /api/v1/catalog"
REWARDS = 2100  # three pages
UNCHANGED_BYTES = 300
STOCK_BYTES = 4000


def programme_of(count: int) -> ProgrammeDocument:
    """The demo programme, with other rewards."""
    document = demo_programme()
    document.categories = []
    document.rewards = [
        RewardRules(
            id=one.id, kind=one.kind, points=one.points, title=one.title, brand=one.brand, popularity=one.popularity
        )
        for one in generated(count)
    ]
    return document


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server with many rewards, of which half are counted, on pages small enough for there to be three."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Backend(tmp_path_factory.mktemp("shop"), programme=programme_of(REWARDS)) as backend,
    ):
        patch.setattr(limits, "CATALOG_LOAD_ROWS", 1000)
        write(backend, "UPDATE rewards SET stocked = 1, stock = reference % 90 WHERE reference % 2 = 0")
        yield backend


def write(backend: Backend, *statements: str) -> None:
    """Change what the server has, as its operator's other tools do."""
    with closing(sqlite3.connect(backend.data / "mirabelle.sqlite", timeout=10)) as database, database:
        for statement in statements:
            database.execute(statement)


@asynccontextmanager
async def synced(backend: Backend, folder: Path) -> AsyncIterator[tuple[App, Wire]]:
    """A device that has the catalog, and its wire to the server."""
    with Wire(backend.url) as wire:
        async with Device(folder).on(wire.url) as app:
            await app.sync()
            yield app, wire


def feed(app: App) -> Feed:
    found = app.store.document("catalog feed", Feed)
    assert found is not None
    return found


def at(app: App, **changes: Any) -> None:
    with app.store.write() as connection:
        put_document(connection, "catalog feed", msgspec.structs.replace(feed(app), **changes))


async def test_the_first_load_brings_the_most_popular_first_and_goes_on_where_it_was_cut(
    shop: Backend, tmp_path: Path
) -> None:
    with Wire(shop.url) as wire:
        async with Device(tmp_path).on(wire.url) as app:
            told: list[tuple[int, int] | None] = []

            def tell() -> None:
                told.append(app.catalog.loading())
                if len(told) == 1:
                    wire.lose_reply(CATALOG)

            app.store.subscribe(("catalog",), tell)
            with pytest.raises(LostAnswer):
                await app.sync()
            assert told == [(1000, REWARDS)]
            shown = app.catalog.search(CatalogQuery(limit=REWARDS))
            assert len(shown) == 1000 and min(one.popularity for one in shown) >= 50
            assert app.catalog.search(CatalogQuery(text=shown[7].title.ar))
            await app.sync()
            assert told[1:] == [(2000, REWARDS), None] and app.catalog.total() == REWARDS
            assert wire.requests[CATALOG] == 4  # three pages, and one of them twice


async def test_a_load_that_is_cut_at_any_byte_goes_on_after_the_last_whole_page(shop: Backend, tmp_path: Path) -> None:
    chance = random.Random(4)
    with Wire(shop.url) as wire:
        async with Device(tmp_path).on(wire.url) as app:
            came: list[int] = []
            app.store.subscribe(("catalog",), lambda: came.append(len(app.catalog.search(CatalogQuery(limit=REWARDS)))))
            for whole in (0, 1000, 2000):
                for _ in range(4):
                    wire.cut_reply(CATALOG, chance.randrange(1, 30_000 if whole < 2000 else 3_000))
                    with pytest.raises(LostAnswer):
                        await app.catalog.refresh()
                    assert (came or [0])[-1] == whole
                stop = app.store.subscribe(("catalog",), lambda: wire.cut_reply(CATALOG, 200))
                with contextlib.suppress(LostAnswer):
                    await app.catalog.refresh()
                stop()
            assert came == [1000, 2000, REWARDS] and app.catalog.total() == REWARDS


async def test_an_index_that_a_load_left_in_pieces_as_the_app_ended_is_put_together_later(
    shop: Backend, tmp_path: Path
) -> None:
    class Ended(Exception):
        pass

    def end() -> None:
        assert r.is_in_pieces(app.store.read)
        if app.catalog.loading() is None:
            raise Ended

    async with Device(tmp_path).on(shop.url) as app:
        stop = app.store.subscribe(("catalog",), end)
        with pytest.raises(Ended):
            await app.catalog.refresh()
        stop()
        assert app.catalog.total() == REWARDS and r.is_in_pieces(app.store.read)
        await app.catalog.refresh()
        assert not r.is_in_pieces(app.store.read)


async def test_an_unchanged_catalog_costs_few_bytes(shop: Backend, tmp_path: Path) -> None:
    async with synced(shop, tmp_path) as (app, wire):
        before = wire.carried
        await app.catalog.refresh()
        assert wire.carried - before <= UNCHANGED_BYTES  # every byte over TCP, headers included, of both directions


async def test_a_thousand_changed_stocks_cost_little(shop: Backend, tmp_path: Path) -> None:
    async with synced(shop, tmp_path) as (app, wire):
        write(
            shop,
            "UPDATE rewards SET stock = (stock + 7) % 90, revision = revision + (SELECT max(revision) FROM rewards)"
            " WHERE stocked AND reference <= 2000",
        )
        before = wire.carried
        await app.catalog.refresh()
        assert wire.carried - before <= STOCK_BYTES
        with closing(sqlite3.connect(shop.data / "mirabelle.sqlite")) as database:
            stock = dict(database.execute("SELECT id, stock FROM rewards"))
        assert {one.id: one.stock for one in app.catalog.search(CatalogQuery(limit=REWARDS))} == stock


async def told(backend: Backend, after: str) -> cm.CatalogPart:
    """What the server tells whoever knows the catalog up to `after`."""
    answer = backend.somebody().get(f"/catalog?form=2&after={after}")
    return cm.read_parts(msgspec.json.decode(answer.content, type=cm.SignedCatalog).parts)


def turned_into(document: ProgrammeDocument, **changes: dict[str, Any] | None) -> ProgrammeDocument:
    """The programme with some rewards changed, or taken away."""
    new = msgspec.convert(msgspec.to_builtins(document), ProgrammeDocument)
    new.rewards = [
        msgspec.structs.replace(one, **(changes.get(one.id.replace("-", "_")) or {}))
        for one in new.rewards
        if changes.get(one.id.replace("-", "_"), {}) is not None
    ]
    return new


async def test_only_the_fields_that_changed_travel_and_what_is_gone_is_taken_off(tmp_path: Path) -> None:
    before, device = programme_of(5), Device(tmp_path)
    with Backend(tmp_path / "server", programme=before) as backend:
        port = int(backend.url.rpartition(":")[2])
        async with device.on(backend.url) as app:
            await app.sync()
            known = feed(app).cursor
            titles = {one.id: one.title for one in app.catalog.search(CatalogQuery())}
            after = turned_into(
                before,
                reward_1={"points": 7},
                reward_2={"popularity": 0, "points": 8},
                reward_3=None,
                reward_4={"stock": 3},
            )
            backend.__exit__()
            with Backend(tmp_path / "server", programme=after, port=port) as again:
                part = await told(again, known)
                assert part.rewards == [] and part.removed == [3]
                assert part.changed == [{"reference": 1, "points": 7}, {"reference": 2, "points": 8, "popularity": 0}]
                assert cm.stock_of(part.stock) == [(4, 3)]
                await app.sync()
                shown = app.catalog.search(CatalogQuery())
                assert [one.id for one in shown] == ["reward-1", "reward-4", "reward-5", "reward-2"]
                assert {one.id: one.title for one in shown}.items() <= titles.items()
                points = {one.id: (one.points, one.stock) for one in shown}
                assert points["reward-1"] == (7, None) and points["reward-4"][1] == 3
                gone = app.catalog.get("reward-3")
                assert gone is not None and gone.title == titles["reward-3"]


@pytest.mark.parametrize("known", ["ffffffff.5", "life.ffffff", "life.ffffff.5.5", "12"])
async def test_a_cursor_of_another_life_or_time_loads_everything_and_loses_nothing(tmp_path: Path, known: str) -> None:
    with Backend(tmp_path / "server", programme=programme_of(5)) as backend:
        async with synced(backend, tmp_path) as (app, _):
            life = feed(app).cursor.partition(".")[0]
            write(backend, "DELETE FROM catalog", "DELETE FROM rewards WHERE reference = 2")  # as a restore does
            at(app, cursor=known.replace("life", life), etag="")
            await app.sync()
            assert [one.id for one in app.catalog.search(CatalogQuery())] == [f"reward-{n}" for n in (1, 3, 4, 5)]
            assert app.catalog.get("reward-2") is not None  # a voucher may name it
            assert app.catalog.refused() == "" and app.catalog.loading() is None


async def test_another_programme_at_the_same_address_replaces_nothing(tmp_path: Path) -> None:
    device = Device(tmp_path)
    with Backend(tmp_path / "one", programme=programme_of(5)) as backend:
        port = int(backend.url.rpartition(":")[2])
        async with device.on(backend.url) as app:
            await app.sync()
            backend.__exit__()
            with Backend(tmp_path / "other", programme=programme_of(9), port=port):
                await app.sync()
                assert app.catalog.refused() == "other_programme" and app.catalog.total() == 5


async def test_what_was_signed_long_ago_is_refused_and_the_old_catalog_stays(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", programme=programme_of(5)) as backend:
        async with Device(tmp_path, now=clock).on(backend.url) as app:
            await app.sync()
            clock.move(days=8)
            await app.sync()  # the server says nothing new today, but what it said last is not believed for ever
            assert app.catalog.refused() == "expired" and app.catalog.total() == 5
            clock.move(days=-8)
            await app.sync()
            assert app.catalog.refused() == ""


class Unchanged(BaseHTTPRequestHandler):
    """Says to whoever asks that nothing changed."""

    def do_GET(self) -> None:
        self.send_response(304)
        self.end_headers()


async def test_nobody_can_keep_a_catalog_old_unnoticed_by_saying_that_nothing_changed(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", programme=programme_of(5)) as backend:
        async with Device(tmp_path, now=clock).on(backend.url) as app:
            await app.sync()
            backend.__exit__()
            with HTTPServer(("127.0.0.1", int(backend.url.rpartition(":")[2])), Unchanged) as liar:
                threading.Thread(target=liar.serve_forever, daemon=True).start()
                clock.move(days=6)
                await app.catalog.refresh()
                assert app.catalog.refused() == ""
                clock.move(days=2)
                with pytest.raises(NoAnswer):  # what was not asked is no answer
                    await app.catalog.refresh()
                assert app.catalog.refused() == "expired" and app.catalog.total() == 5
                liar.shutdown()


async def test_an_app_of_before_is_answered_as_it_understands(shop: Backend) -> None:
    whole, after = [], ""
    more = True
    while more:
        page = shop.somebody().get(f"/catalog?after={after}").json()
        whole += [one["id"] for one in page["rewards"]]
        after, more = page["cursor"], page["more"]
    assert len(set(whole)) == len(whole) == REWARDS and after.isdecimal()
    assert shop.somebody().get(f"/catalog?after={after}").json()["rewards"] == []


@pytest.mark.parametrize("accepted", ["zstd, gzip", "gzip", "identity", "zstd;q=0, gzip"])
async def test_the_catalog_is_packed_as_the_asker_understands(shop: Backend, accepted: str) -> None:
    answer = shop.somebody().http.get("/catalog?form=2&columns=1", headers={"Accept-Encoding": accepted})
    packing = "zstd" if accepted.startswith("zstd,") else "gzip" if "gzip" in accepted else None
    assert answer.headers.get("content-encoding") == packing
    assert msgspec.json.decode(answer.content, type=cm.SignedCatalog).parts
