"""Deleting the account from the device: once, whatever becomes of the answer, and nothing of it stays there."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from mirabelle.client.api import LostAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.contract.account import Leaving, Left
from mirabelle.contract.wire import API_PREFIX
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, balance, confirm, redeemed, signed_in
from tests.wire import CHUNK, Wire

DELETION = f"POST {API_PREFIX}/account/deletions"


def is_gone(app: App, device: Device) -> bool:
    """Whether nobody is signed in, the app says why, and nothing of them is kept."""
    return app.session is None and app.left is not None and not device.files()


async def settled(app: App) -> None:
    """Syncs, and waits until the app has taken its leave of the person."""
    gone = asyncio.Event()
    app.subscribe(("session",), lambda: gone.set() if app.session is None and app.left else None)
    await app.sync()
    await asyncio.wait_for(gone.wait(), 10)


async def test_what_is_told_is_lost_and_nothing_stays_on_the_device(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as app:
        await signed_in(app)
        redeemed(await confirm(app, "croissant"))
        before = balance(app)
        told = await app.leave.would_lose()
        assert isinstance(told, Leaving) and told.points >= before and len(told.vouchers) == 1
        assert await app.leave() == Left(points=told.points, vouchers=len(told.vouchers))
        assert is_gone(app, device) and await device.secrets.get("session.participant") is None
    async with device.on(backend.url) as app:
        assert app.session is None


async def test_a_lost_answer_is_settled_by_the_next_sync(backend: Backend, wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(DELETION)
        with pytest.raises(LostAnswer):
            await app.leave()
        assert app.leave.is_unknown and app.session is not None
        await settled(app)
        assert is_gone(app, device)
        assert not app.leave.is_unknown and wire.requests[DELETION] == 2


async def test_a_lost_answer_is_settled_after_the_app_was_closed(backend: Backend, wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(DELETION)
        with pytest.raises(LostAnswer):
            await app.leave()
    async with device.on(wire.url) as app:
        assert app.session is not None
        await settled(app)
        assert is_gone(app, device)


async def test_without_a_network_nothing_is_asked_and_nothing_waits(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        wire.cut()
        with pytest.raises(NotSent):
            await app.leave()
        assert not app.leave.is_unknown
        wire.mend()
        await app.sync()
        assert app.session is not None


async def test_a_refusal_leaves_all_as_it_was(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        redeemed(await confirm(app, "bowling"))
        before = balance(app)
        refusal = await app.leave()
        assert isinstance(refusal, Refusal) and refusal.reason == "redemption_on_its_way"
        await app.sync()
        assert not app.leave.is_unknown and app.session is not None and balance(app) == before


class SlowWire(Wire):
    """The answer to a deletion comes when a test says so."""

    def __init__(self, server_url: str) -> None:
        super().__init__(server_url)
        self.came, self.goes_on = threading.Event(), asyncio.Event()
        self.loses = False

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        while chunk := await reader.read(CHUNK):
            if asked and asked[0] == DELETION:
                self.came.set()
                await self.goes_on.wait()
                if self.loses:
                    self.loses = False
                    return
            writer.write(chunk)
            await writer.drain()

    def go_on(self) -> None:
        self._loop.call_soon_threadsafe(self.goes_on.set)


async def test_an_answer_that_comes_late_takes_nothing_from_the_next_person(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    with SlowWire(backend.url) as wire:
        async with device.on(wire.url) as app:
            await signed_in(app)
            leaving = asyncio.create_task(app.leave())
            await asyncio.to_thread(wire.came.wait, 10)
            await app.sign_in.sign_out()
            somebody_else = await signed_in(app)
            wire.go_on()
            with pytest.raises(LostAnswer):
                await leaving
            assert app.session == somebody_else and not app.left and not app.leave.is_unknown
        async with device.on(wire.url) as app:
            assert app.session == somebody_else and balance(app)


async def leaves_as_the_session_is_found_over(app: App, wire: SlowWire) -> asyncio.Task[Any]:
    """Somebody's deletion, which the server has carried out and not answered yet."""
    await signed_in(app)
    leaving = asyncio.create_task(app.leave())
    await asyncio.to_thread(wire.came.wait, 10)
    assert isinstance(await app.wallet.refresh(), Refusal)  # as a round that had begun before
    await asyncio.sleep(0)
    await asyncio.gather(*app._background)
    return leaving


@pytest.mark.parametrize("is_lost", [False, True])
async def test_an_answer_that_comes_after_the_session_was_found_over_leaves_nothing_of_the_person(
    backend: Backend, tmp_path: Path, is_lost: bool
) -> None:
    device = Device(tmp_path)
    with SlowWire(backend.url) as wire:
        async with device.on(wire.url) as app:
            leaving = await leaves_as_the_session_is_found_over(app, wire)
            assert app.session is None and device.files() and not app.left
            wire.loses = is_lost
            wire.go_on()
            assert isinstance(await leaving, Left) and is_gone(app, device)
            assert isinstance(device.secrets, KeptSecrets) and list(device.secrets._values) == ["seed"]


async def test_a_deletion_is_asked_about_until_it_is_answered_though_its_session_is_over(
    backend: Backend, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    with SlowWire(backend.url) as wire:
        async with device.on(wire.url) as app:
            leaving = await leaves_as_the_session_is_found_over(app, wire)
            wire.cut()
            with pytest.raises(LostAnswer):
                await leaving
            assert app.session is None and device.files() and not app.left
            wire.go_on()
            wire.mend()
            await settled(app)
            assert is_gone(app, device)


class WithoutKeys(KeptSecrets):
    """A secret store that gives no keys of stores away while they are `out_of_reach`."""

    out_of_reach = False

    async def get(self, name: str) -> str | None:
        if self.out_of_reach and name.startswith("store."):
            raise OSError("locked")
        return await super().get(name)


async def test_what_is_kept_of_whoever_left_goes_though_its_key_is_out_of_reach(
    backend: Backend, tmp_path: Path
) -> None:
    secrets = WithoutKeys()
    device = Device(tmp_path, secrets)
    with SlowWire(backend.url) as wire:
        async with device.on(wire.url) as app:
            leaving = await leaves_as_the_session_is_found_over(app, wire)
            secrets.out_of_reach = True
            wire.go_on()
            assert isinstance(await leaving, Left) and is_gone(app, device)
