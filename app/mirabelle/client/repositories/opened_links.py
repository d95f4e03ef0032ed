"""Links that opened the app. On desktops each starts a program of its own: it hands the link to the window that is
open already, where there is one."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mirabelle.client.store.holding import alone, hold

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5  # between two looks: soon enough for who has just pressed a link
_LONGEST: Final = 4096  # bytes


class OpenedLinks:
    """A link on its way lies in a file, which whoever takes it removes; only the newest counts."""

    def __init__(self, data: Path) -> None:
        self._file = data / "opened-link"

    def hand_over(self, link: str) -> bool:
        """Put `link` where a window finds it; whether one is open now. Else this program's own is to find it."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(link, encoding="utf-8")
        new.replace(self._file)
        try:
            with alone(str(self._file)):
                return False
        except sqlite3.OperationalError:
            return True

    @contextlib.contextmanager
    def received(self) -> Iterator[None]:
        """While a window of this program is open it takes the links of others."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with contextlib.closing(hold(str(self._file))):
                yield
        finally:
            self._file.unlink(missing_ok=True)  # else the next start would ask what nobody remembers

    def take(self) -> str | None:
        """The link that was opened last, once."""
        try:
            if not self._file.exists() or self._file.stat().st_size > _LONGEST:
                return None
            link = self._file.read_text(encoding="utf-8", errors="replace")
            self._file.unlink()
        except OSError as fault:
            log.info("a link could not be read: %s", type(fault).__name__)
            return None
        return link

    async def watch(self, on_link: Callable[[str], object]) -> None:
        """Call `on_link` with each link, until cancelled."""
        while True:
            if (link := self.take()) is not None:
                on_link(link)
            await asyncio.sleep(LOOK_SECONDS)
