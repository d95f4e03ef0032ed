"""What a session of the web app costs in memory, beside a bare Flet session with as many controls.

Each kind is measured in a process of its own: `python -m tests.bench.sessions FOLDER` has sessions on copies of what
`from_store.prepared` left in FOLDER, `python -m tests.bench.sessions CONTROLS` bare ones with so many controls.
"""

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import flet as ft

from mirabelle.client.ui.catalog.pages import PAGE_ROWS
from tests.backend import Backend
from tests.bench import from_store
from tests.bench.processes import environment
from tests.headless import HeadlessApp

SESSIONS: Final = 50
WARM: Final = 5  # sessions that pay for what all of them share
WANTED_BYTES: Final = 250_000
ROUTE: Final = "/rewards"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a session of each kind, and how many controls each has."""

    ours: float
    bare: float
    controls: int

    def told(self) -> str:
        """How much more ours takes."""
        more, ours, bare = ((each / 1000) for each in (self.ours - self.bare, self.ours, self.bare))
        name = f"a web session at {ROUTE} {ours:,.0f} kB, a bare one with its {self.controls} controls {bare:,.0f} kB"
        return f"{more:9,.0f} kB   {name}   ({SESSIONS} sessions each; wanted: <= {WANTED_BYTES / 1000:,.0f} kB)"


def in_memory() -> Iterator[Memory]:
    """Sessions that show the catalog's first page."""
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        with Backend(Path(data)) as backend:
            asyncio.run(from_store.prepared(backend.url, Path(folder), web=True))
        ours, controls = _measured(folder)
    bare, _ = _measured(str(controls))
    yield Memory(ours, bare, controls)


def _measured(what: str) -> tuple[float, int]:
    words = [sys.executable, "-m", __name__, what]
    answer = subprocess.run(words, check=True, capture_output=True, text=True, env=environment()).stdout
    found: tuple[float, int] = json.loads(answer)
    return found


async def _sessions(new: Callable[[int], HeadlessApp], is_there: Callable[[HeadlessApp], bool]) -> tuple[float, int]:
    async with AsyncExitStack() as stack:
        before = controls = 0
        for number in range(WARM + SESSIONS):
            if number == WARM:
                before = _resident()
            app = await stack.enter_async_context(new(number))
            await app.until(lambda app=app: is_there(app))
            controls = len(app.session.index)
        return (_resident() - before) / SESSIONS, controls


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _of_ours(folder: Path) -> Callable[[int], HeadlessApp]:
    def new(number: int) -> HeadlessApp:
        own = folder / f"copy-{number}"
        shutil.copytree(folder, own, ignore=shutil.ignore_patterns("copy-*"))
        return from_store.started(own, ROUTE, web=True)

    return new


def _of_bare(controls: int) -> Callable[[int], HeadlessApp]:
    def main(page: ft.Page) -> None:
        page.add(*(ft.Container(ft.Text("One of as many")) for _ in range(controls // 2)))

    return lambda _number: HeadlessApp(main)


def _is_whole(app: HeadlessApp) -> bool:
    """Whether what is below the window is drawn, too, as it is after a pause."""
    return len(app.all(ft.Container, where=lambda one: str(one.data or "").startswith("reward-"))) > PAGE_ROWS


def _main(what: str) -> None:
    if what.isdecimal():
        found = asyncio.run(_sessions(_of_bare(int(what)), lambda app: bool(app.texts())))
    else:
        found = asyncio.run(_sessions(_of_ours(Path(what)), _is_whole))
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1])
    sys.stdout.flush()
    os._exit(0)
