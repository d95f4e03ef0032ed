"""Notices when nobody looks at the app, and that somebody does again."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import flet as ft

if TYPE_CHECKING:
    from mirabelle.client.app import App

HIDDEN: Final = (ft.AppLifecycleState.HIDE, ft.AppLifecycleState.PAUSE)
SEEN: Final = (ft.AppLifecycleState.SHOW, ft.AppLifecycleState.RESUME)


class Watch:
    """Tells the lock of one page what happens to its window; while nobody looks it has the lock look at the time."""

    def __init__(self, page: ft.Page, app: Callable[[], "App"]) -> None:
        self._page, self._app = page, app
        self._looking: asyncio.Task[None] | None = None
        self._returning: asyncio.Task[None] | None = None  # a task that nobody refers to may be forgotten
        page.on_app_lifecycle_state_change = self._changed
        page.on_connect = self._joined(page.on_connect, self.come_back)
        page.on_disconnect = self._joined(page.on_disconnect, lambda: self.leave(is_hidden=True))

    @staticmethod
    def _joined(then: Callable[..., Any] | None, first: Callable[[], None]) -> Callable[..., Any]:
        def both(event: Any) -> None:
            first()
            if then is not None:
                then(event)

        return both

    async def _changed(self, event: ft.AppLifecycleStateChangeEvent) -> None:
        if event.state in SEEN:
            self.come_back()
            return
        self.leave(is_hidden=event.state in HIDDEN)
        await self._app().lock.refresh()  # another window may have chosen otherwise

    def leave(self, *, is_hidden: bool) -> None:
        """Nobody looks any more."""
        app = self._app()
        app.lock.held = lambda: must_stay(app)
        app.lock.leave(is_hidden=is_hidden)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    def come_back(self) -> None:
        """Somebody looks again."""
        lock = self._app().lock
        lock.cover()
        self._returning = asyncio.ensure_future(lock.come_back())

    async def _look(self) -> None:
        while (pause := self._app().lock.next_look()) is not None:
            await asyncio.sleep(pause)
            self._app().lock.look()


def must_stay(app: "App") -> bool:
    """Whether a till is judging a voucher, or its verdict is up: neither is cut off."""
    if app.session is None or app.session.role != "staff":
        return False
    from mirabelle.client.ui.till.scanning import scanning_of

    scanning = scanning_of(app)
    return scanning.busy or scanning.verdict is not None
