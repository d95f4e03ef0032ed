"""What time it is at this till, as far as its server has told."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.client.store.database import Store, put_document
from mirabelle.rules import trusted_time
from mirabelle.rules.trusted_time import ClockRefusal, Told, TrustedTime


class _Kept(msgspec.Struct, frozen=True):
    told: Told
    start: str


class TillTime:
    """Reads the trusted time, and keeps in the store what of it must outlive the app."""

    def __init__(self, store: Store, wall: Callable[[], datetime], clock: ForwardClock) -> None:
        self._store, self._wall, self._clock = store, wall, clock
        self._held: tuple[str, Told] | None = None

    def read(self) -> TrustedTime | ClockRefusal:
        """The time now, in unix seconds, or why nobody knows it."""
        return trusted_time.trusted_time(self._told(), self._wall().timestamp(), self._clock.elapsed())

    def at_least(self) -> datetime | None:
        """The latest moment that surely has passed: now, where anybody knows that; None before the server ever told."""
        time, told = self.read(), self._told()
        if isinstance(time, TrustedTime):
            return datetime.fromtimestamp(time.now, UTC)
        return datetime.fromtimestamp(told.at, UTC) if told else None

    def told(self, connection: sqlite3.Connection, server: float) -> None:
        """The server said that it is `server`, unix seconds; in the caller's transaction."""
        wall, elapsed = self._wall().timestamp(), self._clock.elapsed()
        self._keep(connection, trusted_time.told_by_server(server, wall, elapsed))

    def note(self) -> None:
        """Note that it is now: a wall clock that is put back cannot undo it, not even over a restart."""
        time = self.read()
        if isinstance(time, TrustedTime):
            with self._store.write() as connection:
                self.passed(connection, time)

    def passed(self, connection: sqlite3.Connection, time: TrustedTime) -> None:
        """Note that `time` has passed, in the caller's transaction."""
        told = self._told()
        assert told is not None
        self._keep(connection, trusted_time.passed(told, time, self._clock.elapsed()))

    def _keep(self, connection: sqlite3.Connection, told: Told) -> None:
        self._held = (self._store.path, told)
        put_document(connection, "time", _Kept(told, self._clock.start))

    def _told(self) -> Told | None:
        if self._held is not None and self._held[0] == self._store.path:
            return self._held[1]
        kept = self._store.document("time", _Kept)
        if kept is None:
            return None
        is_same_run = kept.start == self._clock.start != ""
        self._held = (self._store.path, kept.told if is_same_run else trusted_time.after_restart(kept.told))
        return self._held[1]
