"""People who redeem and send points on a bad line with two processes of a device, both killed again and again, and the
count of what was lost or came twice."""

import asyncio
import itertools
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mirabelle.client.app import App
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, TransferRules
from tests.backend import Backend
from tests.client.devices import device_at, signed_in
from tests.faults.intentions import Heard, Intention
from tests.faults.proxy import AWAY, FAULTS, BadLine
from tests.server.mailbox import sign_in

ROOT: Final = Path(__file__).parents[2]
FAULTY: Final = 0.2
A_PERSONS_PRESSES: Final = 40  # about as many as a new demo participant has points for
STATEMENTS: Final = (1, 1000)  # between which a device's process is killed
ROUNDS_TO_THE_END: Final = 20
PROCESSES: Final = 2  # of one device, as two windows of the installed app are
LEAST_POINTS: Final = 10  # that may be sent
FRIEND: Final = "friend@example.org"


@dataclass
class Count:
    """What came of the presses. `twice`: a reward or points more often than meant, by however many keys; `lost`: shown
    as done and nowhere on the server, or done there and not on the device; `silent`: it ended and nobody was told how;
    `unwritten`: killed before the device had written it down."""

    pressed: int = 0
    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unwritten: int = 0
    taken_back: int = 0
    sent: int = 0
    lost: int = 0
    twice: list[Intention | int] = field(default_factory=list)
    silent: list[Intention] = field(default_factory=list)
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
            f"{self.taken_back} taken back, {self.sent} times points sent, "
            f"{self.lost} lost, {len(self.twice)} twice, {len(self.silent)} silent, "
            f"{self.waiting} still waiting; faults {dict(self.faults)}"
            + "".join(f"\ntwice: {what}" for what in self.twice)
            + "".join(f"\nsilent: {what}" for what in self.silent)
        )


@dataclass
class Person:
    """Somebody's device, and what was pressed and shown on it. No two transfers are of the same amount."""

    directory: Path
    amounts: Iterator[int]
    subject: str = ""
    past: set[str] = field(default_factory=set)
    heard: Heard = field(default_factory=Heard)


def programme() -> ProgrammeDocument:
    """The demo programme, where participants may give points to each other."""
    return msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=LEAST_POINTS))


async def run(backend: Backend, directory: Path, presses: int, seed: int) -> Count:
    """Have people press `presses` times, each on a device of their own, and count. `backend` serves `programme`."""
    source, count, began = random.Random(seed), Count(), time.monotonic()
    sign_in(backend, FRIEND)
    with BadLine(backend.url, seed, faults=(*FAULTS, AWAY)) as line:
        while count.pressed < presses:
            person = Person(directory / str(count.pressed), itertools.count(LEAST_POINTS))
            async with device_at(person.directory).on(backend.url) as app:
                person.subject = (await signed_in(app)).subject
                await app.sync()
                person.past = _on_device(app)
            wanted = min(A_PERSONS_PRESSES, presses - count.pressed)
            line.share = FAULTY
            while len(person.heard.intentions) < wanted:
                await _live(person, line, source, wanted - len(person.heard.intentions))
                count.kills += PROCESSES
            line.share = 0.0
            line.quiet()
            await _reckon(backend, person, line.url, count)
        count.faults, count.seconds = line.met, time.monotonic() - began
    return count


async def _live(person: Person, line: BadLine, source: random.Random, presses: int) -> None:
    """One life of the device's processes: until each is killed."""
    told = [
        {
            "directory": str(person.directory),
            "url": line.url,
            "presses": -(-presses // PROCESSES),
            "amounts": list(itertools.islice(person.amounts, presses)),
            "recipient": FRIEND,
            "seed": source.getrandbits(32),
            "statements": source.randint(*STATEMENTS),
        }
        for _ in range(PROCESSES)
    ]
    said = await asyncio.gather(*map(_lived, told))
    person.heard.take_in(json.loads(line) for lines in said for line in lines.splitlines())


async def _lived(told: dict[str, Any]) -> bytes:
    """What a process said until it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.killed_participant", cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'app'}{os.pathsep}{ROOT}"},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate(json.dumps(told).encode())
    assert process.returncode == -signal.SIGKILL, process.returncode
    return said


async def _reckon(backend: Backend, person: Person, url: str, count: Count) -> None:
    """Let the device find out about everything, and compare what it shows with what the programme has."""
    app = await device_at(person.directory).start(url)
    for _ in range(ROUNDS_TO_THE_END):
        await app.sync.quietly()
    count.waiting += sum(entry.state != "refused" for entry in app.outbox.entries())
    entries = app.outbox.entries("redemption")
    refused = {entry.key: str(entry.reason) for entry in entries if entry.state == "refused"}
    has, shows, drafted = _issued(backend, person), _on_device(app), _drafts(app)
    given, heard = _given(backend, person.subject), person.heard
    await app.close()
    count.twice += [*heard.twice(has), *heard.transfers_twice(given)]
    count.lost += heard.transfers_lost(given) + sum(key not in shows for key in has)
    count.sent += given.total()
    for intention in heard.intentions:
        count.pressed += 1
        intention.refused = intention.refused or next((refused[key] for key in intention.keys if key in refused), "")
        _tell_apart(count, intention, is_done=any(has[key] for key in intention.keys))
        if intention.is_open and not any(has[key] for key in intention.keys):
            if any(key in drafted for key in intention.keys):
                count.unwritten += 1
            elif intention.discarding:  # it was taken back, and the device killed before it could say so
                count.taken_back += 1
            else:
                count.silent.append(intention)


def _tell_apart(count: Count, intention: Intention, is_done: bool) -> None:
    if is_done:
        count.done += 1
        count.lost += bool(intention.refused)
    elif intention.done:
        count.lost += 1
    elif intention.refused:
        count.refused[intention.refused] += 1
    elif intention.taken_back:
        count.taken_back += 1


def _rows(backend: Backend, query: str, subject: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True)) as database:
        return database.execute(query, (subject,)).fetchall()


def _issued(backend: Backend, person: Person) -> Counter[str]:
    """How many vouchers were issued under which key, but for those that a demo visitor begins with."""
    rows = _rows(backend, "SELECT key_salt FROM vouchers WHERE participant = ?", person.subject)
    return Counter(key for (key,) in rows if key not in person.past)


def _given(backend: Backend, subject: str) -> Counter[int]:
    """How often which amount was given."""
    query = "SELECT -available FROM postings WHERE participant = ? AND kind = 'transfer' AND available < 0"
    return Counter(points for (points,) in _rows(backend, query, subject))


def _on_device(app: App) -> set[str]:
    return {voucher.key_salt for voucher in app.vouchers.list()}


def _drafts(app: App) -> set[str]:
    return {row[0] for row in app.store.read.execute("SELECT key FROM drafts")}
