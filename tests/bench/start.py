"""How soon the app is there: its first frame in a browser, and what a phone imports before it."""

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from mirabelle.contract.translation import Translator
from tests.backend import Backend
from tests.bench import bare_page, from_store
from tests.bench.figures import Figure
from tests.bench.processes import demo, environment, running
from tests.chromium import launch, visit

FRAMES: Final = 9
IMPORTS: Final = 15
STARTS: Final = 12
START_RATIO: Final = 2.5
_BARE: Final = """
import asyncio, os, flet as ft
from tests.headless import HeadlessApp
async def start():
    async with HeadlessApp(lambda page: page.add(ft.Text("Bare"))):
        os._exit(0)
asyncio.run(start())
"""


def first_frame() -> list[Figure]:
    """From an address to words on the screen, with nothing in the browser's cache; ours and the bare page in turn."""
    words = Translator("en")("welcome.try_participant")
    ours, bare = [], []
    with (
        tempfile.TemporaryDirectory() as data,
        demo(Path(data)) as app,
        running("-m", bare_page.__name__) as page,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for _ in range(FRAMES):
            ours.append(_frame(browser, app, words))
            bare.append(_frame(browser, page, bare_page.WORDS))
        browser.close()
    return [Figure("first frame of the app", "of a bare Flet page", ours, bare)]


def _frame(browser: Browser, url: str, words: str) -> float:
    context = browser.new_context(locale="en")
    page = context.new_page()
    started = time.perf_counter()
    visit(page, url, words)
    took = time.perf_counter() - started
    context.close()
    return took


def imports() -> list[Figure]:
    """What the app imports at start, against Flet alone; each in a new interpreter, in turn."""
    for module in ("mirabelle.client.wiring", "flet"):
        _import(module)  # writes the bytecode
    ours, bare = [], []
    for _ in range(IMPORTS):
        ours.append(_import("mirabelle.client.wiring"))
        bare.append(_import("flet"))
    return [Figure("import mirabelle.client.wiring", "import flet", ours, bare)]


def _import(module: str) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    program = f"import sys; sys.path[:] = {sys.path!r}; {code}"
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def to_the_wallet() -> list[Figure]:
    """The processor's time of the whole app, without its window and with no network, until the wallet of its store is
    drawn, against processes that draw a word in the same way, and that only import Flet; in turn."""
    ours, drawn, imported = [], [], []
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as folder:
        with Backend(Path(data)) as backend:
            asyncio.run(from_store.prepared(backend.url, Path(folder)))
        for _ in range(STARTS):
            ours.append(_worked(data, "-m", from_store.__name__, folder))
            drawn.append(_worked(data, "-c", _BARE))
            imported.append(_worked(data, "-c", "import flet"))
    name = "start to the wallet in the store"
    return [
        Figure(name, "import flet", ours[1:], imported[1:], wanted=START_RATIO),
        Figure(name, "start to a word on a bare page", ours[1:], drawn[1:]),
    ]


def _worked(bytecode: str, *words: str) -> float:
    """Seconds of the processor that a process takes; the first one writes the bytecode for those after it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = environment() | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=kept)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
