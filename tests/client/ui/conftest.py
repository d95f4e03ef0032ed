"""The whole app behind a headless window, against the real server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mirabelle.client.wiring import page_starter
from tests.backend import Backend
from tests.headless import Device, HeadlessApp

Start = Callable[..., HeadlessApp]


@pytest.fixture
def device() -> Device:
    """A phone that nobody has used yet."""
    return Device()


@pytest.fixture
def start(backend: Backend, device: Device, tmp_path: Path) -> Start:
    """Starts the app on the phone, at a route and in a window of a size."""

    def at(route: str = "/", server: str = backend.url, **window: Any) -> HeadlessApp:
        return HeadlessApp(page_starter(server, tmp_path), route=route, device=device, **window)

    return at


@pytest.fixture
def start_signed_in(start: Start, device: Device) -> Callable[..., Any]:
    """Signs a new demo visitor in on the phone; the next start goes on from there, past the guide."""

    async def sign_in(role: str = "participant") -> None:
        async with start() as app:
            await app.tap(app.one(key=f"try-{role}"))
            await app.until(lambda: app.page.route in ("/guide", "/till"))
        device.preferences["mirabelle.guide_seen"] = "yes"

    return sign_in
