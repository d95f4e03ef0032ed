"""Points sent from the device: once, whatever becomes of the request or its answer."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.api import LostAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.contract import messages as m
from mirabelle.contract.wire import API_PREFIX
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import TransferRules
from tests.backend import Backend
from tests.client.devices import Device, balance, signed_in, taken_up
from tests.server.mailbox import sign_in
from tests.wire import Wire

TRANSFER = f"POST {API_PREFIX}/transfers"
BASIL = "basil@example.org"


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A programme whose participants may give points to each other. Basil is one of them."""
    programme = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))
    with Backend(tmp_path_factory.mktemp("generous"), programme=programme) as backend:
        sign_in(backend, BASIL)
        yield backend


@pytest.fixture
def wire(generous: Backend) -> Iterator[Wire]:
    """The network between the device and the server, which tests cut."""
    with Wire(generous.url) as wire:
        yield wire


async def with_points(app: App) -> int:
    """Signs in somebody with points; returns the balance."""
    await signed_in(app)
    return balance(app)


async def pressed(app: App) -> "asyncio.Task[object]":
    """Points are being sent: what was asked for is written down and taken up, and there is no connection yet."""
    press = asyncio.ensure_future(app.send_points(BASIL, 100))
    await taken_up(app)
    assert not press.done()
    return press


async def test_points_are_sent_and_the_wallet_knows_at_once(generous: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(generous.url) as app:
        before = await with_points(app)
        sent = await app.send_points(BASIL, 100)
        assert isinstance(sent, m.Transfer) and sent.available_after == balance(app) == before - 100
        assert app.wallet.activity(limit=1)[0].kind == "given" and app.send_points.last() is None


async def test_a_lost_answer_is_settled_by_the_next_sync_and_counts_once(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        before = await with_points(app)
        wire.lose_reply(TRANSFER)
        with pytest.raises(LostAnswer):
            await app.send_points(BASIL, 100)
        assert await app.send_points(BASIL, 100) is None  # nobody knows yet: nothing else is sent
        await app.sync()
        assert app.send_points.last() is None and balance(app) == before - 100


async def test_without_a_network_nothing_is_sent_and_nothing_waits(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        before = await with_points(app)
        wire.cut()
        with pytest.raises(NotSent):
            await app.send_points(BASIL, 100)
        assert app.send_points.last() is None
        wire.mend()
        await app.sync()
        assert balance(app) == before


async def test_what_the_app_was_ended_over_waits_until_it_can_be_sent(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await with_points(app)
        body = msgspec.json.encode(m.TransferRequest(recipient=BASIL, points=50))
        app.outbox.add("written-down", "transfer", BASIL, body, app.now())
        wire.cut()
        assert not await app.sync.quietly()
        assert [entry.state for entry in app.outbox.entries()] == ["waiting"]
        wire.mend()
        assert await app.sync.quietly() and app.outbox.is_empty


async def test_a_refusal_while_nobody_looked_stays_to_be_seen(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await with_points(app)
        wire.lose_reply(TRANSFER)
        with pytest.raises(LostAnswer):
            await app.send_points("nobody@example.org", 100)
        await app.sync()
        last = app.send_points.last()
        assert last is not None and (last.state, last.reason) == ("refused", "no_such_recipient")
        refusal = await app.send_points("nobody@example.org", 5)
        assert isinstance(refusal, Refusal) and app.send_points.last() is None


async def test_a_sync_during_a_press_does_not_send_the_same_points_as_well(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        before = await with_points(app)
        press = await pressed(app)
        await app.sync()
        assert isinstance(await press, m.Transfer)
        assert wire.requests[TRANSFER] == 1
        await app.sync()
        assert balance(app) == before - 100


async def test_a_press_that_could_not_send_does_not_say_so_of_points_that_another_window_took_up(
    generous: Backend, wire: Wire, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        before = await with_points(app)
        async with device.on(generous.url) as other:
            wire.cut()
            press = await pressed(app)
            [entry] = other.outbox.entries()
            assert other.outbox.claim(entry.key) is not None
            with pytest.raises(LostAnswer):
                await press
            assert await app.send_points(BASIL, 100) is None  # nobody knows yet: nothing else is sent
            await other.sync()
            assert balance(other) == before - 100 and app.outbox.is_empty


async def test_a_press_that_another_window_settled_is_not_called_unsent(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await with_points(app)
        async with device.on(wire.url) as other:
            wire.cut()
            press = await pressed(app)
            [entry] = other.outbox.entries()
            with other.store.write("outbox") as connection:  # on a receipt
                other.outbox.settle(connection, entry.key)
            with pytest.raises(LostAnswer):
                await press
            assert app.outbox.is_empty


async def test_two_windows_that_send_points_at_once_send_them_once(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await with_points(app)
        async with device.on(wire.url) as other:
            sent = await asyncio.gather(app.send_points(BASIL, 100), other.send_points(BASIL, 100))
            assert sum(isinstance(answer, m.Transfer) for answer in sent) == wire.requests[TRANSFER] == 1


async def test_a_lost_transfer_keeps_nothing_else_from_being_synced(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await with_points(app)
        wire.lose_reply(TRANSFER, times=2)
        with pytest.raises(LostAnswer):
            await app.send_points(BASIL, 100)
        wallet = app.wallet.current()
        with pytest.raises(LostAnswer):
            await app.sync()
        after = app.wallet.current()
        assert wallet is not None and after is not None and after.as_of > wallet.as_of
