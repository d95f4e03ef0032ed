"""Points sent from the device: once, whatever becomes of the request or its answer."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.api import LostAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.contract import messages as m
from mirabelle.contract.endpoints import API_PREFIX
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import TransferRules
from tests.backend import Backend
from tests.client.devices import Device, balance, sign_in_by_mail, signed_in
from tests.wire import Wire

TRANSFER = f"POST {API_PREFIX}/transfers"
BASIL = "basil@example.org"


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A programme whose participants may give points to each other."""
    programme = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))
    with Backend(tmp_path_factory.mktemp("generous"), programme=programme) as backend:
        yield backend


@pytest.fixture
def wire(generous: Backend) -> Iterator[Wire]:
    """The network between the device and the server, which tests cut."""
    with Wire(generous.url) as wire:
        yield wire


async def with_basil(app: App, generous: Backend, tmp_path: Path) -> int:
    """Signs in somebody with points, and makes sure that Basil takes part; returns the balance."""
    async with Device(tmp_path).on(generous.url) as other:
        await sign_in_by_mail(other, generous, BASIL)
    await signed_in(app)
    return balance(app)


async def test_points_are_sent_and_the_wallet_knows_at_once(generous: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(generous.url) as app:
        before = await with_basil(app, generous, tmp_path)
        sent = await app.send_points(BASIL, 100)
        assert isinstance(sent, m.Transfer) and sent.available_after == balance(app) == before - 100
        assert app.wallet.activity(limit=1)[0].kind == "given" and app.send_points.last() is None


async def test_a_lost_answer_is_settled_by_the_next_sync_and_counts_once(
    generous: Backend, wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        before = await with_basil(app, generous, tmp_path)
        wire.lose_reply(TRANSFER)
        with pytest.raises(LostAnswer):
            await app.send_points(BASIL, 100)
        assert await app.send_points(BASIL, 100) is None  # nobody knows yet: nothing else is sent
        await app.sync()
        assert app.send_points.last() is None and balance(app) == before - 100


async def test_without_a_network_nothing_is_sent_and_nothing_waits(
    generous: Backend, wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        before = await with_basil(app, generous, tmp_path)
        wire.cut()
        with pytest.raises(NotSent):
            await app.send_points(BASIL, 100)
        assert app.send_points.last() is None
        wire.mend()
        await app.sync()
        assert balance(app) == before


async def test_what_the_app_was_ended_over_waits_until_it_can_be_sent(
    generous: Backend, wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await with_basil(app, generous, tmp_path)
        body = msgspec.json.encode(m.TransferRequest(recipient=BASIL, points=50))
        app.outbox.add("written-down", "transfer", BASIL, body, app.now())
        wire.cut()
        assert not await app.sync.quietly()
        assert [entry.state for entry in app.outbox.entries()] == ["waiting"]
        wire.mend()
        assert await app.sync.quietly() and app.outbox.is_empty


async def test_a_refusal_while_nobody_looked_stays_to_be_seen(generous: Backend, wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await with_basil(app, generous, tmp_path)
        wire.lose_reply(TRANSFER)
        with pytest.raises(LostAnswer):
            await app.send_points("nobody@example.org", 100)
        await app.sync()
        last = app.send_points.last()
        assert last is not None and (last.state, last.reason) == ("refused", "no_such_recipient")
        refusal = await app.send_points("nobody@example.org", 5)
        assert isinstance(refusal, Refusal) and app.send_points.last() is None
