"""Answering a till's challenge: its code comes in by camera or picture, and the voucher's code becomes the answer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.device.camera import has_camera
from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.widgets import text
from mirabelle.client.ui.till.eye import camera_eye
from mirabelle.contract.messages import Voucher
from mirabelle.contract.translation import Translator
from mirabelle.rules.challenge import Challenge

log = logging.getLogger(__name__)

_EYE_HEIGHT = 280


@fixes.component
def challenge_part(
    voucher: Voucher, challenge: Challenge | None, set_challenge: Callable[[Challenge], Any]
) -> ft.Control:
    """Below the code: the way in for the till's code, or that what is shown answers it."""
    app, page = use_app(), ft.context.page
    picker, _ = ft.use_state(ft.FilePicker)
    is_looking, look = ft.use_state(False)
    obstacle, set_obstacle = ft.use_state("")

    async def on_code(code: str) -> None:
        read = app.show_voucher.read_challenge(voucher, code, app.now())
        if isinstance(read, Challenge):
            look(False)
            set_obstacle("")
            set_challenge(read)
        else:
            set_obstacle(f"vouchers.challenge_{read}")

    async def pick() -> None:
        try:
            chosen = await picker.pick_files(with_data=True, file_type=ft.FilePickerFileType.IMAGE)
            if chosen:
                await on_code(await asyncio.to_thread(read_code, chosen[0].bytes or b""))
        except CannotRead as found:
            set_obstacle(f"till.picture_{found.fault}")
        except (RuntimeError, TimeoutError) as fault:
            log.info("no picture was chosen: %s", type(fault).__name__)

    if challenge is not None:
        return _answered(app.t("vouchers.challenge_answered"))
    parts = [_line(app.t(obstacle or "vouchers.challenge_hint"), "challenge-hint")]
    if is_looking:
        parts.append(ft.Container(camera_eye(on_code, False), height=_EYE_HEIGHT, key="challenge-eye"))
    parts.append(_ways_in(app.t, (lambda: look(True)) if has_camera(page) and not is_looking else None, pick))
    column = ft.Column(parts, spacing=theme.S, horizontal_alignment=ft.CrossAxisAlignment.CENTER)
    return ft.Container(column, padding=ft.Padding.only(left=20, right=20, top=theme.M))


def _ways_in(translate: Translator, on_camera: Callable[[], Any] | None, on_picture: Callable[[], Any]) -> ft.Control:
    style = ft.ButtonStyle(bgcolor=theme.PLUM, color=ft.Colors.WHITE)
    quiet = ft.ButtonStyle(color=theme.PLUM)
    buttons: list[ft.Control] = [
        ft.TextButton(
            translate("till.picture"), icon=ft.Icons.IMAGE_OUTLINED, on_click=on_picture, style=quiet,
            key="challenge-picture",
        )
    ]  # fmt: skip
    if on_camera is not None:
        scan = ft.FilledButton(
            translate("vouchers.challenge_scan"), icon=ft.Icons.QR_CODE_SCANNER, on_click=on_camera, style=style,
            key="challenge-scan",
        )  # fmt: skip
        buttons.insert(0, scan)
    return ft.Row(buttons, wrap=True, alignment=ft.MainAxisAlignment.CENTER, spacing=theme.S, run_spacing=0)


def _answered(words: str) -> ft.Control:
    """What whoever holds the voucher must see at once: what is shown is another code now."""
    color = ft.Colors.WHITE
    row = ft.Row(
        [ft.Icon(ft.Icons.VERIFIED_USER_OUTLINED, size=20, color=color), text(words, theme.LABEL, color, expand=True)],
        spacing=theme.M,
    )
    note = ft.Container(row, bgcolor=theme.PLUM, border_radius=theme.CORNER, padding=14)
    return ft.Semantics(
        live_region=True,
        content=ft.Container(note, padding=ft.Padding.only(left=20, right=20, top=theme.M)),
        key="challenge-answered",
    )


def _line(words: str, key: str) -> ft.Control:
    line = text(words, theme.LABEL, theme.INK, text_align=ft.TextAlign.CENTER)
    return ft.Semantics(
        live_region=True, content=ft.Container(line, padding=ft.Padding.symmetric(horizontal=20)), key=key
    )
