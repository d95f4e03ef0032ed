"""Work-arounds for faults of Flet 1.0.5, each with its reason; try to drop them at every new version."""

import functools
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import faster, theme

log = logging.getLogger(__name__)

BOOT_WORDS: Final = b"Working..."
ELSEWHERE: Final = re.compile(rb"https://[\w.]+/npm/@rive-app/[\w@.-]+/")
FORMULA_FONTS: Final = "KaTeX"


def apply() -> None:
    """Puts the work-arounds in place; safe to call more than once."""
    _keep_updates_alive()
    _name_messages_by_their_action()
    faster.apply()


def _name_messages_by_their_action() -> None:
    """1.0.5: each message is described in full for a log, even where that is off: every control of a page, in words."""
    from flet.messaging.protocol import Message

    Message.__repr__ = lambda message: f"Message({message.action})"


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


def make_web_client_lean() -> None:
    """Change what browsers are served of Flet's client, see each step. Call before serving."""
    from flet_web.fastapi.flet_static_files import FletStaticFiles

    configure = FletStaticFiles._FletStaticFiles__config
    if hasattr(configure, "__wrapped__"):
        return

    @functools.wraps(configure)
    async def guarded(self: FletStaticFiles, root_path: str) -> None:
        await configure(self, root_path)
        first_looked_in = Path(self.all_directories[0])
        _change_programs(first_looked_in)
        _load_our_fonts_instead(first_looked_in)

    FletStaticFiles._FletStaticFiles__config = guarded


def _change_programs(folder: Path) -> None:
    """1.0.5: a browser that waits for its first page says so in English, whatever its language: it says nothing, beside
    the ring that turns. And each one fetches a library for animations, of which we have none, from a stranger."""
    from flet_web import get_package_web_dir

    for name in ("main.dart.js", "main.dart.wasm"):
        program = (Path(get_package_web_dir()) / name).read_bytes()
        program = program.replace(BOOT_WORDS, b" " * len(BOOT_WORDS))
        (folder / name).write_bytes(ELSEWHERE.sub(_nowhere, program))


def _nowhere(address: re.Match[bytes]) -> bytes:
    """An address as long, as the program knows how long it is, to which no browser goes."""
    return b"nowhere:".ljust(len(address[0]), b"/")


def _load_our_fonts_instead(folder: Path) -> None:
    """1.0.5: a browser draws nothing before it has loaded twenty fonts for mathematical formulas, and its first pages
    before it has loaded those that they are written in: Arabic was boxes for as long as that took."""
    manifest = folder / "assets" / "FontManifest.json"
    families = json.loads(manifest.read_text(encoding="utf-8"))
    kept = [one for one in families if FORMULA_FONTS not in one["family"]]
    ours = [{"family": family, "fonts": [{"asset": f"../{file}"}]} for family, file in theme.FONTS.items()]
    manifest.write_text(json.dumps(kept + ours), encoding="utf-8")


def bounded(draw: Callable[..., Any], instead: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """`draw` with an error boundary: a fault in it shows `instead` there and leaves the rest alive."""

    @functools.wraps(draw)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return draw(*arguments, **named)
        except Exception:
            log.exception("could not draw %s", draw.__qualname__)
            return instead() if instead else ft.Icon(ft.Icons.HEART_BROKEN_OUTLINED, key="broken")

    return guarded


def component(draw: Callable[..., Any], instead: Callable[[], Any] | None = None) -> Callable[..., Any]:
    """`ft.component` with an error boundary, see `bounded`."""
    return ft.component(bounded(draw, instead))


def is_connected(page: ft.Page) -> bool:
    """Whether `page` is in somebody's window now. 1.0.5: a page that outlives its session raises when it is asked."""
    try:
        return page.session.connection is not None
    except RuntimeError:
        return False


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
