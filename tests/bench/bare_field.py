"""The barest Flet page that answers a keystroke: a field, and a text that says how long what was typed is."""

from typing import Final

import flet as ft

from tests.bench.bare_page import serve

LABEL: Final = "Typed"
WORDS: Final = "letters typed"


def main(page: ft.Page) -> None:
    """A field and a text that follows it."""
    said = ft.Text()

    def follow(event: ft.Event) -> None:
        said.value = f"{len(event.control.value)} {WORDS}" if event.control.value else ""

    page.add(ft.TextField(label=LABEL, on_change=follow), said)


if __name__ == "__main__":
    serve(main)
