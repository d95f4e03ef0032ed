"""Notifications of the device: desktops have them. Flet 1.0.5 has no package of its own for those of phones, and a page
that a server sends to a browser cannot show any: there people read in the app what they would be told."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    import flet as ft
    from desktop_notifier import DesktopNotifier

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5

Where = Literal["desktop", "phone", "browser"]


class Notifications(Protocol):
    """Where notifications would be shown, and what shows them."""

    @property
    def where(self) -> Where:
        """On what kind of device."""

    async def work(self) -> bool:
        """Whether the device shows any at all."""

    async def show(self, title: str, words: str, on_open: Callable[[], None]) -> None:
        """Show one; `on_open` is called when somebody opens it. Never raises: nobody could do anything about it."""


class NoNotifications:
    """A device without notifications."""

    def __init__(self, where: Where) -> None:
        self.where: Where = where

    async def work(self) -> bool:
        """Never."""
        return False

    async def show(self, title: str, words: str, on_open: Callable[[], None]) -> None:
        """Nothing."""


NO_NOTIFICATIONS: Final = NoNotifications("phone")


class DesktopNotifications:
    """Those of the desktop, by what each system has for them; loaded when they are first asked for."""

    where: Where = "desktop"

    def __init__(self) -> None:
        self._notifier: DesktopNotifier | None = None

    async def work(self) -> bool:
        """Whether a desktop is there that shows them; it may start, or end, at any time."""
        return await self._try(_can_show)

    async def show(self, title: str, words: str, on_open: Callable[[], None]) -> None:
        """Show one until it is opened or put away."""
        loop, was_taken = asyncio.get_running_loop(), asyncio.Event()

        def opened() -> None:
            loop.call_soon_threadsafe(on_open)  # some systems call from a thread of their own

        await self._try(lambda notifier: notifier.send(title, words, on_clicked=opened, on_dispatched=was_taken.set))
        if not was_taken.is_set():
            self._notifier = None  # it remembers what was there once: look again the next time

    async def _try(self, action: Callable[["DesktopNotifier"], Any]) -> Any:
        try:
            self._notifier = self._notifier or _notifier()
            return await asyncio.wait_for(action(self._notifier), ANSWER_SECONDS)
        except Exception as fault:  # each system fails in its own ways: no bus, no daemon, no permission
            log.info("no notifications on this desktop: %s", type(fault).__name__)
            self._notifier = None
            return False


def _notifier() -> "DesktopNotifier":
    from desktop_notifier import DesktopNotifier

    return DesktopNotifier(app_name="Mirabelle", app_icon=None)


async def _can_show(notifier: "DesktopNotifier") -> bool:
    from desktop_notifier import Capability

    if Capability.TITLE not in await notifier.get_capabilities():
        return False
    return await notifier.request_authorisation()


def open_notifications(page: "ft.Page") -> Notifications:
    """The notifications of this page's device."""
    import flet as ft

    if page.web:
        return NoNotifications("browser")
    if page.platform in (ft.PagePlatform.ANDROID, ft.PagePlatform.IOS):
        return NO_NOTIFICATIONS
    return DesktopNotifications()
