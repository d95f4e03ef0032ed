"""A participant's device that is killed in the middle of its work: `python -m tests.faults.killed_participant`.

It is told in JSON what to do, and tells in lines of JSON what was pressed and what was shown.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

from mirabelle.client.api import NoAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.client.use_cases.redeem import Pending, Redeemed, Refused
from mirabelle.contract.messages import Transfer
from tests.client.devices import device_at

# The second may be had twice, the third asks for a size that nobody here gives.
REWARDS: Final = ("croissant", "coffee-and-cake", "trainers")
HOW_OFTEN: Final = (6, 1, 1)
WRONG_PRICE: Final = 0.05
TAKEN_BACK: Final = 0.5  # of what is shown as not sent
STALLED: Final = 0.01  # of the statements: meanwhile the other process goes on
STALLED_SECONDS: Final = (0.0, 0.2)
SYNCED: Final = 0.3  # how often there is a sync after a press
SENT: Final = 0.3  # and how often points are sent


def tell(**what: Any) -> None:
    """One line, out of this process before it goes on, with the moment: another process tells of the same store."""
    print(json.dumps({**what, "at": time.monotonic()}), flush=True)


async def press(app: App, source: random.Random) -> None:
    """Confirm some reward, as whoever sits before the checkout does, and tell what the screen said."""
    shown = app.catalog.get(source.choices(REWARDS, HOW_OFTEN)[0])
    assert shown is not None
    points = shown.points - (source.random() < WRONG_PRICE)
    key = app.redeem.draft(shown.id).key
    entry = app.outbox.get(key)
    for voucher in app.vouchers.list():  # which lie there before anything is pressed, and after the draft was made
        tell(done=voucher.key_salt)
    if entry is not None and entry.state == "refused":  # the checkout shows that before anything is pressed
        tell(refused=key, reason=entry.reason)
        app.redeem.seen(key)
        key = app.redeem.draft(shown.id).key
    tell(pressed=key, reward=shown.id)
    outcome = await app.redeem.confirm(shown.id, key, points)
    if isinstance(outcome, Redeemed):
        assert outcome.redemption.voucher is not None
        tell(done=outcome.redemption.voucher.key_salt)
    elif isinstance(outcome, Refused):
        tell(refused=key, reason=outcome.refusal.reason)
        app.redeem.seen(key)
    elif outcome == Pending("not_sent") and source.random() < TAKEN_BACK:
        tell(discarding=key)  # from here on another process may find a new draft
        app.redeem.discard(key)
        if app.redeem.draft(shown.id).key != key and key not in {each.key_salt for each in app.vouchers.list()}:
            tell(taken_back=key)


async def send(app: App, recipient: str, points: int) -> None:
    """Send points, and tell what the screen said: surely not sent, or sent; it says nothing where nobody knows."""
    tell(sending=points)
    try:
        answer = await app.send_points(recipient, points)
    except NotSent:
        tell(unsent=points)
    except NoAnswer:
        return
    else:
        if not isinstance(answer, Refusal) or answer.status < 500:  # else nobody knows either
            tell(**{"sent" if isinstance(answer, Transfer) else "unsent": points})


async def work(told: dict[str, Any]) -> None:
    """Press `presses` times, with a sync now and then; this process ends at its `statements`-th statement."""
    app = await device_at(Path(told["directory"])).start(told["url"])
    source, left = random.Random(told["seed"]), told["statements"]
    stalls = random.Random(told["seed"])

    def count(_statement: str) -> None:
        nonlocal left
        left -= 1
        if stalls.random() < STALLED:
            time.sleep(stalls.uniform(*STALLED_SECONDS))
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    app.store.connection.set_trace_callback(count)
    amounts = iter(told["amounts"])
    for _ in range(told["presses"]):
        await press(app, source)
        if source.random() < SYNCED:
            await app.sync.quietly()
        if source.random() < SENT:
            await send(app, told["recipient"], next(amounts))
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(work(json.load(sys.stdin)))
