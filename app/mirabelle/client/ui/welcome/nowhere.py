"""The page of an address that nobody has."""

import flet as ft

from mirabelle.client.ui.shared import widgets
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen


@screen
def nowhere_screen() -> ft.View:
    """Says so, and leads back to the start."""
    app = use_app()
    words = widgets.empty_state(
        ft.Icons.EXPLORE_OFF_OUTLINED,
        app.t("shared.not_found"),
        app.t("shared.not_found_hint"),
        app.t("shared.home"),
        lambda _event: go("/"),
    )
    return widgets.page_frame("", [words], in_middle=True)
