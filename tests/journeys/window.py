"""A browser window with somebody before it: what they do, in their words, and what they see."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect

from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.contract.translation import Translator
from tests import chromium

PICTURES = Path("screenshots/journeys")
MOST_TABS = 60
POLL_MILLISECONDS = 100
TRIES = 5
ONE_TRY_MILLISECONDS = 4_000
WAIT_MILLISECONDS = 20_000  # for what is expected; a machine with two busy cores is slow, not wrong


def until_it_works(attempt: Callable[[], None]) -> None:
    """Do what people do when nothing happens: try again, a few times. Fails as the last try does."""
    for _ in range(TRIES - 1):
        try:
            return attempt()
        except AssertionError:
            continue
    return attempt()


@dataclass
class Window:
    """`url` is where the app is; texts are named by their keys and told in `t`'s language."""

    page: Page
    url: str
    t: Translator
    visited: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda fault: self.complaints.append(f"fault: {fault}"))
        self.page.on("crash", lambda _page: self.complaints.append("the page crashed"))

    def open(self, route: str, text: str, **values: Any) -> "Window":
        """Go to an address, and wait until the text `text` is there."""
        chromium.visit(self.page, self.url + route, self.t(text, **values))
        return self

    def goes_to(self, route: str, text: str, **values: Any) -> None:
        """Go to an address within the app, as a link in it does, without loading it anew."""
        self.page.evaluate(
            "to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')) }", route
        )
        self.sees(text, **values)

    def sees(self, text: str, **values: Any) -> None:
        """Wait until a text is on the screen."""
        self.sees_words(self.t(text, **values))

    def sees_words(self, words: str) -> None:
        """Wait until these very words are on the screen."""
        chromium.see(self.page, words)
        self.visited.append(self.everything())

    def does_not_see(self, text: str, **values: Any) -> None:
        """A text is not on the screen, or leaves it."""
        words = self.t(text, **values)
        expect(self.page.get_by_text(words).or_(self.page.get_by_label(words))).to_have_count(
            0, timeout=WAIT_MILLISECONDS
        )

    def button(self, text: str, **values: Any) -> Locator:
        """The button that says a text."""
        return self.page.get_by_role("button", name=self.t(text, **values))

    def presses(self, text: str, **values: Any) -> None:
        """Press the button that says a text."""
        self.button(text, **values).first.click()

    def presses_words(self, words: str) -> None:
        """Press what says these very words, such as a reward."""
        self.page.get_by_role("button", name=words).first.click()

    def turns_to(self, tab: str) -> None:
        """Go to one of the main pages by the navigation."""
        name = self.t(f"shared.tab_{tab}")
        entries = self.page.get_by_role("tab", name=name).or_(self.page.get_by_role("button", name=name))
        entries.first.click()

    def turns_again_to(self, tab: str, text: str, **values: Any) -> None:
        """Turn to a main page until it comes: a press while the connection is away goes nowhere."""

        def turn() -> None:
            self.turns_to(tab)
            words = self.t(text, **values)
            there = self.page.get_by_text(words).or_(self.page.get_by_label(words)).first
            expect(there).to_be_attached(timeout=ONE_TRY_MILLISECONDS)

        until_it_works(turn)

    def tabs_to(self, words: str) -> None:
        """Press Tab until the focus is on what says `words`; fails where it never comes there."""
        wanted = self.page.get_by_role("button", name=words).first
        wanted.wait_for(state="attached")
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if wanted.evaluate("part => part === document.activeElement"):
                return
        raise AssertionError(f"Tab never came to {words!r}")

    def types(self, words: str, *, submit: bool = False) -> None:
        """Type into the field in focus, or the first one."""
        box = self.page.get_by_role("textbox").filter(visible=True).first

        def type_them() -> None:
            # A field that was drawn anew beneath the focus has it and hears nothing, until it is focused once more.
            box.blur()
            box.click()
            expect(box).to_be_focused()
            box.fill("")  # of the same words again the field would tell nobody
            box.fill(words)
            expect(box).to_have_value(re.compile(f"^{re.escape(words)}$", re.IGNORECASE))

        # Flutter makes the field anew while the page is drawn, and what is typed at that moment goes nowhere.
        until_it_works(type_them)
        if submit:
            box.press("Enter")

    def submits(self, words: str, text: str, **values: Any) -> None:
        """Type into the first field and press Enter until a text comes."""
        self.types_until(text, words, submit=True, **values)

    def types_until(self, text: str, words: str, *, submit: bool = False, **values: Any) -> None:
        """Type into the first field until a text comes: what is typed while a page is still being drawn may be gone by
        then, or be in the field of the page before."""
        wanted = self.t(text, **values)
        there = self.page.get_by_text(wanted).or_(self.page.get_by_label(wanted)).first

        def type_them() -> None:
            if not there.count():
                self.types(words, submit=submit)
            expect(there).to_be_attached(timeout=2 * ONE_TRY_MILLISECONDS)

        until_it_works(type_them)

    def reloads(self, text: str, **values: Any) -> None:
        """Reload the page, as people do when in doubt."""
        self.page.reload()
        self.page.wait_for_selector(chromium.SEMANTICS, state="attached")
        self.page.evaluate(f"document.querySelector('{chromium.SEMANTICS}').click()")
        self.sees(text, **values)

    def is_at(self, route: str) -> None:
        """The address bar says `route`."""
        expect(self.page).to_have_url(re.compile(re.escape(self.url + route) + "$"), timeout=WAIT_MILLISECONDS)

    def language(self) -> str:
        """The language that the page says it is in."""
        return str(self.page.evaluate("document.documentElement.lang.split('-')[0]"))

    def everything(self) -> str:
        """All that a screen reader would say of the page, in lines."""
        said = self.page.evaluate(
            """() => [...document.querySelectorAll("flt-semantics-host :not([role=progressbar])")].flatMap(
                part => [part.getAttribute("aria-label"), ...[...part.childNodes]
                    .filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.textContent)]
            ).filter(words => words && words.trim()).join("\\n")"""
        )
        return str(said)

    def until(self, true: Callable[[], Any], what: str) -> Any:
        """Wait until something is so that the page does not say; fails where it never is."""
        for _ in range(WAIT_MILLISECONDS // POLL_MILLISECONDS):
            if answer := true():
                return answer
            self.page.wait_for_timeout(POLL_MILLISECONDS)
        raise AssertionError(f"never came true: {what}")

    def picture_of_code(self, file: Path) -> Path:
        """A screenshot of the voucher on the screen, once its code is drawn."""

        def is_drawn() -> bool:
            self.page.screenshot(path=file)
            try:
                return bool(read_code(file.read_bytes()))
            except CannotRead:
                return False

        self.until(is_drawn, "a code on the screen")
        return file

    def keep_picture(self, name: str) -> None:
        """A picture, and what the browser complained of, for whoever has to find out why a journey failed."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}.txt").write_text("\n".join([self.page.url, *self.complaints]), encoding="utf-8")
        with suppress(Exception):  # a window that is gone has no picture; the failure itself is what counts
            self.page.screenshot(path=PICTURES / f"{name}.png", timeout=5000)

    # --- what people do --------------------------------------------------------------------------------------------

    def tries_the_demo(self, role: Literal["participant", "staff"] = "participant") -> "Window":
        """Arrive and try the demo; a participant skips the guide."""
        self.open("/" if role == "participant" else "/till", f"welcome.try_{role}")
        self.presses(f"welcome.try_{role}")
        if role == "staff":
            self.sees("till.title")
            return self
        self.sees("welcome.guide_skip")
        self.presses("welcome.guide_skip")
        self.sees("wallet.yours_now")
        return self

    def looks_at(self, reward: str) -> None:
        """Follow a link to a reward."""
        self.goes_to(f"/rewards/{reward}", "catalog.choose")

    def goes_to_checkout(self, reward: str, price: int) -> None:
        """From the reward to the last step of its checkout."""
        self.looks_at(reward)
        self.presses("catalog.choose")
        self.sees("checkout.paying")
        self.presses("shared.continue")
        self.sees("checkout.confirm", points=self.t("shared.points", count=price))

    def confirms(self, price: int) -> None:
        """Press the button that spends."""
        self.presses("checkout.confirm", points=self.t("shared.points", count=price))

    def redeems(self, reward: str, price: int) -> None:
        """The whole way to the voucher's page."""
        self.goes_to_checkout(reward, price)
        self.confirms(price)
        self.sees("checkout.show_voucher")
        self.presses("checkout.show_voucher")
        self.sees("vouchers.live")

    def scans_picture(self, file: Path) -> None:
        """Hand the till a picture file."""
        with self.page.expect_file_chooser() as chooser:
            self.presses("till.picture")
        chooser.value.set_files(file)
