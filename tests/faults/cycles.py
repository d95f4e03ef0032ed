"""Two tills on a bad line, customers who show their vouchers there, and the count of what was lost or came twice."""

import random
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mirabelle.client.api import NoAnswer
from mirabelle.client.app import App
from mirabelle.contract.till_messages import Scan
from tests.backend import Backend, Person
from tests.client.tills import Customer, TillDevice, till_in_sync
from tests.faults.proxy import BadLine

FAULTY: Final = 0.2
REWARD, POINTS = "croissant", 110
ROUNDS_TO_THE_END: Final = 20


@dataclass
class Told:
    """What the tills' screens said: accepted scans by their ids, and those that were undone."""

    accepted: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    shown: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """What came of it; `lost` were accepted and the programme does not know, `twice` it knows more than once,
    `unheard` it has as used though no till said so."""

    cycles: int
    accepted: int
    offline: int
    undone: int
    conflicts: int
    lost: int
    twice: int
    unheard: int
    waiting: int
    faults: dict[str, int]
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether every scan is known, once, to whom it has to be."""
        return not (self.lost or self.twice or self.unheard or self.waiting)

    def told(self) -> str:
        """The outcome in one line."""
        return (
            f"{self.cycles} cycles in {self.seconds:.0f} s: {self.accepted} accepted ({self.offline} without network, "
            f"{self.undone} undone, {self.conflicts} used at both tills), {self.lost} lost, {self.twice} twice, "
            f"{self.unheard} unheard of, {self.waiting} still waiting; faults {self.faults}"
        )


class Shop:
    """Customers with vouchers to show, as many as are wanted; they reach the programme without the bad line."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._person: Person | None = None

    def customer(self) -> Customer:
        """Somebody with a new voucher."""
        if self._person is None or self._person.available() < POINTS:
            self._person = self._backend.participant()
        return Customer(self._backend, self._person, REWARD, POINTS)


async def run(backend: Backend, directory: Path, cycles: int, seed: int) -> Outcome:
    """Go through `cycles` syncs under faults, then let the line heal and count."""
    source, told, shop, began = random.Random(seed), Told(), Shop(backend), time.monotonic()
    with BadLine(backend.url, seed) as line:
        devices = [TillDevice(directory), TillDevice(directory)]
        tills = [await till_in_sync(await device.start(line.url)) for device in devices]
        line.share = FAULTY
        for cycle in range(cycles):
            if cycle % 2 == 0:
                await _present(source, line, tills, shop.customer(), told)
            app = tills[source.randrange(2)]
            await app.sync.quietly()
            if source.random() < 0.02:
                which = tills.index(app)
                await app.close()
                tills[which] = await devices[which].start(line.url)
        line.share = 0.0
        line.quiet()
        for _ in range(ROUNDS_TO_THE_END):
            for app in tills:
                await app.sync.quietly()
        waiting = sum(len(app.offline_scans.list("waiting", "unknown", "refused")) for app in tills)
        for app in tills:
            await app.close()
        return _counted(backend, told, cycles, waiting, dict(line.met), time.monotonic() - began)


async def _present(source: random.Random, line: BadLine, tills: list[App], customer: Customer, told: Told) -> None:
    """A voucher is shown at a till, now and then at both, with the network there or gone, and now and then undone."""
    first = source.randrange(2)
    for app in (tills[first], tills[1 - first])[: 2 if source.random() < 0.1 else 1]:
        line.cut(source.random() < 0.5)
        try:
            scan = await app.scan.frame(customer.frame())
        except NoAnswer:
            continue
        finally:
            line.cut(False)
        if not isinstance(scan, Scan):
            continue
        told.shown[f"{scan.verdict}{' offline' if scan.offline else ''}"] += 1
        if scan.verdict == "accepted":
            told.accepted.add(scan.id)
            if source.random() < 0.1:
                await _undo(app, scan, told)


async def _undo(app: App, scan: Scan, told: Told) -> None:
    try:
        undone = await app.undo_scan(scan.id)
    except NoAnswer:
        return
    if isinstance(undone, Scan):
        told.undone.add(scan.id)


def _counted(
    backend: Backend, told: Told, cycles: int, waiting: int, faults: dict[str, int], seconds: float
) -> Outcome:
    with sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True) as database:
        uses: Any = database.execute("SELECT scan, undone_at FROM uses").fetchall()
        conflicts = [row[0] for row in database.execute("SELECT scan FROM conflicts").fetchall()]
        kept = Counter(row[0] for row in database.execute("SELECT id FROM scans").fetchall())
    known = Counter([row[0] for row in uses] + conflicts)
    standing = {row[0] for row in uses if row[1] is None}
    return Outcome(
        cycles=cycles,
        accepted=len(told.accepted),
        offline=told.shown["accepted offline"],
        undone=len(told.undone),
        conflicts=len(conflicts),
        # One that was undone before it was sent uses nothing up; it is only kept.
        lost=len(told.accepted - told.undone - known.keys()) + len(told.undone - known.keys() - kept.keys()),
        twice=sum(count > 1 for count in (known + Counter()).values()) + sum(count > 1 for count in kept.values()),
        unheard=len(standing - told.accepted),
        waiting=waiting,
        faults=faults,
        seconds=seconds,
    )
