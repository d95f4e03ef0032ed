"""The sessions that were ended on this device while its secret store did not answer, and so may still hold them."""

import asyncio
import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Final

from mirabelle.client.store.holding import alone_for_now, make_folder

log = logging.getLogger(__name__)

ENDED: Final = "ended.json"
_TURN_SECONDS: Final = 40  # that somebody's turn may take: a keyring may ask for a password first
_AGAIN_SECONDS: Final = 0.05


class Endings:
    """Where the secret store keeps them, and which they are, in a file beside the stores: no start goes on with one of
    them. Nothing secret is in it."""

    def __init__(self, file: Path | None) -> None:
        """Without a `file` they are known for as long as the app runs."""
        self._file, self._lock = file, asyncio.Lock()
        self._known: dict[str, frozenset[str]] = {}

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Nobody else, in whatever window or process, begins or removes a session meanwhile: what the secret store was
        found to hold is what is removed. Whoever takes too long is not waited for."""
        async with self._lock:
            with contextlib.ExitStack() as held:
                if self._file is not None:
                    held.callback(_remove_if_empty, self._file.parent)  # whoever left meanwhile could not
                    await self._wait(self._file, held)
                yield

    async def _wait(self, file: Path, held: contextlib.ExitStack) -> None:
        deadline = time.monotonic() + _TURN_SECONDS
        while time.monotonic() < deadline:
            try:
                make_folder(file.parent)
                held.enter_context(alone_for_now(str(file)))
            except (sqlite3.OperationalError, FileNotFoundError):  # somebody else's turn, or it has just ended
                await asyncio.sleep(_AGAIN_SECONDS)
            except OSError as fault:  # such as a full disk, which nobody's turn ends
                log.warning("whose turn it is cannot be written down: %s", type(fault).__name__)
                return
            else:
                return
        log.warning("another window keeps the sessions for too long; this one goes on")

    def names(self) -> Collection[str]:
        """Where they are kept."""
        return self._read().keys()

    def of(self, name: str) -> frozenset[str]:
        """Which sessions that were kept as `name` are over, by what this device calls them."""
        return self._read().get(name, frozenset())

    def add(self, name: str, session: str) -> None:
        """The `session` that is kept as `name` is over. Raises OSError."""
        self._write({**self._read(), name: self.of(name) | {session}})

    def remove(self, name: str) -> None:
        """The secret store holds none of them as `name` any more. Raises OSError."""
        if name in self.names():
            self._write({one: sessions for one, sessions in self._read().items() if one != name})

    def _read(self) -> dict[str, frozenset[str]]:
        if self._file is None:
            return self._known
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text())
            # Earlier versions listed names alone, of sessions that they called nothing.
            sessions = found if isinstance(found, dict) else {name: [""] for name in found}
            return {str(name): frozenset(map(str, each)) for name, each in sessions.items()}
        return {}

    def _write(self, endings: dict[str, frozenset[str]]) -> None:
        self._known = endings
        if self._file is None:
            return
        if not endings:
            self._file.unlink(missing_ok=True)
            return
        make_folder(self._file.parent)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({name: sorted(sessions) for name, sessions in endings.items()}))
        new.replace(self._file)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
