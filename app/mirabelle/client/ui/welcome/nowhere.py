"""The page of an address that nobody has."""

import flet as ft

from mirabelle.client.ui.shared import widgets
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.contract.translation import Translator


@screen
def nowhere_screen() -> ft.View:
    """Says so, and leads back to the start."""
    return nowhere_view(use_app().t)


def nowhere_view(translate: Translator) -> ft.View:
    """The page from plain values."""
    words = widgets.empty_state(
        ft.Icons.EXPLORE_OFF_OUTLINED,
        translate("shared.not_found"),
        translate("shared.not_found_hint"),
        translate("shared.home"),
        lambda _event: go("/"),
    )
    return widgets.page_frame("", [words], in_middle=True)
