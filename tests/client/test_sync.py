"""Keeping in sync: in rounds, sooner when somebody looks again, and never for a page that nobody sees."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer
from mirabelle.client.app import App
from mirabelle.client.use_cases.redeem import Pending
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, signed_in
from tests.wire import CHUNK, Wire

CATALOG = "GET /api/v1/catalog"

PROGRAMME = "GET /api/v1/programme"
REDEMPTIONS = "GET /api/v1/redemptions"
WALLET = "GET /api/v1/wallet"


@asynccontextmanager
async def rounds(app: App, is_seen: bool = True) -> AsyncIterator[None]:
    """The app's rounds, under way."""
    task = asyncio.ensure_future(app.keep_in_sync(lambda: is_seen))
    yield
    task.cancel()
    await asyncio.wait([task])


async def told(app: App, connection: str) -> None:
    """Wait until the app says so of its connection; the rounds alone would take longer than this allows."""
    changed = asyncio.Event()
    stop = app.subscribe(("connection",), changed.set)
    while app.connection != connection:
        await asyncio.wait_for(changed.wait(), 8)
        changed.clear()
    stop()


async def test_a_woken_app_finds_out_at_once_whether_the_server_is_there(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app, rounds(app):
        await told(app, "online")
        wire.cut()
        app.wake()
        await told(app, "offline")
        wire.mend()
        app.wake()
        await told(app, "online")


async def test_rounds_that_are_woken_as_they_are_ended_end(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app, asyncio.timeout(8), rounds(app, is_seen=False):
        for _ in range(10):  # until they wait
            await asyncio.sleep(0)
        app.wake()


async def test_a_page_that_nobody_sees_asks_for_nothing(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before = wire.requests[PROGRAMME]
        async with rounds(app, is_seen=False):
            app.wake()
            await asyncio.sleep(0)
        assert wire.requests[PROGRAMME] == before


async def test_a_round_that_lost_one_answer_of_many_is_followed_by_a_pause(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(WALLET, times=1000)
        assert not await app.sync.quietly()
        assert app.connection == "offline"
        written = asyncio.Event()
        async with rounds(app):
            app.subscribe(("programme",), written.set)
            await asyncio.wait_for(written.wait(), 8)  # the first round has begun
            await app.sync.quietly()  # and has ended with this
            written.clear()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(written.wait(), 1)


async def test_a_round_that_fails_is_not_the_last(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        app.store.read.execute("ALTER TABLE documents RENAME TO elsewhere")  # as a broken disk would have it
        await app.sync.quietly()
        app.store.read.execute("ALTER TABLE elsewhere RENAME TO documents")
        written = asyncio.Event()
        app.subscribe(("programme",), written.set)
        async with rounds(app):
            await asyncio.wait_for(written.wait(), 8)


async def test_what_a_person_has_does_not_wait_for_the_catalog(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before = app.wallet.current()
        wire.cut_reply(CATALOG, 1)
        with pytest.raises(LostAnswer):
            await app.sync()
        after = app.wallet.current()
        assert before is not None and after is not None and after.as_of > before.as_of


class LongCatalog(Wire):
    """A line on which the catalog, once it `is_long`, takes longer than anybody waits."""

    def __init__(self, server_url: str) -> None:
        super().__init__(server_url)
        self.is_long, self.came = False, threading.Event()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        while chunk := await reader.read(CHUNK):
            if self.is_long and asked == [CATALOG]:
                self.came.set()
                await asyncio.Event().wait()
            writer.write(chunk)
            await writer.drain()


async def test_nothing_that_is_redeemed_waits_for_the_catalog(backend: Backend, tmp_path: Path) -> None:
    with LongCatalog(backend.url) as wire:
        async with Device(tmp_path).on(wire.url) as app:
            await signed_in(app)
            wire.cut()
            assert await confirm(app, "croissant") == Pending("not_sent")
            wire.mend()
            wire.is_long, before = True, wire.requests[REDEMPTIONS]
            async with rounds(app):
                await asyncio.to_thread(wire.came.wait, 8)
                assert app.outbox.is_empty and app.vouchers.list() and wire.requests[REDEMPTIONS] > before
                redeemed(await asyncio.wait_for(confirm(app, "coffee-and-cake"), 8))
                assert app._woken.is_set()  # what was just redeemed may be news to the catalog: it is asked for again
