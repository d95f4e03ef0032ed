"""A session outlives every reply that gets lost on the way to its device, and no thief who comes after its owner."""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from mirabelle.client.api import Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.contract.reasons import Reason
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, sign_in_by_mail, signed_in
from tests.client.lost_refreshes import REFRESHES, is_answered, lose_replies
from tests.clock import MovableClock
from tests.wire import Wire

TIMES = 20


async def token_of(device: Device) -> str:
    kept = await device.secrets.get("session.participant")
    assert kept is not None
    return str(json.loads(kept)["refresh_token"])


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def own(tmp_path: Path, clock: MovableClock) -> Iterator[Backend]:
    """A server whose clock can be moved."""
    with Backend(tmp_path / "server", clock=clock) as running:
        yield running


async def test_however_many_replies_are_lost_nobody_is_signed_out(tmp_path: Path) -> None:
    lost, signed_out = await lose_replies(tmp_path, TIMES, seed=1)
    assert lost >= TIMES and signed_out == 0


async def test_a_reply_lost_before_an_hour_without_network_signs_nobody_out_where_the_clock_is_wrong_either(
    own: Backend, clock: MovableClock, tmp_path: Path
) -> None:
    wrong = MovableClock()
    wrong.move(days=-400)
    with Wire(own.url) as wire:
        async with Device(tmp_path, now=wrong).on(wire.url) as app:
            await signed_in(app)
            clock.move(minutes=11)
            wire.lose_reply(REFRESHES)
            assert not await is_answered(app)
            clock.move(hours=1)
            assert await is_answered(app) and app.session is not None


class Interrupted(KeptSecrets):
    """A secret store where something else may happen after the session was read."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def get(self, name: str) -> str | None:
        value = await super().get(name)
        if name == "session.participant" and self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return value


async def test_a_window_that_another_one_overtakes_twice_signs_nobody_out(
    own: Backend, clock: MovableClock, tmp_path: Path
) -> None:
    slow = MovableClock()
    slow.move(minutes=-5)
    secrets = Interrupted()
    device, second = Device(tmp_path, secrets, now=clock), Device(tmp_path, secrets, now=slow)
    second.directory = device.directory
    async with device.on(own.url) as app:
        await sign_in_by_mail(app, own, "overtaken@example.org")

        async def renewed_twice() -> None:
            for _ in range(2):
                clock.move(minutes=11)
                assert await is_answered(app)

        async with second.on(own.url) as other:
            secrets.meanwhile = renewed_twice
            await is_answered(other)
            assert secrets.meanwhile is None
            assert await is_answered(other) and await is_answered(app)
            assert app.session is not None and other.session == app.session


@pytest.mark.parametrize(("after", "has_key"), [(1, False), (2, False), (2, True), (7, True)])
async def test_a_thief_who_comes_after_the_owner_gets_nothing_and_ends_the_session(
    own: Backend, clock: MovableClock, tmp_path: Path, after: int, has_key: bool
) -> None:
    device = Device(tmp_path, now=clock)
    async with device.on(own.url) as app:
        await sign_in_by_mail(app, own, f"nour-{after}-{has_key:d}@example.org")
        stolen = await token_of(device)
        for _ in range(after):
            clock.move(minutes=11)
            assert not isinstance(await app.wallet.refresh(), Refusal)
        clock.move(minutes=11)
        seed = await device.secrets.get("seed")
        assert seed is not None and await token_of(device) != stolen
        keys, now = Keys(bytes.fromhex(seed) if has_key else b"x" * 32), int(clock().timestamp())
        dated = {"signed_at": now, "signature": keys.prove_at(stolen, now)}
        body = {"refresh_token": stolen, "proof": keys.prove(stolen), "dated": dated}
        answer = own.somebody().post("/sign-in/refreshes", body)
        assert answer.json()["code"] == Reason.SESSION_ENDED
        refused = await app.wallet.refresh()
        assert isinstance(refused, Refusal) and refused.reason == Reason.SESSION_ENDED and app.session is None
