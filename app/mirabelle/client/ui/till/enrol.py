"""Making this device a till, by the one-time code that an operator has."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.device.camera import has_camera
from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.client.repositories.kept_tills import KeptTill
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.till.eye import camera_eye
from mirabelle.client.ui.till.kept import kept_cards
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract.translation import Translator
from mirabelle.rules import fallback_code

log = logging.getLogger(__name__)


@ft.observable
class Enrolling:
    """What was typed or scanned so far, and whether the camera is in use."""

    def __init__(self) -> None:
        self.entered = ""
        self.watches = False
        self.fault: str | None = None

    @property
    def code(self) -> str | None:
        """The whole code as it is written; None while it is none."""
        return fallback_code.normalise(self.entered.strip())


@screen
def enrol_screen() -> ft.View:
    """Connects the page to the app."""
    app, page = use_app(), ft.context.page
    state, _ = ft.use_state(Enrolling)
    picker, _ = ft.use_state(ft.FilePicker)

    async def enrol() -> SignedIn | Refusal | None:
        return await app.sign_in.enrol(state.code) if state.code else None

    setting_up = use_command(enrol)

    async def seen(text: str) -> None:
        if fallback_code.normalise(text.strip()) and not setting_up.running and text != state.entered:
            state.entered, state.watches = text, False
            await setting_up()

    async def pick() -> None:
        state.fault = None
        chosen = await picker.pick_files(with_data=True, file_type=ft.FilePickerFileType.IMAGE)
        if not chosen:
            return
        try:
            await seen(await asyncio.to_thread(read_code, chosen[0].bytes or b""))
        except CannotRead as found:
            state.fault = found.fault

    eye = camera_eye(seen, setting_up.running) if state.watches else None
    kept = use_live(app, ("session", "offline_scans"), app.kept_tills)
    return enrol_view(app.t, state, setting_up, pick, kept, can_watch=has_camera(page), eye=eye)


def enrol_view(
    translate: Translator, state: Enrolling, setting_up: Command, on_picture: Any, kept: Sequence[KeptTill], *,
    can_watch: bool, eye: ft.Control | None,
) -> ft.View:  # fmt: skip
    """The page from plain values."""

    async def submit(_event: Any) -> None:
        if state.code:
            await setting_up()

    def typed(event: Any) -> None:
        setting_up.forget()
        state.entered = event.control.value

    def watch() -> None:
        state.watches = True

    ways: list[ft.Control] = [
        widgets.quiet_button(translate("till.picture"), on_picture, icon=ft.Icons.IMAGE_OUTLINED, key="picture")
    ]
    if can_watch and eye is None:
        words = translate("till.use_camera")
        ways.insert(0, widgets.quiet_button(words, watch, icon=ft.Icons.PHOTO_CAMERA_OUTLINED, key="use-camera"))
    parts: list[ft.Control] = [
        *kept_cards(translate, kept),
        widgets.text(translate("till.enrol_hint"), theme.BODY_L, theme.QUIET),
        widgets.field(
            translate("till.enrol_code"),
            state.entered,
            typed,
            hint_text="XXXX-XXXX-XXXX",
            autofocus=True,
            on_submit=submit,
            autocorrect=False,
            enable_suggestions=False,
            smart_dashes_type=False,
            capitalization=ft.TextCapitalization.CHARACTERS,
            rtl=False,
            key="code",
        ),
        widgets.primary_button(
            translate("till.enrol_do"), submit, busy=setting_up.running, disabled=state.code is None, key="enrol"
        ),
        ft.Row(ways, spacing=theme.M, wrap=True),
    ]
    if eye is not None:
        parts.append(
            ft.Container(
                eye, height=320, border_radius=theme.CORNER_XL, bgcolor=ft.Colors.BLACK,
                clip_behavior=ft.ClipBehavior.ANTI_ALIAS, key="eye",
            )
        )  # fmt: skip
    if state.fault is not None:
        words = translate(f"till.picture_{state.fault}"), translate(f"till.picture_{state.fault}_do")
        parts.append(widgets.banner(ft.Icons.IMAGE_NOT_SUPPORTED_OUTLINED, *words, warm=True))
    if setting_up.failed is not None:
        parts.insert(2 + len(kept), widgets.error_card(translate, setting_up.failed))
    column = ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(translate("till.enrol_title"), [column], back="/sign-in", width=theme.READING_WIDTH)
