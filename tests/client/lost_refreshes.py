"""Loses the replies to a device's renewals of its session: `python -m tests.client.lost_refreshes [TIMES] [SEED]`."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path
from typing import Final

from mirabelle.client.api import NoAnswer, Refusal
from mirabelle.client.app import App
from mirabelle.contract import endpoints as e
from tests.backend import Backend
from tests.client.devices import Device, signed_in
from tests.clock import MovableClock
from tests.wire import Wire

REFRESHES: Final = "POST /api/v1/sign-in/refreshes"
MOST_IN_A_ROW: Final = 3
RESTART_EVERY: Final = 20  # or so
MINUTES_AWAY: Final = (0, 1, 10, 24 * 60)


async def lose_replies(folder: Path, times: int, seed: int) -> tuple[int, int]:
    """Let `times` replies get lost, some of them in a row, the network being away for a while or the app being ended
    after some: how many did, and how often the device was signed out for it."""
    clock, chance, signed_out = MovableClock(), random.Random(seed), 0
    with Backend(folder / "server", clock=clock) as server, Wire(server.url) as wire:
        device = Device(folder, now=clock)
        app = await device.start(wire.url)
        await signed_in(app)
        while wire.lost[REFRESHES] < times:
            clock.move(minutes=11)  # the access token is over
            wire.lose_reply(REFRESHES, chance.randint(1, MOST_IN_A_ROW))
            while not await is_answered(app):
                clock.move(minutes=chance.choice(MINUTES_AWAY))
                if chance.randrange(RESTART_EVERY) == 0:
                    await app.close()
                    app = await device.start(wire.url)
            if app.session is None:
                signed_out += 1
                await signed_in(app)
        await app.close()
        return wire.lost[REFRESHES], signed_out


async def is_answered(app: App) -> bool:
    """Whether there was an answer to a question that needs somebody to be signed in."""
    try:
        answer = await app.api.call(e.ACTIVITY)
    except NoAnswer:
        return False
    assert not isinstance(answer, Refusal) or app.session is None
    return True


def main(times: int, seed: int) -> int:
    """Print what came of it; how often the device was signed out."""
    with tempfile.TemporaryDirectory() as folder:
        lost, signed_out = asyncio.run(lose_replies(Path(folder), times, seed))
    print(f"{lost} replies lost, signed out {signed_out} times")
    return signed_out


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(words + [10_000, 1][len(words) :])) > 0)
