"""The lock as the settings tell of it, and the way to its own page."""

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.fixes import component
from mirabelle.client.ui.shared.live import use_live


@component
def lock_card() -> ft.Control:
    """Connects the card to the lock."""
    app = use_app()
    is_on = use_live(app.lock, (), lambda: app.lock.is_on)
    way = widgets.quiet_button(
        app.t("lock.settings" if is_on else "lock.set_up"),
        lambda _event: go("/settings/lock"),
        icon=ft.Icons.LOCK_OUTLINE,
        key="lock",
    )
    words = widgets.text(app.t("lock.is_on" if is_on else "lock.is_off"), color=theme.QUIET)
    return ft.Column([words, way], spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
