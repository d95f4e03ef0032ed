"""The till: a voucher comes in through the camera, a scanner, the keyboard or a picture, and a verdict comes out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import flet as ft

from mirabelle.client.device.camera import has_camera
from mirabelle.client.device.decode import Fault
from mirabelle.client.ui.accounts.cards import account_switch
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import Window, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.client.ui.shared.widgets import banner, heading, page_frame, quiet_button, text
from mirabelle.client.ui.till.amount import Asking, amount_view
from mirabelle.client.ui.till.bar import till_bar
from mirabelle.client.ui.till.eye import camera_eye
from mirabelle.client.ui.till.scanning import scanning_of
from mirabelle.client.ui.till.scans import History, history, nothing_yet, read_history, undo_dialog
from mirabelle.client.ui.till.standing import standing_of
from mirabelle.client.ui.till.verdict import Deeds, verdict_view
from mirabelle.contract.translation import Translator

_BESIDE: Final = 12  # scans shown at the side of a wide window


@dataclass(frozen=True)
class Desk:
    """What the till's page shows besides its eye."""

    staff: str
    shown: History


@dataclass(frozen=True)
class Ways:
    """The ways in for a voucher. `on_camera` is None where there is no camera; `eye` is there once it is used."""

    on_entered: Callable[[str], Awaitable[Any]]
    on_picture: Callable[[], Any]
    on_camera: Callable[[], Any] | None
    eye: ft.Control | None
    takes_keys: bool


@screen
def till_screen() -> ft.View:
    """The till of this page's app."""
    app, window, page = use_app(), use_window(), ft.context.page
    scanning, _ = ft.use_state(lambda: scanning_of(app).equip())

    def read() -> Desk:
        till = app.till.current()
        return Desk(till.staff if till else "", read_history(app))

    desk = use_live(app, ("scans", "offline_scans", "till", "programme"), read)
    # On a phone a field in focus would raise the keyboard over half of the screen.
    takes_keys = page.platform not in (ft.PagePlatform.ANDROID, ft.PagePlatform.IOS)
    asks, set_asks = ft.use_state(False)
    scale, set_scale = ft.use_state(1.0)
    undo = use_command(scanning.undo)
    use_dialog(undo_dialog(app.t, undo, lambda: set_asks(False)) if asks else None)
    take, leave = use_command(scanning.take), use_command(scanning.let_go)
    if scanning.shown is not None and scanning.shown.balance is not None:
        waiting = app.take_amount.open_amount(scanning.shown.balance.voucher) if not take.running else None
        asking = Asking(scanning.shown, scanning.amount, waiting, take, leave)
        return amount_view(app.t, desk.shown.place, asking, scanning.type_amount)
    if scanning.verdict is not None:
        scan = scanning.verdict.scan
        may_undo = scan is not None and app.undo_scan.is_possible(scan)
        deeds = Deeds(
            on_next=scanning.go_on,
            on_entered=scanning.judge if takes_keys else None,
            on_undo=(lambda: set_asks(True)) if may_undo else None,
        )
        return verdict_view(
            app.t, window, desk.shown.place, scanning.verdict, deeds, standing_of(app), scanning.challenge, undo.failed,
            scale=scale, on_scale=set_scale,
        )  # fmt: skip
    ways = Ways(
        on_entered=scanning.judge,
        on_picture=scanning.pick_picture,
        on_camera=scanning.watch if has_camera(page) else None,
        eye=camera_eye(scanning.seen, scanning.busy) if scanning.watches else None,
        takes_keys=takes_keys,
    )
    return till_view(app.t, window, desk, ways, scanning.busy, scanning.fault)


def till_view(
    translate: Translator, window: Window, desk: Desk, ways: Ways, busy: bool, fault: Fault | None
) -> ft.View:
    """The till as a page; wide windows have its history at the side."""
    parts: list[ft.Control] = [_head(translate, desk), till_bar()]
    if fault is not None:
        parts.append(
            banner(
                ft.Icons.IMAGE_NOT_SUPPORTED_OUTLINED,
                translate(f"till.picture_{fault}"),
                translate(f"till.picture_{fault}_do"),
                warm=True,
            )
        )
    parts += [_eye(translate, window, ways), _entry(translate, ways, busy)]
    if window.size == "phone":
        return page_frame("", parts, tab="scan", spacing=20, tells_offline=False)
    side = ft.Column(
        [heading(translate("till.history"), theme.SECTION, 2), _history(translate, desk.shown)], spacing=theme.L
    )
    row = ft.Row(
        [ft.Column(parts, spacing=20, expand=6), ft.Container(side, expand=5)],
        spacing=32 if window.size == "tablet" else 48,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
    return page_frame("", [row], tab="scan", tells_offline=False)


def _head(translate: Translator, desk: Desk) -> ft.Control:
    where = translate.line(desk.shown.place.name, desk.staff)
    words = ft.Column([heading(translate("till.title")), text(where, theme.BODY, theme.QUIET)], spacing=2, expand=True)
    return ft.Row([words, account_switch()], vertical_alignment=ft.CrossAxisAlignment.START)


def _history(translate: Translator, shown: History) -> ft.Control:
    return history(translate, shown, most=_BESIDE) if shown.scans else nothing_yet(translate)


def _eye(translate: Translator, window: Window, ways: Ways) -> ft.Control:
    height = 340 if window.size == "phone" else 380
    if ways.eye is not None:
        return ft.Container(
            ways.eye, height=height, border_radius=theme.CORNER_XL, bgcolor=ft.Colors.BLACK,
            clip_behavior=ft.ClipBehavior.ANTI_ALIAS, key="eye",
        )  # fmt: skip
    hint = "till.camera_hint" if ways.on_camera else "till.no_camera_hint"
    parts: list[ft.Control] = [
        ft.Icon(ft.Icons.QR_CODE_SCANNER, size=88, color=theme.ON_BAND),
        text(translate(hint), theme.BODY_L, theme.ON_BAND_QUIET, text_align=ft.TextAlign.CENTER),
    ]
    if ways.on_camera is not None:
        style = ft.ButtonStyle(bgcolor=ft.Colors.WHITE, color=theme.PLUM_DARK)
        parts.append(
            ft.FilledButton(
                translate("till.use_camera"), icon=ft.Icons.PHOTO_CAMERA_OUTLINED, on_click=ways.on_camera, style=style,
                key="use-camera",
            )
        )  # fmt: skip
    column = ft.Column(
        parts, spacing=theme.L, alignment=ft.MainAxisAlignment.CENTER, horizontal_alignment=ft.CrossAxisAlignment.CENTER
    )
    return ft.Container(
        column, height=height, padding=28, border_radius=theme.CORNER_XL, alignment=ft.Alignment.CENTER,
        gradient=ft.LinearGradient(
            colors=[theme.BAND_START, theme.BAND_END], begin=ft.Alignment.TOP_LEFT, end=ft.Alignment.BOTTOM_RIGHT
        ),
    )  # fmt: skip


def _entry(translate: Translator, ways: Ways, busy: bool) -> ft.Control:
    async def entered(event: ft.Event[ft.TextField]) -> None:
        if event.control.value:
            await ways.on_entered(event.control.value)
        else:
            await event.control.focus()  # which Enter took away

    field = ft.TextField(
        label=translate("till.field"),
        hint_text="XXXX-XXXX-XXXX",
        autofocus=ways.takes_keys,
        on_submit=entered,
        disabled=busy,
        autocorrect=False,
        enable_suggestions=False,
        smart_dashes_type=False,
        smart_quotes_type=False,
        capitalization=ft.TextCapitalization.CHARACTERS,
        border=ft.OutlineInputBorder(border_radius=theme.CORNER),
        filled=True,
        fill_color=theme.CARD,
        prefix_icon=ft.Icons.KEYBOARD_OUTLINED,
        key="wedge",
    )
    picture = quiet_button(
        translate("till.picture"), ways.on_picture, icon=ft.Icons.IMAGE_OUTLINED, disabled=busy, key="picture"
    )
    parts: list[ft.Control] = [field, text(translate("till.field_hint"), theme.SMALL, theme.QUIET), ft.Row([picture])]
    if busy:
        parts.insert(0, _checking(translate))
    return ft.Column(parts, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _checking(translate: Translator) -> ft.Control:
    return ft.Semantics(
        live_region=True,
        content=ft.Column(
            [text(translate("till.checking"), theme.STRONG), ft.ProgressBar(border_radius=4)], spacing=theme.S
        ),
    )
