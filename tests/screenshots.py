"""Takes every screen in every language, brightness and size into ./screenshots: `python -m tests.screenshots`.

Everything in the pictures is real: the demo's server with a database of its own, the web app, Chromium.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect, sync_playwright

from mirabelle.client.repositories.opened_links import OpenedLinks
from mirabelle.client.ui.routes import PLACES, find, home
from mirabelle.client.wiring import installed_starter, web_app
from mirabelle.contract.places import assets_directory
from mirabelle.contract.translation import LANGUAGES, Translator
from tests import screenshot_ways as ways
from tests.backend import Backend
from tests.chromium import launch
from tests.contact_sheets import write_sheet, write_strip
from tests.journeys.window import ONE_TRY_MILLISECONDS, Window, until_it_works
from tests.pass_signers import pass_signers

OUT: Final = Path("screenshots")
README_PICTURE: Final = "images/readme/screens.webp"
README_HEIGHT: Final = 1000  # pixels
PHONE: Final = "390x844"
SIZES: Final = {PHONE: (390, 844), "820x1180": (820, 1180), "1440x900": (1440, 900)}
ON_A_SHEET: Final = {PHONE: 230, "820x1180": 310, "1440x900": 470}  # width in pixels

WALKS_AT_ONCE: Final = 2
PATIENCE_SECONDS: Final = 60
BOOT_MILLISECONDS: Final = 1_500  # for fonts and first pictures: they come after the words
PAUSE_MILLISECONDS: Final = 150
SAME: Final = 2  # times running that a picture is like the one before
FRAMES: Final = 3  # that the browser draws between two pictures: a busy machine draws them late
MOST_PICTURES: Final = 20  # of one page, until it keeps still
DRAW_FRAMES: Final = """async count => {
    for (; count > 0; count--) await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
}"""

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pictures are wanted; no `names` means all of them. `sharpness` is in pixels for each logical one."""

    names: frozenset[str] = frozenset()
    languages: tuple[str, ...] = LANGUAGES
    themes: tuple[Theme, ...] = ("light", "dark")
    sizes: tuple[str, ...] = tuple(SIZES)
    sharpness: float = 1


FOR_README: Final = Wanted(
    frozenset({"wallet", "catalog", "voucher", "till-accepted"}), ("en",), ("light",), (PHONE,), sharpness=2
)


@dataclass(kw_only=True)
class Camera(Window):
    """Somebody's window, and the pictures taken of it."""

    wanted: Wanted
    size: str
    out: Path
    last: str = field(default="the start", init=False)
    shot: set[str] = field(default_factory=set)  # which pages
    _messages: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for event in ("request", "requestfinished", "requestfailed"):
            self.page.on(event, self._count)  # type: ignore[call-overload]
        self.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        socket.on("framereceived", self._count)
        socket.on("framesent", self._count)

    def _count(self, _traffic: Any) -> None:
        self._messages += 1

    def open(self, route: str, text: str, **values: Any) -> Window:
        """Go to an address, and wait for its fonts and pictures as well."""
        super().open(route, text, **values)
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_timeout(BOOT_MILLISECONDS)
        return self

    def enters(self, code: str, text: str) -> None:
        """Type a code at the till and see what comes of it; one typed while the field is drawn anew goes nowhere."""

        def enter() -> None:
            if self.page.get_by_label(self.t("till.field")).count():
                self.page.evaluate("document.activeElement?.blur()")  # else what is typed may not reach Flutter's field
                self.types(code, submit=True)
            words = self.t(text)
            seen = self.page.get_by_text(words).or_(self.page.get_by_label(words)).first
            expect(seen).to_be_attached(timeout=2 * ONE_TRY_MILLISECONDS)

        until_it_works(enter)

    def shoot(self, name: str) -> None:
        """Take what is on the screen in every brightness that is wanted."""
        self.last = name
        path = urlsplit(self.page.url).path
        self.shot.add(find(home(None) if path == "/" else path).place.address)
        if self.wanted.names and name not in self.wanted.names:
            return
        self.page.mouse.move(SIZES[self.size][0] / 2, 0)  # where nothing lights up below it
        for theme in self.wanted.themes:
            self.page.emulate_media(color_scheme=theme)
            folder = self.out / self.t.language / theme / self.size
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(self._settled())
        self.page.emulate_media(color_scheme="light")

    def _settled(self) -> bytes:
        """The page once it keeps still, and nothing is said between it and the server."""
        before, heard, same = b"", -1, 0
        for _ in range(MOST_PICTURES):
            picture = self.page.screenshot()
            same = same + 1 if picture == before and heard == self._messages else 0
            if same == SAME:
                break
            before, heard = picture, self._messages
            self.page.wait_for_timeout(PAUSE_MILLISECONDS)
            self.page.evaluate(DRAW_FRAMES, FRAMES)
        return before


def write_sheets(language: str, size: str, out: Path) -> None:
    """A sheet of all pictures in a language and a size for each brightness."""
    for folder in sorted(out.glob(f"{language}/*/{size}")):
        pictures = sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        write_sheet(pictures, out / f"{language}-{folder.parent.name}-{size}.png", ON_A_SHEET[size])


def walk(language: str, size: str, wanted: Wanted, out: Path) -> list[str]:
    """Walk through the app in one language and size, and take what is wanted into `out`. The answer is which pictures
    are missing, and why: a way that ends early does not keep the next one from being walked."""
    missing: list[str] = []

    def go(way: Callable[..., None], camera: Camera, *more: Any) -> None:
        try:
            way(camera, *more)
        except Exception as fault:
            camera.keep_picture(f"stuck-{language}-{size}-{way.__name__}")
            missing.append(f"{language} {size}: what {way.__name__} shows after {camera.last}: {fault}")

    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = Backend(
            data / "api",
            programme=ways.programme(with_transfers=wanted.names != FOR_README.names),
            passes=pass_signers(data / "signers").keys(),
        )
        api.__enter__()
        web = stack.enter_context(Backend(data / "web", web_app=lambda _url, place: web_app(api.url, place)))
        own = stack.enter_context(Backend(data / "own", web_app=lambda _url, place: _installed_app(api.url, place)))
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        cameras = [_camera(browser, url, language, wanted, size, out) for url in (web.url, web.url, own.url)]
        participant, till, installed = cameras
        codes = [_voucher_code(api, reward) for reward in (ways.SCANNED, ways.WITH_MONEY)]
        for way in (ways.first_steps, ways.at_home, ways.in_the_catalog, ways.at_the_counter, ways.with_a_voucher):
            go(way, participant)
        go(ways.at_the_till, till, *codes)
        go(ways.with_a_task, participant, till, data)
        go(ways.with_two_accounts, installed, api.url)
        api.__exit__(None, None, None)
        go(ways.the_wallet_without_network, participant)
        go(ways.the_till_without_network, till)
    write_sheets(language, size, out)
    unseen = {place.address for place in PLACES}.difference(*(camera.shot for camera in cameras))
    return missing + [f"{language} {size}: no picture of {address}" for address in sorted(unseen)]


def take(wanted: Wanted, out: Path) -> list[str]:
    """Take the pictures that are wanted into `out`, each language and size by itself; returns what is missing."""
    missing: list[str] = []
    began = time.monotonic()
    with ProcessPoolExecutor(WALKS_AT_ONCE) as walkers:
        walks = [walkers.submit(walk, *way, wanted, out) for way in product(wanted.languages, wanted.sizes)]
        for done, one in enumerate(as_completed(walks), 1):
            missing += one.result()
            print(f"{done} of {len(walks)} walks after {time.monotonic() - began:.0f} s", flush=True)
    return missing


def _installed_app(server_url: str, data: Path) -> Any:
    """The app as it is installed, though in a browser; the demo that it brings along is `server_url`'s."""
    import flet_web.fastapi as flet_fastapi

    start = installed_starter(data, lambda: server_url, OpenedLinks(data))
    return flet_fastapi.app(start, assets_dir=str(assets_directory()), no_cdn=True)


def _camera(browser: Browser, url: str, language: str, wanted: Wanted, size: str, out: Path) -> Camera:
    width, height = SIZES[size]
    context = browser.new_context(
        locale=language,
        device_scale_factor=wanted.sharpness,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",  # a page that slides in is no picture of it
    )
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    return Camera(page=context.new_page(), url=url, t=Translator(language), wanted=wanted, size=size, out=out)


def _voucher_code(api: Backend, wanted: str) -> str:
    """The code to type of somebody's new voucher of the reward."""
    person = api.participant()
    catalog = person.get("/catalog").json()["rewards"]
    points = next(reward["points"] for reward in catalog if reward["id"] == wanted)
    return str(person.redeem(wanted, points, recipient="Lina").json()["voucher"]["code"])


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="take only the picture NAME")
    parser.add_argument("--readme", action="store_true", help="make the README's picture instead")
    options = parser.parse_args(words)
    if options.readme:
        with tempfile.TemporaryDirectory() as folder:
            missing = take(FOR_README, Path(folder))
            taken = sorted(Path(folder).glob("*/*/*/*.png"), key=lambda path: path.stat().st_mtime_ns)
            write_strip([path.read_bytes() for path in taken], assets_directory() / README_PICTURE, README_HEIGHT)
    else:
        if not options.only:
            shutil.rmtree(OUT, ignore_errors=True)
        missing = take(Wanted(frozenset(options.only)), OUT)
        print(f"The pictures are in {OUT.resolve()}")
    if missing:
        sys.exit("\n".join(["Missing:", *missing]))


if __name__ == "__main__":
    main()
