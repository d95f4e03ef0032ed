"""A session outlives every reply that gets lost on the way to its device; a token that was stolen outlives nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirabelle.client.api import Refusal
from mirabelle.contract.reasons import Reason
from mirabelle.rules import holder
from tests.backend import Backend
from tests.client.devices import Device, sign_in_by_mail
from tests.client.lost_refreshes import lose_replies
from tests.clock import MovableClock

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


@pytest.mark.parametrize("after", [1, 2, 7])
async def test_a_thief_who_comes_after_the_owner_gets_nothing_and_ends_the_session(
    own: Backend, clock: MovableClock, tmp_path: Path, after: int
) -> None:
    device = Device(tmp_path, now=clock)
    async with device.on(own.url) as app:
        await sign_in_by_mail(app, own, f"nour-{after}@example.org")
        stolen = await token_of(device)
        for _ in range(after):
            clock.move(minutes=11)
            assert not isinstance(await app.wallet.refresh(), Refusal)
        clock.move(minutes=11)
        seed = await device.secrets.get("seed")
        assert seed is not None and await token_of(device) != stolen
        private = holder.derive_holder_key(bytes.fromhex(seed), b"MV1 device")  # they stole all that there was
        proof = holder.sign(private, b"MV1 refresh\0" + stolen.encode()).hex()
        answer = own.somebody().post("/sign-in/refreshes", {"refresh_token": stolen, "proof": proof})
        assert answer.json()["code"] == Reason.SESSION_ENDED
        refused = await app.wallet.refresh()
        assert isinstance(refused, Refusal) and refused.reason == Reason.SESSION_ENDED and app.session is None
