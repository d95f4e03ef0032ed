"""The barest Flet page there is, on the kind of server that the app has; prints where it is."""

import socket
from collections.abc import Callable
from typing import Final

import flet as ft
import flet_web.fastapi as flet_fastapi
import uvicorn

WORDS: Final = "Bare"


def main(page: ft.Page) -> None:
    """One word."""
    page.add(ft.Text(WORDS))


def serve(page: Callable[[ft.Page], None]) -> None:
    """Serve `page` until the process ends, and print where."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(flet_fastapi.app(page, no_cdn=True), log_level="warning", access_log=False))
    server.run(sockets=[listener])


if __name__ == "__main__":
    serve(main)
