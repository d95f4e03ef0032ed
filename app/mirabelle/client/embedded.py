"""The app that brings its own backend: the demo programme on this machine, and a window or a browser to see it in."""

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

DEMO_PORT: Final = 8550
PACKAGED: Final = "FLET_PLATFORM"  # set inside a packaged app, which has its window already


def run(web_app: Callable[[str, Path], Any], page_starter: Callable[[str, Path], Any], data: Path) -> None:
    """Start the demo with its data in `data` and open it; returns when the window is closed or Ctrl+C is pressed."""
    from mirabelle.server.hosting import Hosting, Server, Settings, demo_programme, free_port
    from mirabelle.server.services.sealing import master_key_from

    print("Starting the demo programme…", flush=True)
    smtp = os.environ.get("MIRABELLE_SMTP", "")
    hosting = Hosting(
        settings=Settings(data=data, demo=True, smtp=smtp, master_key=master_key_from(None, os.environ)),
        port=free_port(DEMO_PORT),
        programme=demo_programme(),
        web_app=web_app,
    )
    server = Server(hosting).start()
    try:
        print(f"Mirabelle is ready at {server.url}  (the shop's till: {server.url}/till)", flush=True)
        if PACKAGED in os.environ or _window_can_open():
            _open_window(page_starter(server.url, data / "app"))
            return
        if _browser_can_open() and webbrowser.open(server.url):
            print("It opened in your browser. Ctrl+C stops it.", flush=True)
        else:
            print("Open this address in a browser. Ctrl+C stops it.", flush=True)
        server.wait()
    finally:
        server.stop()


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
