"""The page before the first one: it is seen where a device takes its time to open what it keeps."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import flet as ft

log = logging.getLogger(__name__)

SHOWN_AFTER: Final = 0.3  # seconds; a device that answers sooner leads to the first page at once
STEP: Final = 0.05
TOLD_AFTER: Final = 3.0  # seconds, until words say what takes so long


class Waiting:
    """What is waited for: the name of its two texts, `waiting_...` and `waiting_..._hint`, among those that all pages
    share."""

    def __init__(self, page: "ft.Page", language: Callable[[], str]) -> None:
        """`language` answers the person's as far as the device has said which; it is asked whenever this draws. First
        comes where secrets are kept."""
        is_desktop = not page.web and page.platform is not None and not page.platform.is_mobile()
        self._page, self._language, self.what = page, language, "keyring" if is_desktop else "safe"

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the page when the block takes its time; whoever draws after the block draws over it."""
        showing = asyncio.create_task(self._show())
        try:
            yield
        finally:
            showing.cancel()

    async def _show(self) -> None:
        try:
            for _ in range(round(SHOWN_AFTER / STEP)):  # of waiting: while the app itself works, this stands still
                await asyncio.sleep(STEP)
            self._draw(self._language(), "")
            await asyncio.sleep(TOLD_AFTER - SHOWN_AFTER)
            told = None
            while True:  # the block's end ends it; drawn on a change alone, as screen readers say each drawing
                if (now := (self._language(), self.what)) != told:
                    self._draw(*now)
                    told = now
                await asyncio.sleep(STEP)
        except Exception as fault:  # the app opens all the same
            log.warning("that something is waited for could not be shown: %s", type(fault).__name__)

    def _draw(self, language: str, what: str) -> None:
        """With words where `what` is not empty. Loaded no sooner: most starts never come here."""
        import flet as ft

        from mirabelle.client.ui.shared import theme
        from mirabelle.contract.translation import Translator

        translate, page = Translator(language), self._page
        page.title, page.rtl, page.padding, page.fonts = "Mirabelle", translate.rtl, 0, theme.FONTS
        page.theme = theme.build(language, dark=False, calm=True)
        page.dark_theme = theme.build(language, dark=True, calm=True)
        spoken = translate("shared.waiting")
        ring = ft.ProgressRing(width=36, height=36, stroke_width=3, semantics_label=spoken, key="waiting")
        parts: list[ft.Control] = [ring]
        if what:
            for name, style in ((what, theme.STRONG), (f"{what}_hint", theme.BODY)):
                words = translate(f"shared.waiting_{name}")
                said = ft.Text(words, theme_style=style, text_align=ft.TextAlign.CENTER)
                parts.append(ft.Semantics(live_region=True, content=said))
        middle = ft.CrossAxisAlignment.CENTER
        column = ft.Column(parts, spacing=theme.L, tight=True, horizontal_alignment=middle)
        body = ft.Container(column, width=theme.READING_WIDTH, padding=theme.XXL)
        page.views = [
            ft.View(
                route="/",
                controls=[body],
                vertical_alignment=ft.MainAxisAlignment.CENTER,
                horizontal_alignment=middle,
            )
        ]
        page.update()
