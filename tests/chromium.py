"""Chromium for what needs real pixels: where it is, how it starts, and how Flet's web client is entered and read."""

import shutil
from typing import Final

from playwright.sync_api import Browser, Page, Playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS: Final = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
SEMANTICS: Final = "flt-semantics-placeholder"  # Flutter's hidden button that makes the page readable


def find_chromium() -> str:
    """The browser on this machine; raises FileNotFoundError where there is none."""
    for name in (*NAMES, *ON_MACOS):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("neither Chromium nor Google Chrome is installed")


def launch(playwright: Playwright, *arguments: str) -> Browser:
    """A headless browser that talks to nobody but us."""
    quiet = ("--no-first-run", "--disable-quic", "--disable-background-networking", "--disable-component-update")
    drawn = ("--no-sandbox", "--enable-unsafe-swiftshader")  # as root, without a graphics card
    # A page that lives for seconds is done before its code, compiled a second time to run faster, would pay.
    compiled = ("--js-flags=--liftoff-only",)
    arguments = (*quiet, *drawn, *compiled, *arguments)
    return playwright.chromium.launch(executable_path=find_chromium(), args=list(arguments))


def visit(page: Page, url: str, words: str) -> None:
    """Open `url` and make it readable; returns when `words` are on the screen."""
    page.goto(url)
    page.wait_for_selector(SEMANTICS, state="attached")
    page.evaluate(f"document.querySelector('{SEMANTICS}').click()")
    see(page, words)


def see(page: Page, words: str) -> None:
    """Wait until `words` are on the screen."""
    page.get_by_text(words).or_(page.get_by_label(words)).first.wait_for(state="attached")
