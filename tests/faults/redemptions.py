"""People who redeem on a bad line with devices that are killed, and the count of what was lost or came twice."""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mirabelle.client.app import App
from tests.backend import Backend
from tests.client.devices import device_at, signed_in
from tests.faults.proxy import BadLine

ROOT: Final = Path(__file__).parents[2]
FAULTY: Final = 0.2
A_PERSONS_PRESSES: Final = 40  # about as many as a new demo participant has points for
STATEMENTS: Final = (1, 1000)  # between which a device's process is killed
ROUNDS_TO_THE_END: Final = 20


@dataclass
class Count:
    """What came of the presses. `lost`: shown as done and nowhere on the server, or done there and not on the device;
    `silent`: it ended and nobody was told how; `unwritten`: killed before the device had written it down."""

    pressed: int = 0
    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unwritten: int = 0
    lost: int = 0
    twice: int = 0
    silent: int = 0
    waiting: int = 0
    kills: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether every redemption ended once, as its device was told."""
        return not (self.lost or self.twice or self.silent or self.waiting)

    def told(self) -> str:
        """The count in one line."""
        return (
            f"{self.pressed} redemptions and {self.kills} kills in {self.seconds:.0f} s: {self.done} done, "
            f"{self.refused.total()} refused {dict(self.refused)}, {self.unwritten} never written down, "
            f"{self.lost} lost, {self.twice} twice, {self.silent} silent, {self.waiting} still waiting; "
            f"faults {dict(self.faults)}"
        )


@dataclass
class Person:
    """Somebody's device, and what was pressed and shown on it."""

    directory: Path
    pressed: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def hears(self, lines: Iterable[bytes]) -> None:
        """Take in what a process of the device said before it ended."""
        for line in lines:
            said: Mapping[str, str] = json.loads(line)
            if "pressed" in said and said["pressed"] not in self.pressed:
                self.pressed.append(said["pressed"])
            if "done" in said:
                self.done.add(said["done"])
            if "refused" in said:
                self.refused[said["refused"]] = said["reason"]


async def run(backend: Backend, directory: Path, presses: int, seed: int) -> Count:
    """Have people press `presses` times, each on a device of their own, and count."""
    source, count, began = random.Random(seed), Count(), time.monotonic()
    with BadLine(backend.url, seed) as line:
        while count.pressed < presses:
            person = Person(directory / str(count.pressed))
            async with device_at(person.directory).on(backend.url) as app:
                await signed_in(app)
                await app.sync()
            wanted = min(A_PERSONS_PRESSES, presses - count.pressed)
            line.share = FAULTY
            while len(person.pressed) < wanted:
                await _live(person, line, source, wanted - len(person.pressed))
                count.kills += 1
            line.share = 0.0
            line.quiet()
            await _reckon(backend, person, line.url, count)
        count.faults, count.seconds = line.met, time.monotonic() - began
    return count


async def _live(person: Person, line: BadLine, source: random.Random, presses: int) -> None:
    """One life of the device's process: until it is killed."""
    told = {
        "directory": str(person.directory),
        "url": line.url,
        "presses": presses,
        "seed": source.getrandbits(32),
        "statements": source.randint(*STATEMENTS),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.killed_participant", cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'app'}{os.pathsep}{ROOT}"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate(json.dumps(told).encode())
    assert process.returncode == -signal.SIGKILL, process.returncode
    person.hears(said.splitlines())


async def _reckon(backend: Backend, person: Person, url: str, count: Count) -> None:
    """Let the device find out about everything, and compare what it shows with what the programme has."""
    app = await device_at(person.directory).start(url)
    for _ in range(ROUNDS_TO_THE_END):
        await app.sync.quietly()
    entries = app.outbox.entries("redemption")
    count.waiting += sum(entry.state != "refused" for entry in entries)
    refused = person.refused | {entry.key: str(entry.reason) for entry in entries if entry.state == "refused"}
    has, shows, drafted = _on_server(backend, person.pressed), _on_device(app), _drafts(app)
    await app.close()
    for key in person.pressed:
        count.pressed += 1
        count.twice += has[key] > 1
        if has[key]:
            count.done += 1
            count.lost += key not in shows or key in refused
        elif key in person.done:
            count.lost += 1
        elif key in refused:
            count.refused[refused[key]] += 1
        elif key in drafted:
            count.unwritten += 1
        else:
            count.silent += 1


def _on_server(backend: Backend, keys: list[str]) -> Counter[str]:
    with sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True) as database:
        rows: Any = database.execute("SELECT key_salt FROM vouchers").fetchall()
    return Counter(row[0] for row in rows if row[0] in set(keys))


def _on_device(app: App) -> set[str]:
    return {voucher.key_salt for voucher in app.vouchers.list()}


def _drafts(app: App) -> set[str]:
    return {row[0] for row in app.store.read.execute("SELECT key FROM drafts")}
