"""Takes every screen in every language, brightness and size into ./screenshots: `python -m tests.screenshots`.

Everything in the pictures is real: the demo's server with a database of its own, the web app, Chromium.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, sync_playwright

from mirabelle.client.app import SYNC_SECONDS
from mirabelle.client.wiring import web_app
from mirabelle.contract.places import assets_directory
from mirabelle.contract.translation import LANGUAGES, Translator
from tests.backend import Backend
from tests.chromium import launch
from tests.contact_sheets import write_sheet, write_strip
from tests.journeys.window import Window

OUT: Final = Path("screenshots")
README_PICTURE: Final = "images/readme/screens.webp"
README_HEIGHT: Final = 1000  # pixels
PHONE: Final = "390x844"
SIZES: Final = {PHONE: (390, 844), "820x1180": (820, 1180), "1440x900": (1440, 900)}
ON_A_SHEET: Final = {PHONE: 230, "820x1180": 310, "1440x900": 470}  # width in pixels

REWARD: Final = "coffee-and-cake"
TOO_DEAR: Final = "trainers"
ON_A_DAY: Final = "spa-afternoon"
TO_CHARITY: Final = "give"
SCANNED: Final = "croissant"

PATIENCE_SECONDS: Final = 60
SILENCE_MILLISECONDS: Final = 250
TRIES: Final = 12
TWO_FRAMES: Final = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"

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
        """Go to an address; what a screen reader says is there a moment before it is drawn."""
        super().open(route, text, **values)
        self._settled()
        return self

    def types(self, words: str, *, submit: bool = False) -> None:
        """Type into the first field, which takes a moment to listen once it has the focus."""
        self.page.get_by_role("textbox").filter(visible=True).first.click()
        self._wait_for_silence()
        self.page.keyboard.type(words)
        if submit:
            self.page.keyboard.press("Enter")

    def shoot(self, name: str) -> None:
        """Take what is on the screen in every brightness that is wanted."""
        if self.wanted.names and name not in self.wanted.names:
            return
        for theme in self.wanted.themes:
            self.page.emulate_media(color_scheme=theme)
            folder = self.out / self.t.language / theme / self.size
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(self._settled())
        self.page.emulate_media(color_scheme="light")

    def _settled(self) -> bytes:
        """The page once nothing more is said between it and the server, and two pictures running are the same."""
        before = b""
        for _ in range(TRIES):
            self._wait_for_silence()
            picture = self.page.screenshot()
            if picture == before:
                break
            before = picture
        return before

    def _wait_for_silence(self) -> None:
        self.page.wait_for_load_state("networkidle")  # fonts and pictures, after a page was opened
        heard = -1
        while heard != self._messages:
            heard = self._messages
            self.page.wait_for_timeout(SILENCE_MILLISECONDS)
            self.page.evaluate(TWO_FRAMES)


def first_steps(camera: Camera) -> None:
    """Somebody arrives, looks at the ways in, and tries the demo."""
    camera.open("/", "welcome.try_participant")
    camera.shoot("welcome")
    camera.presses("welcome.sign_in")
    camera.sees("welcome.send_code")
    camera.shoot("sign-in")
    camera.types("amina@example.org")
    camera.presses("welcome.send_code")
    camera.sees("welcome.send_again")
    camera.shoot("sign-in-code")
    camera.types("000000", submit=True)
    camera.sees("reasons.wrong_code")
    camera.shoot("sign-in-refused")
    camera.open("/", "welcome.try_participant")
    camera.presses("welcome.try_participant")
    camera.sees("welcome.guide_earn_hint")
    camera.shoot("guide")
    for step in ("choose", "confirm", "show"):
        camera.presses("welcome.guide_next")
        camera.sees(f"welcome.guide_{step}_hint")
    camera.shoot("guide-end")
    camera.presses("welcome.guide_start")
    camera.sees("wallet.yours_now")


def at_home(camera: Camera) -> None:
    """What a participant has, and what happened to it."""
    camera.shoot("wallet")
    camera.open("/activity", "activity.arrived")
    camera.shoot("activity")
    camera.presses("activity.spent")
    camera.sees("activity.paid_by")
    camera.shoot("activity-open")
    camera.open("/alerts", "alerts.dismiss")
    camera.shoot("alerts")
    camera.open("/settings", "settings.appearance")
    camera.shoot("settings")
    camera.presses("settings.sign_out")
    camera.sees("settings.sign_out_ask")
    camera.shoot("sign-out")
    camera.presses("shared.cancel")
    camera.open("/lost", "shared.not_found")
    camera.shoot("nowhere")


def in_the_catalog(camera: Camera) -> None:
    """Looking for something."""
    camera.open("/rewards", "catalog.spend_first")
    camera.shoot("catalog")
    camera.presses("catalog.filters")
    camera.sees("catalog.affordable")
    camera.shoot("catalog-filters")
    camera.presses("catalog.kind_charity")
    camera.page.keyboard.press("Escape")
    camera.sees("catalog.clear")
    camera.shoot("catalog-filtered")
    camera.types("qqqq")
    camera.sees("catalog.none")
    camera.shoot("catalog-nothing")
    camera.open(f"/rewards/{REWARD}", "catalog.choose")
    camera.shoot("reward")
    camera.open(f"/rewards/{TOO_DEAR}", "catalog.missing_hint")
    camera.shoot("reward-too-dear")
    camera.open("/rewards/lost", "catalog.gone")
    camera.shoot("reward-gone")


def at_the_counter(camera: Camera) -> None:
    """Redeeming, step by step, and what comes of it."""
    camera.open(f"/checkout/{ON_A_DAY}", "checkout.paying")
    camera.presses("shared.continue")
    camera.sees("checkout.needs_date")
    camera.shoot("checkout-day")
    camera.presses("checkout.choose_date")
    camera.page.get_by_role("dialog").or_(camera.page.get_by_role("alertdialog")).first.wait_for()
    camera.shoot("checkout-calendar")
    camera.page.keyboard.press("Escape")
    camera.open(f"/checkout/{TO_CHARITY}", "checkout.paying")
    camera.presses("shared.continue")
    camera.sees("checkout.needs_charity")
    camera.shoot("checkout-charity")
    camera.open(f"/checkout/{TOO_DEAR}", "reasons.not_enough_points")
    camera.shoot("checkout-refused")
    camera.open("/vouchers", "vouchers.no_ready")
    camera.shoot("vouchers-none")
    camera.open(f"/checkout/{REWARD}", "checkout.paying")
    camera.shoot("checkout-cost")
    camera.presses("shared.continue")
    camera.sees("checkout.can_cancel")
    camera.shoot("checkout-confirm")
    camera.presses("checkout.confirm", points="")
    camera.sees("checkout.show_voucher")
    camera.shoot("thanks")
    camera.presses("checkout.show_voucher")
    camera.sees("vouchers.or_say")
    camera.shoot("voucher")
    camera.open("/vouchers", "vouchers.until", date="")
    camera.shoot("vouchers")
    camera.open("/vouchers?tab=orders", "vouchers.tab_orders")
    camera.shoot("vouchers-orders")


def at_the_till(camera: Camera, code: str) -> None:
    """Staff scan `code` twice, and something that is no code."""
    camera.open("/till", "welcome.try_staff")
    camera.presses("welcome.try_staff")
    camera.sees("till.field")
    camera.shoot("till")
    for name, entered, outcome in (
        ("till-accepted", code, "accepted"),
        ("till-refused", code, "refused"),
        ("till-no-voucher", "ABCD-EFGH", "refused"),
    ):
        camera.types(entered, submit=True)
        camera.sees(f"till.{outcome}")
        camera.shoot(name)
        camera.presses("till.next")
        camera.sees("till.field")
    camera.open("/till/scans", "till.history")
    camera.shoot("scans")
    camera.open("/settings", "settings.appearance")
    camera.shoot("settings-staff")


def without_network(participant: Camera, till: Camera) -> None:
    """The same two people once the server is gone, which each page finds out at its next sync."""
    participant.page.set_default_timeout(1000 * (SYNC_SECONDS + PATIENCE_SECONDS))
    till.page.set_default_timeout(1000 * (SYNC_SECONDS + PATIENCE_SECONDS))
    participant.open("/wallet", "shared.offline")
    participant.shoot("offline-wallet")
    participant.open(f"/checkout/{REWARD}", "checkout.paying")
    participant.presses("shared.continue")
    participant.presses("checkout.confirm", points="")
    participant.sees("checkout.not_sent")
    participant.shoot("offline-checkout")
    participant.open("/vouchers", "vouchers.until", date="")
    participant.page.get_by_role("button", name=participant.t("vouchers.until", date="")).first.click()
    participant.sees("vouchers.or_say")
    participant.shoot("offline-voucher")
    till.open("/till", "till.offline")
    till.shoot("offline-till")
    till.types("ABCD-EFGH-JKMN", submit=True)
    till.sees("till.unchecked")
    till.shoot("offline-verdict")


def take(wanted: Wanted, out: Path) -> None:
    """Walk through the app in every language that is wanted, and take the pictures that are wanted into `out`."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = Backend(data / "api")
        api.__enter__()
        web = stack.enter_context(Backend(data / "web", web_app=lambda _url, place: web_app(api.url, place)))
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        people = []
        for language, size in product(wanted.languages, wanted.sizes):
            participant, till = (_camera(browser, web.url, language, wanted, size, out) for _ in range(2))
            people.append((participant, till))
            first_steps(participant)
            at_home(participant)
            in_the_catalog(participant)
            at_the_counter(participant)
            at_the_till(till, _voucher_code(api))
        api.__exit__(None, None, None)
        for participant, till in people:
            without_network(participant, till)


def _camera(browser: Browser, url: str, language: str, wanted: Wanted, size: str, out: Path) -> Camera:
    width, height = SIZES[size]
    context = browser.new_context(
        locale=language, device_scale_factor=wanted.sharpness, viewport={"width": width, "height": height}
    )
    context.set_default_timeout(1000 * PATIENCE_SECONDS)
    return Camera(page=context.new_page(), url=url, t=Translator(language), wanted=wanted, size=size, out=out)


def _voucher_code(api: Backend) -> str:
    """The code to type of somebody's new voucher."""
    person = api.participant()
    catalog = person.get("/catalog").json()["rewards"]
    points = next(reward["points"] for reward in catalog if reward["id"] == SCANNED)
    return str(person.redeem(SCANNED, points).json()["voucher"]["code"])


def write_sheets(out: Path) -> None:
    """A sheet for every language, brightness and size."""
    for folder in sorted(folder for folder in out.glob("*/*/*") if folder.is_dir()):
        language, theme, size = folder.parts[-3:]
        pictures = sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        write_sheet(pictures, out / f"{language}-{theme}-{size}.png", ON_A_SHEET[size])


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="take only the picture NAME")
    parser.add_argument("--readme", action="store_true", help="make the README's picture instead")
    options = parser.parse_args(words)
    if options.readme:
        with tempfile.TemporaryDirectory() as folder:
            take(FOR_README, Path(folder))
            taken = sorted(Path(folder).glob("*/*/*/*.png"), key=lambda path: path.stat().st_mtime_ns)
            write_strip([path.read_bytes() for path in taken], assets_directory() / README_PICTURE, README_HEIGHT)
        return
    if not options.only:
        shutil.rmtree(OUT, ignore_errors=True)
    take(Wanted(frozenset(options.only)), OUT)
    write_sheets(OUT)
    print(f"The pictures are in {OUT.resolve()}")


if __name__ == "__main__":
    main()
