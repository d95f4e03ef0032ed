"""The app lock at work: it closes when the app starts and after a while away, and opens with its PIN or its owner."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal
from weakref import WeakValueDictionary

import msgspec

from mirabelle.client.device.forward_clock import ForwardClock, open_clock
from mirabelle.client.device.secrets import SecretStore
from mirabelle.rules import lock as rules
from mirabelle.rules.lock import COST, SPENT, Cost, Lock, Moment

log = logging.getLogger(__name__)

NAME: Final = "lock"
SALT_BYTES: Final = 16
READ_SECONDS: Final = 5  # that somebody who comes back waits for the secret store to say what it keeps

Answer = Literal["right", "wrong", "wait", "spent", "gone"]
State = Literal["open", "covered", "closed"]

_tried_one_by_one: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()


def _now() -> datetime:
    return datetime.now(UTC)


class AppLock:
    """One lock for all that a page shows, whoever is signed in; it is kept in the secret store, and off by default.

    `held` says that what is on the screen must not be cut off: the lock closes as soon as it may.
    """

    def __init__(
        self,
        secret_store: SecretStore,
        clock: ForwardClock | None = None,
        now: Callable[[], datetime] = _now,
        cost: Cost = COST,
    ) -> None:
        self._secrets, self._clock, self._now, self._cost = secret_store, clock or open_clock(), now, cost
        self._lock: Lock | None = None
        self._left: Moment | None = None
        self._is_owed = self._is_away = False
        self._listeners: list[Callable[[], None]] = []
        self.state: State = "open"
        self.held: Callable[[], bool] = lambda: False

    def __repr__(self) -> str:
        return f"AppLock(state={self.state!r})"

    @property
    def is_on(self) -> bool:
        """Whether a PIN was chosen on this device."""
        return self._lock is not None

    @property
    def is_open(self) -> bool:
        """Whether the pages may be seen and used."""
        return self.state == "open"

    @property
    def is_closed(self) -> bool:
        """Whether it takes the PIN to go on."""
        return self.state == "closed"

    @property
    def is_spent(self) -> bool:
        """Whether too many tries went wrong: only signing in again helps."""
        return self._lock is not None and rules.is_spent(self._lock)

    @property
    def tries_left(self) -> int:
        """How many tries there are."""
        return rules.MOST_TRIES if self._lock is None else rules.tries_left(self._lock)

    @property
    def wait(self) -> float:
        """Seconds until the next try is taken."""
        return 0.0 if self._lock is None else rules.wait(self._lock, self._clock.elapsed())

    @property
    def minutes(self) -> int:
        """After how many minutes away it closes."""
        return rules.AWAY_MINUTES[0] if self._lock is None else self._lock.minutes

    @property
    def biometrics(self) -> bool:
        """Whether the device's owner opens it by finger or face as well."""
        return self._lock is not None and self._lock.biometrics

    def subscribe(self, _topics: Iterable[str], listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when anything about the lock changes, until the returned function is called."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def _become(self, state: State) -> None:
        self.state = state
        if state != "covered":
            self._left, self._is_owed = None, False
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    async def start(self) -> None:
        """The app starts: it is closed where there is a lock, or where nobody can say whether there is. Raises OSError
        then."""
        self._become("closed")
        kept = await self._read()
        if kept is None:
            self._become("open")
            return
        resumed = rules.resumed(kept, self._clock.elapsed(), self._clock.start)
        if resumed != kept and kept is not SPENT:  # which a newer version may read yet
            await self._write(resumed)
        self._tell()

    async def refresh(self) -> None:
        """Take in what another window has chosen."""
        with contextlib.suppress(OSError):
            async with asyncio.timeout(READ_SECONDS):
                await self._read()

    async def open_with(self, typed: str) -> Answer:
        """Open it with the PIN. "gone" says that there is no lock any more, and opens nothing. Raises OSError."""
        answer = await self._try(typed)
        if answer == "right":
            self._become("open")
        else:
            self._tell()
        return answer

    async def open_for_owner(self) -> None:
        """The device has recognised its owner."""
        if self._lock is None or self.is_spent or not self.biometrics:
            return
        with contextlib.suppress(OSError):
            await self._write(rules.opened(self._lock))
        self._become("open")

    def open_without_lock(self) -> None:
        """There is no lock any more, and whoever is here may see what is here."""
        if self._lock is None:
            self._become("open")

    async def choose(self, pin: str, minutes: int) -> None:
        """Put the lock on, under `pin`, unless another window has done so. Raises OSError."""
        if await self._read() is None:
            await self._put(pin, minutes)
        self._tell()

    async def _put(self, pin: str, minutes: int) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        hashed = await asyncio.to_thread(rules.hash_pin, rules.digits(pin), salt, self._cost)
        biometrics = self._lock is not None and self._lock.biometrics
        await self._write(Lock(salt, hashed, self._cost, minutes, biometrics))

    async def change(self, old: str, new: str) -> Answer:
        """Another PIN, for whoever knows the one before. Raises OSError."""
        answer = await self._try(old)
        if answer == "right":
            await self._put(new, self.minutes)
        self._tell()
        return answer

    async def turn_off(self, typed: str) -> Answer:
        """No lock any more, for whoever knows its PIN. Raises OSError."""
        answer = await self._try(typed)
        if answer == "right":
            await self.forget()
        self._tell()
        return answer

    async def set(self, *, minutes: int | None = None, biometrics: bool | None = None) -> None:
        """After how long it closes, and who else opens it. Raises OSError."""
        kept = await self._read()
        if kept is not None:
            chosen = replace(kept, minutes=kept.minutes if minutes is None else minutes)
            await self._write(chosen if biometrics is None else replace(chosen, biometrics=biometrics))
        self._tell()

    async def forget(self) -> None:
        """No lock any more: nobody is left whom it would be for. Raises OSError."""
        await self._secrets.delete(NAME)
        self._lock = None
        self._become("open")

    def close(self) -> None:
        """Close it now."""
        if self.is_on and not self.is_closed:
            self._become("closed")

    def leave(self, *, is_hidden: bool) -> None:
        """Somebody looks elsewhere. Where nothing of the app is seen any more, it is covered, so that nothing is seen
        at the return before the lock had its say."""
        self._is_away = True
        if self.is_closed:
            return
        self._left = self._left or self._moment()  # without a lock as well: another window may put one on meanwhile
        if is_hidden and self.is_on:
            self._cover()

    def cover(self) -> None:
        """Somebody looks again: where a lock that another window has put on could be closed by now, they see nothing
        before `come_back` has asked."""
        if self._left is not None and rules.is_over(self._left, self._moment(), rules.AWAY_MINUTES[0]):
            self._cover()

    def _cover(self) -> None:
        if self.is_open and not self.held():
            self._become("covered")

    async def come_back(self) -> None:
        """Somebody looks at the app again, under what any window has chosen."""
        self._is_away = False
        await self.refresh()
        if self._is_away:
            return
        self.look()
        if self.state == "covered":
            self._become("open")
        self._left = None

    def look(self) -> None:
        """Close it where it is time."""
        if self.is_on and not self.is_closed and (self._is_owed or self._is_over()):
            self._is_owed = True
            if not self.held():
                self._become("closed")

    def next_look(self) -> float | None:
        """In how many seconds it may be time; None: not before somebody leaves."""
        if not self.is_on or self.is_closed or not (self._is_owed or self._left):
            return None
        if self._is_owed or self._left is None:
            return 1.0
        return max(1.0, self._left.elapsed + self.minutes * 60 - self._clock.elapsed())

    def _is_over(self) -> bool:
        return self._left is not None and rules.is_over(self._left, self._moment(), self.minutes)

    def _moment(self) -> Moment:
        return Moment(self._clock.elapsed(), self._now().timestamp())

    async def _try(self, typed: str) -> Answer:
        kept = await self._read()
        if kept is None:
            return "gone"
        # Two windows of one browser, or two hands, count their tries together.
        async with _tried_one_by_one.setdefault(kept.salt, asyncio.Lock()):
            kept = await self._read()
            if kept is None:
                return "gone"
            if rules.is_spent(kept):
                return "spent"
            if rules.wait(kept, self._clock.elapsed()) > 0:
                return "wait"
            counted = rules.counted(kept, self._clock.elapsed(), self._clock.start)
            await self._write(counted)
            if await asyncio.to_thread(rules.fits, kept, rules.digits(typed)):
                with contextlib.suppress(OSError):  # it was right: what it costs is a try less the next time
                    await self._write(rules.opened(counted))
                return "right"
            return "spent" if rules.is_spent(counted) else "wrong"

    async def _read(self) -> Lock | None:
        raw = await self._secrets.get(NAME)
        try:
            self._lock = msgspec.json.decode(raw, type=Lock) if raw else None
        except msgspec.DecodeError:
            log.warning("the lock cannot be read: it opens to nobody")
            self._lock = SPENT
        return self._lock

    async def _write(self, lock: Lock) -> None:
        await self._secrets.set(NAME, msgspec.json.encode(lock).decode())
        self._lock = lock
