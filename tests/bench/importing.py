"""The grocer's sample imported into SQLite: events a second, and the memory it takes for the file once and ten times.

Each import runs in a process of its own: `python -m tests.bench.importing FOLDER FILE` prints its seconds and peak.
"""

import asyncio
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mirabelle.server.hosting import open_store
from mirabelle.server.services.events import EventBook
from mirabelle.server.services.imports import import_file
from mirabelle.server.services.programme import loaded_programme, world_of
from mirabelle.server.services.programme_file import read_programme
from tests.bench.figures import memory_told
from tests.bench.processes import environment

DATA: Final = Path(__file__).parents[1] / "data"
WANTED: Final = 20_000  # events a second
ROUNDS: Final = 3
TIMES: Final = 10


@dataclass(frozen=True, slots=True)
class Import:
    """What one import took: seconds, and the peak of the process's memory in KiB."""

    events: int
    seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Imports:
    """Imports of the file once, the fastest told, and of one ten times as long."""

    once: list[Import]
    long: Import

    def told(self) -> str:
        """The rates against what is wanted, and how the memory grew."""
        best = min(self.once, key=lambda one: one.seconds)
        peak = max(one.peak for one in self.once)
        rates = [(run.events / run.seconds) for run in (best, self.long)]
        return (
            f"{rates[0] / WANTED:6.2f} x   import on SQLite, {best.events} events: {rates[0]:.0f}/s, "
            f"wanted: {WANTED}/s; {TIMES} x the file: {rates[1]:.0f}/s\n"
            f"{self.long.peak / peak:6.2f} x   its peak memory for {TIMES} x the file {memory_told(self.long.peak)}, "
            f"for the file {memory_told(peak)}"
        )


def on_sqlite() -> Iterator[Imports]:
    """The sample, and the sample ten times over with other people and other purchases."""
    sample = DATA / "grocer-sample.ndjson.gz"
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.ndjson.gz"
        events = _repeat(sample, long)
        once = [_imported(Path(folder) / str(turn), sample, events) for turn in range(ROUNDS)]
        yield Imports(once, _imported(Path(folder) / "long", long, events * TIMES))


def _repeat(sample: Path, long: Path) -> int:
    """Write the sample ten times, people and events renamed each time; returns how many events it holds."""
    with gzip.open(sample) as lines:
        events = [json.loads(line) for line in lines]
    with gzip.open(long, "wt", compresslevel=1) as stream:
        for turn in range(TIMES):
            for event in events:
                named = {name: f"{event[name]}-{turn}" for name in ("id", "participant", "purchase") if name in event}
                same = event["type"] == "reward"
                stream.write(json.dumps(event if same else event | named) + "\n")
    return len(events)


def _imported(folder: Path, file: Path, events: int) -> Import:
    words = [sys.executable, "-m", __name__, str(folder), str(file)]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=environment()).stdout
    seconds, peak = said.split()
    return Import(events, float(seconds), int(peak))


async def _import(folder: Path, file: Path) -> float:
    now = datetime.now(UTC)
    database = await open_store(folder, "", read_programme(DATA / "grocer.toml"), now)
    async with database.read() as connection:
        loaded = await loaded_programme(connection)
    began = time.perf_counter()
    await import_file(database, EventBook(loaded.document, world_of(loaded), now), file, None, lambda _read, _all: None)
    seconds = time.perf_counter() - began
    await database.close()
    return seconds


if __name__ == "__main__":
    took = asyncio.run(_import(Path(sys.argv[1]), Path(sys.argv[2])))
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
