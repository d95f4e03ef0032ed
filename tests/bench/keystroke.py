"""How soon a keystroke is seen: from the key to the text that it changes, in Chromium, beside the barest Flet page."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from mirabelle.contract.translation import Translator
from tests.bench import bare_field
from tests.bench.figures import Figure
from tests.bench.processes import demo, running
from tests.chromium import launch, visit
from tests.journeys.window import Window

LETTERS: Final = "teacoffeecinema" * 3
RATIO: Final = 1.3
_FOUND: Final = r"^\d+ rewards?$"
# Notes when a key went down, and when the page first said after it what `words` match.
_WATCH: Final = """words => {
    const wanted = new RegExp(words);
    window.isSaid = () => [...document.querySelectorAll("flt-semantics-host *")].some(part =>
        wanted.test(part.getAttribute("aria-label") || "") || [...part.childNodes].some(node =>
            node.nodeType === Node.TEXT_NODE && wanted.test(node.textContent)));
    addEventListener("keydown", () => { window.pressed = performance.now(); window.seen = 0; }, true);
    new MutationObserver(() => {
        if (window.pressed && !window.seen && window.isSaid()) window.seen = performance.now();
    }).observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def on_screen() -> list[Figure]:
    """One letter, typed and taken away again; ours and the bare page in turn."""
    with (
        tempfile.TemporaryDirectory() as data,
        demo(Path(data)) as app,
        running("-m", bare_field.__name__) as bare_field_url,
        _pages(app, bare_field_url) as (ours, bare),
    ):
        waits = [(_typed(ours, letter), _typed(bare, letter)) for letter in LETTERS]
    return [
        Figure(
            "a keystroke in the catalog's search, on the screen", "in a bare field",
            [pair[0] for pair in waits], [pair[1] for pair in waits], wanted=RATIO,
        )
    ]  # fmt: skip


@contextmanager
def _pages(app: str, bare_field_url: str) -> Iterator[tuple[Page, Page]]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        ours, bare = _new(browser), _new(browser)
        window = Window(ours, app, Translator("en")).tries_the_demo()
        window.turns_to("rewards")
        window.sees("catalog.all")
        visit(bare, bare_field_url, bare_field.LABEL)
        for page, words in ((ours, _FOUND), (bare, bare_field.WORDS)):
            page.bring_to_front()
            page.get_by_role("textbox").filter(visible=True).first.click()
            page.evaluate(_WATCH, words)
        yield ours, bare
        browser.close()


def _new(browser: Browser) -> Page:
    return browser.new_context(locale="en").new_page()


def _typed(page: Page, letter: str) -> float:
    """Seconds from the key until the page says what it changes; it is as before then."""
    page.bring_to_front()
    page.keyboard.press(letter)
    page.wait_for_function("window.seen > 0")
    took = float(page.evaluate("window.seen - window.pressed")) / 1000
    page.keyboard.press("Backspace")
    page.wait_for_function("!window.isSaid()")
    return took
