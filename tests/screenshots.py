"""Takes every screen in every language, brightness and size into ./screenshots: `python -m tests.screenshots`.

Everything in the pictures is real: the demo's server with a database of its own, the web app, Chromium.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from mirabelle.client.app import SYNC_SECONDS
from mirabelle.client.wiring import web_app
from mirabelle.contract.places import assets_directory
from mirabelle.contract.translation import LANGUAGES, Translator
from tests.backend import Backend
from tests.chromium import launch, see, visit
from tests.contact_sheets import write_sheet, write_strip

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

SILENCE_MILLISECONDS: Final = 250
TRIES: Final = 12

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


@dataclass
class Camera:
    """Somebody's browser page, and the pictures taken of it."""

    page: Page
    t: Translator
    url: str
    wanted: Wanted
    out: Path
    _messages: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.page.on("websocket", self._listen)

    def _listen(self, socket: Any) -> None:
        def heard(_message: Any) -> None:
            self._messages += 1

        socket.on("framereceived", heard)
        socket.on("framesent", heard)

    def visit(self, route: str, text: str, **values: Any) -> None:
        """Go to `route`, and wait until the text named `text` is there."""
        visit(self.page, f"{self.url}{route}", self.t(text, **values))

    def see(self, text: str, **values: Any) -> None:
        """Wait until the text named `text` is there."""
        see(self.page, self.t(text, **values))

    def press(self, text: str, **values: Any) -> None:
        """Press the button with the text named `text`."""
        self.page.get_by_role("button", name=self.t(text, **values)).first.click()

    def enter(self, words: str, *, submit: bool = False) -> None:
        """Type `words` into the page's first field."""
        self.page.evaluate("document.activeElement.blur()")
        self.page.get_by_role("textbox").filter(visible=True).first.click()
        self._wait_for_silence()  # Flutter takes a moment to listen to a field that got the focus
        self.page.keyboard.type(words)
        if submit:
            self.page.keyboard.press("Enter")

    def shoot(self, name: str) -> None:
        """Take what is on the screen in every brightness and size that is wanted."""
        if self.wanted.names and name not in self.wanted.names:
            return
        for theme in self.wanted.themes:
            self.page.emulate_media(color_scheme=theme)
            for size in self.wanted.sizes:
                width, height = SIZES[size]
                self.page.set_viewport_size({"width": width, "height": height})
                folder = self.out / self.t.language / theme / size
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{name}.png").write_bytes(self._settled())
        width, height = SIZES[PHONE]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="light")

    def _settled(self) -> bytes:
        """The page once nothing more is said between it and the server, and two pictures running are the same."""
        self._wait_for_silence()
        before = b""
        for _ in range(TRIES):
            picture = self.page.screenshot()
            if picture == before:
                break
            before = picture
        return before

    def _wait_for_silence(self) -> None:
        heard = -1
        while heard != self._messages:
            heard = self._messages
            self.page.wait_for_timeout(SILENCE_MILLISECONDS)


def first_steps(camera: Camera) -> None:
    """Somebody arrives, looks at the ways in, and tries the demo."""
    camera.visit("/", "welcome.try_participant")
    camera.shoot("welcome")
    camera.press("welcome.sign_in")
    camera.see("welcome.send_code")
    camera.shoot("sign-in")
    camera.enter("amina@example.org")
    camera.press("welcome.send_code")
    camera.see("welcome.send_again")
    camera.shoot("sign-in-code")
    camera.enter("000000", submit=True)
    camera.see("reasons.wrong_code")
    camera.shoot("sign-in-refused")
    camera.visit("/", "welcome.try_participant")
    camera.press("welcome.try_participant")
    camera.see("welcome.guide_earn")
    camera.shoot("guide")
    for step in ("choose", "confirm", "show"):
        camera.press("welcome.guide_next")
        camera.see(f"welcome.guide_{step}")
    camera.shoot("guide-end")
    camera.press("welcome.guide_start")
    camera.see("wallet.yours_now")


def at_home(camera: Camera) -> None:
    """What a participant has, and what happened to it."""
    camera.shoot("wallet")
    camera.visit("/activity", "activity.earned")
    camera.shoot("activity")
    camera.press("activity.spent")
    camera.see("activity.paid_by")
    camera.shoot("activity-open")
    camera.visit("/alerts", "alerts.dismiss")
    camera.shoot("alerts")
    camera.visit("/settings", "settings.appearance")
    camera.shoot("settings")
    camera.press("settings.sign_out")
    camera.see("settings.sign_out_ask")
    camera.shoot("sign-out")
    camera.visit("/lost", "shared.not_found")
    camera.shoot("nowhere")


def in_the_catalog(camera: Camera) -> None:
    """Looking for something."""
    camera.visit("/rewards", "catalog.spend_first")
    camera.shoot("catalog")
    camera.press("catalog.filters")
    camera.see("catalog.affordable")
    camera.shoot("catalog-filters")
    camera.visit("/rewards?kind=charity", "catalog.clear")
    camera.shoot("catalog-filtered")
    camera.visit("/rewards", "catalog.spend_first")
    camera.enter("qqqq")
    camera.see("catalog.none")
    camera.shoot("catalog-nothing")
    camera.visit(f"/rewards/{REWARD}", "catalog.choose")
    camera.shoot("reward")
    camera.visit(f"/rewards/{TOO_DEAR}", "catalog.missing_hint")
    camera.shoot("reward-too-dear")
    camera.visit("/rewards/lost", "catalog.gone")
    camera.shoot("reward-gone")


def at_the_counter(camera: Camera) -> None:
    """Redeeming, step by step, and what comes of it."""
    camera.visit(f"/checkout/{ON_A_DAY}", "checkout.paying")
    camera.press("shared.continue")
    camera.see("checkout.needs_date")
    camera.shoot("checkout-day")
    camera.press("checkout.choose_date")
    camera.page.get_by_role("dialog").or_(camera.page.get_by_role("alertdialog")).first.wait_for()
    camera.shoot("checkout-calendar")
    camera.visit(f"/checkout/{TO_CHARITY}", "checkout.paying")
    camera.press("shared.continue")
    camera.see("checkout.needs_charity")
    camera.shoot("checkout-charity")
    camera.visit(f"/checkout/{TOO_DEAR}", "reasons.not_enough_points")
    camera.shoot("checkout-refused")
    camera.visit("/vouchers", "vouchers.no_ready")
    camera.shoot("vouchers-none")
    camera.visit(f"/checkout/{REWARD}", "checkout.paying")
    camera.shoot("checkout-cost")
    camera.press("shared.continue")
    camera.see("checkout.can_cancel")
    camera.shoot("checkout-confirm")
    camera.press("checkout.confirm", points="")
    camera.see("checkout.show_voucher")
    camera.shoot("thanks")
    camera.press("checkout.show_voucher")
    camera.see("vouchers.or_say")
    camera.shoot("voucher")
    camera.visit("/vouchers", "vouchers.until", date="")
    camera.shoot("vouchers")
    camera.visit("/vouchers?tab=orders", "vouchers.tab_orders")
    camera.shoot("vouchers-orders")


def at_the_till(camera: Camera, code: str) -> None:
    """Staff scan `code` twice, and something that is no code."""
    camera.visit("/till", "welcome.try_staff")
    camera.press("welcome.try_staff")
    camera.see("till.field")
    camera.shoot("till")
    for name, entered, outcome in (
        ("till-accepted", code, "accepted"),
        ("till-refused", code, "refused"),
        ("till-no-voucher", "ABCD-EFGH", "refused"),
    ):
        camera.enter(entered, submit=True)
        camera.see(f"till.{outcome}")
        camera.shoot(name)
        camera.press("till.next")
        camera.see("till.field")
    camera.visit("/till/scans", "till.history")
    camera.shoot("scans")
    camera.visit("/settings", "settings.appearance")
    camera.shoot("settings-staff")


def without_network(participant: Camera, till: Camera) -> None:
    """The same two people once the server is gone, which each page finds out at its next sync."""
    participant.page.set_default_timeout(1000 * (SYNC_SECONDS + 20))
    till.page.set_default_timeout(1000 * (SYNC_SECONDS + 20))
    participant.visit("/wallet", "shared.offline")
    participant.shoot("offline-wallet")
    participant.visit(f"/checkout/{REWARD}", "checkout.paying")
    participant.press("shared.continue")
    participant.press("checkout.confirm", points="")
    participant.see("checkout.not_sent")
    participant.shoot("offline-checkout")
    participant.visit("/vouchers", "vouchers.until", date="")
    participant.page.get_by_role("button", name=participant.t("vouchers.until", date="")).first.click()
    participant.see("vouchers.or_say")
    participant.shoot("offline-voucher")
    till.visit("/till", "till.offline")
    till.shoot("offline-till")
    till.enter("ABCD-EFGH-JKMN", submit=True)
    till.see("till.unchecked")
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
        for language in wanted.languages:
            participant, till = (_camera(browser, web.url, language, wanted, out) for _ in range(2))
            people.append((participant, till))
            first_steps(participant)
            at_home(participant)
            in_the_catalog(participant)
            at_the_counter(participant)
            at_the_till(till, _voucher_code(api))
        api.__exit__(None, None, None)
        for participant, till in people:
            without_network(participant, till)


def _camera(browser: Browser, url: str, language: str, wanted: Wanted, out: Path) -> Camera:
    context = browser.new_context(locale=language, device_scale_factor=wanted.sharpness)
    context.set_default_timeout(20_000)
    page = context.new_page()
    width, height = SIZES[PHONE]
    page.set_viewport_size({"width": width, "height": height})
    return Camera(page, Translator(language), url, wanted, out)


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
