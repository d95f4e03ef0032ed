"""Work-arounds for faults of Flet 1.0.5, each with its reason; try to drop them at every new version."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import flet as ft

log = logging.getLogger(__name__)


def apply() -> None:
    """Puts the work-arounds in place; safe to call more than once."""
    _keep_updates_alive()


def _keep_updates_alive() -> None:
    """1.0.5: a fault while a component is redrawn ends the task that redraws the whole session, without a word."""
    from flet.components.component import Component

    if hasattr(Component.update, "__wrapped__"):
        return
    update = Component.update

    @functools.wraps(update)
    def guarded(self: Component) -> None:
        try:
            update(self)
        except Exception:
            log.exception("could not redraw %s", self.fn.__qualname__)

    Component.update = guarded


def stop_session_leak() -> None:
    """1.0.5: a web session whose socket drops in the middle of a message is never freed. Call before serving."""
    from flet_web.fastapi.flet_app import FletApp

    send_loop = FletApp._FletApp__send_loop
    if hasattr(send_loop, "__wrapped__"):
        return

    @functools.wraps(send_loop)
    async def guarded(self: FletApp) -> None:
        try:
            await send_loop(self)
        except Exception as fault:
            log.info("a web socket was lost while sending: %s", type(fault).__name__)

    FletApp._FletApp__send_loop = guarded


def component(draw: Callable[..., Any], instead: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """`ft.component` with an error boundary: a fault in `draw` shows `instead` there and leaves the rest alive."""

    @functools.wraps(draw)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return draw(*arguments, **named)
        except Exception:
            log.exception("could not draw %s", draw.__qualname__)
            return instead() if instead else ft.Icon(ft.Icons.HEART_BROKEN_OUTLINED, key="broken")

    return ft.component(guarded)


class Remounter:
    """1.0.5: after a dropped socket comes back, clicks arrive but the screen never changes: draw it all anew, under a
    new key. The same is what a new language needs. And a browser that is sent a page with many controls over the one it
    still has may compare the two for ever: the page is emptied while nobody is connected, and filled again after."""

    def __init__(self, page: ft.Page, root: Callable[..., Any], *arguments: Any) -> None:
        self._page, self._root, self._arguments, self._generation = page, root, arguments, 0
        page.on_connect = self.remount
        page.on_disconnect = self._empty

    def remount(self, _event: Any = None) -> None:
        """Draws the whole app anew; what must survive lives outside the components."""
        self._generation += 1
        self._page.render_views(self._root, *self._arguments, key=f"mount-{self._generation}")

    def _empty(self, _event: Any) -> None:
        self._page.render_views(_nothing, key=f"empty-{self._generation}")


@ft.component
def _nothing() -> list[ft.View]:
    return [ft.View()]
