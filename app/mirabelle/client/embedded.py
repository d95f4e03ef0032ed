"""The demo programme that the app brings along, on this machine, and the window or the browser to see the app in."""

import os
import sys
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mirabelle.server.hosting import Server

DEMO_PORT: Final = 8550
PACKAGED: Final = "FLET_PLATFORM"  # set inside a packaged app, which has its window already


class Demo(AbstractContextManager["Demo"]):
    """The demo programme's server on this machine: it starts when it is first asked for, and ends with the app."""

    def __init__(self, data: Path, web_app: Callable[[str, Path], Any]) -> None:
        """Its data goes into `data`."""
        self._data, self._web_app = data, web_app
        self._server: Server | None = None

    def start(self) -> str:
        """Its URL; raises ServerUnusable and OSError."""
        from mirabelle.server.hosting import Hosting, Server, Settings, demo_programme, free_port
        from mirabelle.server.services.sealing import master_key_from

        if self._server is None:
            print("Starting the demo programme…", flush=True)
            smtp = os.environ.get("MIRABELLE_SMTP", "")
            hosting = Hosting(
                settings=Settings(data=self._data, demo=True, smtp=smtp, master_key=master_key_from(None, os.environ)),
                port=free_port(DEMO_PORT),
                programme=demo_programme(),
                web_app=self._web_app,
            )
            self._server = Server(hosting).start()
            url = self._server.url
            print(f"Mirabelle is ready at {url}  (the shop's till: {url}/till)", flush=True)
        return self._server.url

    def wait(self) -> None:
        """Returns when Ctrl+C is pressed."""
        assert self._server is not None
        self._server.wait()

    def __exit__(self, *_fault: object) -> None:
        if self._server is not None:
            self._server.stop()


def open_app(demo: Demo, start: Callable[[Any], Any], link: str = "") -> None:
    """Open the installed app, whose main is `start`, where there is a window for it; else the demo in a browser, which
    follows no link."""
    if PACKAGED in os.environ or _window_can_open():
        _open_window(start)
        return
    if link:  # it stays where it was put, for the next window
        print("A link needs a window to open in. In a browser, open the address of the programme itself.", flush=True)
    url = demo.start()
    if _browser_can_open() and webbrowser.open(url):
        print("It opened in your browser. Ctrl+C stops it.", flush=True)
    else:
        print("Open this address in a browser. Ctrl+C stops it.", flush=True)
    demo.wait()


def _has_screen() -> bool:
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _browser_can_open() -> bool:
    if not _has_screen():
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _window_can_open() -> bool:
    """Whether Flet's window program is on this machine, or can be fetched now (Flet 1.0.5 fetches it at first use)."""
    if not _has_screen() or (sys.platform.startswith("linux") and not _gtk_is_here()):
        return False
    try:
        import flet_desktop

        print("Looking for Flet's window program…", flush=True)
        flet_desktop.ensure_client_cached()
    except Exception as fault:  # a download fails in many ways; the browser is as good
        print(f"No window program is to be had ({type(fault).__name__}): using the browser.", flush=True)
        return False
    return True


def _gtk_is_here() -> bool:
    import ctypes.util

    return ctypes.util.find_library("gtk-3") is not None


def _open_window(start: Callable[[Any], Any]) -> None:
    import flet as ft

    from mirabelle.contract.places import assets_directory

    ft.run(start, view=ft.AppView.FLET_APP, assets_dir=str(assets_directory()))
