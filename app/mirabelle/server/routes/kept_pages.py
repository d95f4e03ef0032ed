"""Pages of the catalog as they were just packed: anybody may ask for them, so that each is made once, not for each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from mirabelle.rules.catalog_trust import CLOCK_STEP_SECONDS

# A device refuses what was signed longer before what it holds than a clock may step back: another server may have
# signed that just now.
_KEPT_FOR: Final = timedelta(seconds=CLOCK_STEP_SECONDS / 2)
_MOST_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered: a body, packed as `headers` say, and its ETag."""

    etag: str
    body: bytes
    headers: dict[str, str]


class KeptPages:
    """Keeps pages for half a minute, `most_bytes` of them; those that nobody asks for go first. One is made at a time,
    and each who asks has one wait for it: whoever asks for many makes nobody else wait for more than one of them."""

    def __init__(self, now: Callable[[], datetime], most_bytes: int = _MOST_BYTES) -> None:
        self._now, self._most_bytes = now, most_bytes
        self._pages: dict[tuple[str, ...], tuple[datetime, Page]] = {}
        self._bytes = 0
        self._turn = asyncio.Lock()
        self._turn_of: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, name: tuple[str, ...], make: Callable[[], Awaitable[Page]], who: str) -> Page:
        """The page of that name for `who`, made now if nobody asked for it just before."""
        page = self._fresh(name)
        if page is None:
            async with self._turn_of.setdefault(who, asyncio.Lock()), self._turn:
                page = self._fresh(name)
                if page is None:
                    asked_at = self._now()
                    page = await make()
                    self._keep(name, asked_at, page)
        return page

    def _fresh(self, name: tuple[str, ...]) -> Page | None:
        made_at, page = self._pages.get(name, (None, None))
        is_fresh = made_at is not None and made_at <= self._now() < made_at + _KEPT_FOR
        if not is_fresh:
            return None
        self._pages[name] = self._pages.pop(name)
        return page

    def _keep(self, name: tuple[str, ...], asked_at: datetime, page: Page) -> None:
        self._drop(name)
        self._pages[name] = (asked_at, page)
        self._bytes += len(page.body)
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._pages)))

    def _drop(self, name: tuple[str, ...]) -> None:
        _, page = self._pages.pop(name, (None, None))
        self._bytes -= len(page.body) if page is not None else 0
