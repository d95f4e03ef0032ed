"""Forgotten PINs: everybody is signed out of this device, and the lock goes with them."""

import contextlib
from collections.abc import Awaitable, Callable, Collection

from mirabelle.client.use_cases.app_lock import AppLock
from mirabelle.client.use_cases.session import Sessions


class LockedOut:
    """Ends the sessions that a lock is for. What this device keeps of people waits, sealed, until they are back.

    `others` names the sessions of other accounts; `on_over` puts this one's store away.
    """

    def __init__(
        self,
        sessions: Sessions,
        lock: AppLock,
        others: Callable[[], Collection[str]],
        on_over: Callable[[], Awaitable[None]],
    ) -> None:
        self._sessions, self._lock, self._others, self._on_over = sessions, lock, others, on_over

    async def sign_out(self) -> None:
        """End all sessions, then take the lock off: an app that is ended in between is still locked. Raises OSError."""
        tokens = await self._sessions.forget_all(self._others())
        await self._on_over()
        await self._lock.forget()
        for token in tokens:
            await self._sessions.tell_of_end(token)

    async def lock_is_gone(self) -> None:
        """Another window took it off: this one opens, without its session where that was ended. Raises OSError."""
        if not await self._sessions.is_kept():
            self._sessions.drop()
            await self._on_over()
        self._lock.open_without_lock()

    async def nobody_is_left(self) -> None:
        """Take the lock off once nobody is signed in on this device: whoever comes next does not know its PIN."""
        with contextlib.suppress(OSError):  # it stays, and says itself that one can sign in again
            if not await self._sessions.anybody_is_kept(self._others()):
                await self._lock.forget()
