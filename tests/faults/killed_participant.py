"""A participant's device that is killed in the middle of its work: `python -m tests.faults.killed_participant`.

It is told in JSON what to do, and tells in lines of JSON what was pressed and what was shown.
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any, Final

from mirabelle.client.app import App
from mirabelle.client.use_cases.redeem import Pending, Redeemed, Refused
from tests.client.devices import device_at

# The second may be had twice, the third asks for a size that nobody here gives.
REWARDS: Final = ("croissant", "coffee-and-cake", "trainers")
HOW_OFTEN: Final = (6, 1, 1)
WRONG_PRICE: Final = 0.05


def tell(**what: Any) -> None:
    """One line, out of this process before it goes on."""
    print(json.dumps(what), flush=True)


async def press(app: App, source: random.Random) -> None:
    """Confirm some reward, as whoever sits before the checkout does, and tell what the screen said."""
    shown = app.catalog.get(source.choices(REWARDS, HOW_OFTEN)[0])
    assert shown is not None
    points = shown.points - (source.random() < WRONG_PRICE)
    key = app.redeem.draft(shown.id).key
    entry = app.outbox.get(key)
    if entry is not None and entry.state == "refused":  # the checkout shows that before anything is pressed
        tell(refused=key, reason=entry.reason)
        app.redeem.seen(key)
        key = app.redeem.draft(shown.id).key
    tell(pressed=key)
    outcome = await app.redeem.confirm(shown.id, key, points)
    if isinstance(outcome, Redeemed):
        tell(done=key)
    elif isinstance(outcome, Refused):
        tell(refused=key, reason=outcome.refusal.reason)
        app.redeem.seen(key)
    else:
        assert isinstance(outcome, Pending), outcome


async def work(told: dict[str, Any]) -> None:
    """Press `presses` times, with a sync now and then; this process ends at its `statements`-th statement."""
    app = await device_at(Path(told["directory"])).start(told["url"])
    source, left = random.Random(told["seed"]), told["statements"]

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    app.store.connection.set_trace_callback(count)
    for _ in range(told["presses"]):
        await press(app, source)
        if source.random() < 0.3:
            await app.sync.quietly()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(work(json.load(sys.stdin)))
