"""Chromium, the servers it visits, and windows to look through. Each module has a browser of its own: Playwright's
loop must be gone before asynchronous tests run in the same process."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from mirabelle.client.wiring import web_app
from mirabelle.contract.translation import Translator
from tests import chromium
from tests.backend import Backend
from tests.clock import MovableClock
from tests.journeys.web_server import WebServer
from tests.journeys.window import WAIT_MILLISECONDS, Window
from tests.people import people_with_points
from tests.wire import Wire

PHONE: Final = {"width": 390, "height": 844}
LOCALES: Final = {"en": "en-GB", "fr": "fr-FR", "ar": "ar-EG"}
NOUR: Final = "nour@example.org"  # each with 1,000 points
LINA: Final = "lina@example.org"

Open = Callable[..., Window]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = chromium.launch(playwright)
    yield running
    running.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """API and web app as `mirabelle serve --demo` has them: one process, one port."""
    with Backend(tmp_path_factory.mktemp("served"), web_app=web_app) as running:
        yield running


@dataclass(frozen=True)
class Apart:
    """The web app in one server, the API in another; what leads to each can be cut. The API's clock can be moved."""

    backend: Backend
    clock: MovableClock
    to_api: Wire
    to_web: Wire

    @property
    def url(self) -> str:
        return self.to_web.url


@pytest.fixture(scope="session")
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    data, clock = tmp_path_factory.mktemp("apart"), MovableClock()
    people_with_points(data / "api", NOUR, LINA)
    with ExitStack() as stack:
        backend = stack.enter_context(Backend(data / "api", clock=clock))
        to_api = stack.enter_context(Wire(backend.url))
        web = stack.enter_context(WebServer(web_app(to_api.url, data / "web")))
        yield Apart(backend, clock, to_api, stack.enter_context(Wire(web.url)))


@pytest.fixture
def apart(_apart: Apart) -> Iterator[Apart]:
    """The web app and the API apart, all in order."""
    yield _apart
    _apart.clock.ahead *= 0
    for wire in (_apart.to_api, _apart.to_web):
        wire.cut()
        wire.mend()


@pytest.fixture
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens windows, each in a browser profile of its own; `eye` is a browser with a camera."""
    opened: list[Window] = []

    def open_window(
        url: str, language: str = "en", *, size: dict[str, int] = PHONE, eye: Browser | None = None
    ) -> Window:
        context = (eye or browser).new_context(
            viewport=size,
            locale=LOCALES[language],
            permissions=["camera"] if eye else [],
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT_MILLISECONDS)
        opened.append(Window(context.new_page(), url, Translator(language)))
        return opened[-1]

    yield open_window
    if request.node.stash.get(FAILED, False):
        name = re.sub(r"\W+", "-", request.node.name)
        for number, one in enumerate(opened):
            one.keep_picture(f"{name}-{number}")
    for one in opened:
        one.page.context.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remembers that a journey failed, so that its windows are kept as pictures."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
