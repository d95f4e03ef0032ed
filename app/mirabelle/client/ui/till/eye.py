"""The camera on the screen: what it sees, and what it is doing."""

from collections.abc import Awaitable, Callable

import flet as ft

from mirabelle.client.device.camera import CameraReader
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.live import use_unlocked
from mirabelle.client.ui.shared.widgets import text


@fixes.component
def camera_eye(on_code: Callable[[str], Awaitable[None]], is_busy: bool) -> ft.Control:
    """The camera's picture with what it is doing; it watches for as long as it is on the screen, beneath no lock."""
    return _watching(on_code, is_busy) if use_unlocked() else ft.Container(expand=True)


@fixes.component
def _watching(on_code: Callable[[str], Awaitable[None]], is_busy: bool) -> ft.Control:
    app = use_app()
    state, set_state = ft.use_state("starting")
    reader, _ = ft.use_state(lambda: CameraReader(on_code, set_state))
    ft.use_effect(reader.start, [], cleanup=reader.stop)
    words = "checking" if is_busy else f"camera_{state}"
    return ft.Stack(
        [_picture(reader), ft.Container(_subtitle(app.t(f"till.{words}")), left=16, right=16, bottom=16)], expand=True
    )


def _subtitle(words: str) -> ft.Control:
    line = text(words, theme.LABEL, ft.Colors.WHITE, text_align=ft.TextAlign.CENTER)
    return ft.Semantics(
        live_region=True,
        content=ft.Container(
            line, bgcolor=ft.Colors.with_opacity(0.55, ft.Colors.BLACK), padding=12, border_radius=theme.CORNER,
            alignment=ft.Alignment.CENTER,
        ),
    )  # fmt: skip


@ft.memo
@fixes.component
def _picture(reader: CameraReader) -> ft.Control:
    """Drawn once: a camera that is drawn anew starts anew."""
    return ft.Container(reader.control, expand=True)
