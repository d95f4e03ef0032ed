"""While a device takes its time to open what it keeps, a page says what is waited for."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flet as ft
import keyring
import pytest
from keyring.backend import KeyringBackend

from mirabelle.client import wiring
from mirabelle.client.repositories.opened_links import OpenedLinks
from mirabelle.client.ui import waiting
from mirabelle.client.wiring import installed_starter, page_starter
from tests.backend import Backend
from tests.headless import Device, HeadlessApp

WORDS = {
    "en": "Waiting for this computer’s keyring",
    "fr": "En attente du trousseau de cet ordinateur",
    "ar": "في انتظار حافظة مفاتيح هذا الحاسوب",
}


class HungKeyring(KeyringBackend):
    """A desktop's keyring that answers nobody until it is `let_go`."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, str] = {}
        self.let_go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.let_go.wait(60)
        return self._kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[username] = password


@pytest.fixture
def hung() -> Iterator[HungKeyring]:
    before, backend = keyring.get_keyring(), HungKeyring()
    keyring.set_keyring(backend)
    yield backend
    backend.let_go.set()
    keyring.set_keyring(before)


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """A device that tells its language, French, once this is set."""
    asked = asyncio.Event()

    async def tell(_page: ft.Page) -> Any:
        await asked.wait()
        return SimpleNamespace(locales=[SimpleNamespace(language_code="fr")])

    monkeypatch.setattr(ft.Page, "get_device_info", tell)
    monkeypatch.setattr(wiring, "DEVICE_SECONDS", 60)
    return asked


def starting(start: Any, device: Device) -> HeadlessApp:
    """The desktop's window while the app starts, which ends by itself."""
    tasks = set()

    def main(page: ft.Page) -> None:
        tasks.add(asyncio.ensure_future(start(page)))

    return HeadlessApp(main, device=device, platform="linux")


@pytest.mark.parametrize("language", WORDS)
async def test_a_keyring_that_hangs_is_told_of_until_it_answers(
    hung: HungKeyring, backend: Backend, tmp_path: Path, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "TOLD_AFTER", waiting.SHOWN_AFTER)
    device = Device()
    device.preferences["mirabelle.language"] = language
    async with starting(page_starter(backend.url, tmp_path), device) as app:
        await app.until(lambda: WORDS[language] in app.texts())
        assert app.one(key="waiting") and app.page.rtl == (language == "ar")
        hung.let_go.set()
        await app.until(lambda: app.all(key="try-participant"))
        assert not app.all(key="waiting") and WORDS[language] not in app.texts()


async def test_an_installed_app_draws_a_page_before_its_keyring_answers(hung: HungKeyring, tmp_path: Path) -> None:
    starter = installed_starter(tmp_path, lambda: "http://127.0.0.1:9", OpenedLinks(tmp_path))
    async with starting(starter, Device()) as app:
        await app.until(lambda: app.all(key="waiting"))
        assert app.texts() == []  # no words yet: it may take no more than a moment
        hung.let_go.set()
        await app.until(lambda: app.all(key="try-participant"))


async def test_no_page_waits_for_a_device_that_has_not_told_its_language(
    hung: HungKeyring, french: asyncio.Event, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "TOLD_AFTER", waiting.SHOWN_AFTER)
    async with starting(page_starter(backend.url, tmp_path), Device()) as app:
        await app.until(lambda: WORDS["en"] in app.texts())
        french.set()
        await app.until(lambda: WORDS["fr"] in app.texts())
        hung.let_go.set()
        await app.until(lambda: app.all(key="try-participant"))


async def test_the_ring_is_drawn_before_the_device_has_told_its_language(
    hung: HungKeyring, french: asyncio.Event, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "TOLD_AFTER", 60)
    async with starting(page_starter(backend.url, tmp_path), Device()) as app:
        await app.until(lambda: app.all(key="waiting"))
        assert app.texts() == []
        french.set()
        hung.let_go.set()
        await app.until(lambda: app.all(key="try-participant"))


async def test_the_words_change_with_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TOLD_AFTER", waiting.SHOWN_AFTER)
    async with HeadlessApp(lambda _page: None, platform="linux") as app:
        page = waiting.Waiting(app.page, lambda: "en")
        with page.shown():
            await app.until(lambda: WORDS["en"] in app.texts())
            page.what = "files"
            await app.until(lambda: "Opening what this device keeps" in app.texts())
            assert WORDS["en"] not in app.texts() and app.one(key="waiting")
