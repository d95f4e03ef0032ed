"""The app as it starts with no network on a device where somebody is signed in, up to the wallet in the window.

`python -m tests.bench.from_store FOLDER` starts it once on what `prepared` left in FOLDER, and prints which of the
modules that only a later moment needs were loaded by then.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import flet as ft
import msgpack

from mirabelle.client.wiring import page_starter
from tests.headless import Device, HeadlessApp

LATER: Final = ("httpx", "keyring", "qrcode", "PIL", "fpdf", "desktop_notifier", "zxingcpp", "mirabelle.server")
_NOBODY_THERE: Final = "http://127.0.0.1:9"
_KEPT: Final = "device.json"


async def prepared(url: str, folder: Path, **page: Any) -> None:
    """Leave in `folder` a phone on which a new visitor of the demo at `url` is signed in and in sync; `page` is what
    else its window says of itself, such as that it is a browser's."""
    device = Device()
    async with HeadlessApp(page_starter(url, folder), device=device, **page) as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.page.route == "/guide")
        await app.go("/wallet")
        await app.until(lambda: app.all(key="balance"))
        points = app.one(ft.Text, key="balance").value
    device.preferences["mirabelle.guide_seen"] = "yes"
    (folder / _KEPT).write_text(json.dumps([device.secrets, device.preferences, points]), encoding="utf-8")


def started(folder: Path, route: str = "/wallet", **page: Any) -> HeadlessApp:
    """The app on the phone in `folder`, with no network; `page` as in `prepared`."""
    device = Device()
    device.secrets, device.preferences, _ = _kept(folder)
    return HeadlessApp(page_starter(_NOBODY_THERE, folder), route=route, device=device, **page)


def _kept(folder: Path) -> list[Any]:
    kept: list[Any] = json.loads((folder / _KEPT).read_text(encoding="utf-8"))
    return kept


async def _start(folder: Path) -> None:
    """Start, and end as soon as the window was sent the wallet: what goes on then is not waited for."""
    app, points = started(folder), msgpack.packb(_kept(folder)[2])
    start = app.main

    async def draw(page: ft.Page) -> None:
        await start(page)
        assert points in app.window.last_sent, app.texts()
        print(json.dumps([name for name in LATER if name in sys.modules]), flush=True)
        os._exit(0)

    app.main = draw
    async with app:
        pass


if __name__ == "__main__":
    asyncio.run(_start(Path(sys.argv[1])))
