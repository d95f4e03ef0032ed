"""A till that is killed in the middle of its work: `python -m tests.client.killed_till`, told what to do in JSON."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from mirabelle.contract.till_messages import Scan
from tests.client.devices import Device


async def work(told: dict[str, str]) -> None:
    """Scan a frame, or sync; the first statement that begins with `mark` is the last thing this process meets."""
    device = Device(Path(told["directory"]))
    device.directory = Path(told["directory"])
    for name, value in json.loads(told["secrets"]).items():
        await device.secrets.set(name, value)
    app = await device.start(told["url"])

    def look(statement: str) -> None:
        if statement.startswith(told["mark"]):
            os.kill(os.getpid(), signal.SIGKILL)

    if told["mark"]:
        app.store.connection.set_trace_callback(look)
    if told["frame"]:
        answer = await app.scan.frame(told["frame"])
        assert isinstance(answer, Scan)
        print(answer.verdict, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    await app.sync.quietly()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(work(json.load(sys.stdin)))
