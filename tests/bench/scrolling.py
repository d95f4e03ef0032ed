"""What the server works for each page of rewards that somebody scrolls to, up to what the browser is sent."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import flet as ft

from mirabelle.client.store.rewards import put_rewards
from mirabelle.client.ui.catalog.pages import MORE, MOST_ROWS, PAGE_ROWS
from mirabelle.client.ui.catalog.state import filters_of
from tests.backend import Backend
from tests.bench.figures import Waits
from tests.catalogs import generated
from tests.client.ui.visiting import visitor
from tests.headless import HeadlessApp

REWARDS: Final = 5000
WANTED_SECONDS: Final = 0.040
_END: Final = 1_000_000.0  # logical pixels; any that are further than the list goes
_NEAR_THE_END: Final = {
    "event_type": "update", "pixels": _END, "min_scroll_extent": 0.0, "max_scroll_extent": _END,
    "viewport_dimension": 700.0,
}  # fmt: skip


def to_the_end() -> Iterator[Waits]:
    """All of the pages, one after another, as a browser asks for them."""
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder, Backend(Path(data)) as backend:
        waits, busy = asyncio.run(_scrolled(backend.url, Path(folder)))
    yield Waits(f"{MORE * PAGE_ROWS} more rewards, scrolled to in {REWARDS}", waits, busy, WANTED_SECONDS)


async def _scrolled(url: str, folder: Path) -> tuple[list[float], list[float]]:
    waits, busy = list[float](), list[float]()
    async with visitor(url, folder) as someone:
        with someone.app.store.write("catalog") as connection:
            put_rewards(connection, list(generated(REWARDS)))
        async with someone.window("/rewards", web=True) as window:
            shelf, filters = window.one(ft.ListView), filters_of(someone.app)
            first = filters.pages.reached
            for page in range(first + MORE, REWARDS // PAGE_ROWS, MORE):
                began, worked = time.perf_counter(), time.thread_time()
                await window.fire(shelf, "scroll", _NEAR_THE_END)
                busy.append(time.thread_time() - worked)
                waits.append(time.perf_counter() - began)
                assert filters.reached == page
            assert len(_cards(window)) <= MOST_ROWS
    return waits, busy


def _cards(window: HeadlessApp) -> list[Any]:
    return window.all(ft.Container, where=lambda one: str(one.data or "").startswith("reward-"))
