"""Joining a programme: its server's address typed, scanned or opened, who is there, and a question before anything."""

from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.device.camera import has_camera
from mirabelle.client.repositories.accounts import DEMO
from mirabelle.client.ui.accounts.state import Joining
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import use_app, use_shell
from mirabelle.client.ui.shared.fixes import component
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.till.eye import camera_eye
from mirabelle.client.ui.welcome.nowhere import nowhere_view
from mirabelle.client.use_cases.ask_server import Found
from mirabelle.contract.server_address import is_open, place_of
from mirabelle.contract.translation import Translator


@screen
def add_screen() -> ft.View:
    """Connects the page to the app; a browser's belongs to the server that it comes from, and joins no other."""
    app, shell, page = use_app(), use_shell(), ft.context.page
    state, _ = ft.use_state(Joining)
    picker, _ = ft.use_state(ft.FilePicker)
    link = use_live(app, ("link",), lambda: shell.link)
    look = use_command(state.look)

    async def join() -> None:
        assert shell.home is not None and state.found is not None
        await shell.home.join(state.found.address)

    async def seen(text: str) -> None:
        if state.is_news(text):
            state.enter(text)
            await look()

    async def pick() -> None:
        chosen = await picker.pick_files(with_data=True, file_type=ft.FilePickerFileType.IMAGE)
        if chosen and await state.read(chosen[0].bytes or b""):
            await look()

    async def ask() -> None:
        await look()

    def follow() -> None:
        opened, shell.link = shell.link, None  # it is asked about once
        if opened is not None:
            state.enter(opened)
            page.run_task(ask)  # on its own: an effect is broken off at the next draw

    ft.use_effect(follow, [link])
    if shell.home is None:
        return nowhere_view(app.t)
    below = [camera_eye(seen, look.running)] if state.watches else []
    demo = [] if app.server == DEMO else [demo_way()]
    back = "/settings" if app.session is not None else "/welcome"
    ways = _ways(app.t, state, pick, can_watch=has_camera(page))
    known = [one for one in shell.home.accounts.all if state.found is not None and one.server == state.found.address]
    return add_view(
        app.t, state, look, use_command(join), ways, [*map(_framed, below), *demo], back=back, known=len(known)
    )


def add_view(
    translate: Translator, state: Joining, look: Command, join: Command, ways: list[ft.Control],
    below: list[ft.Control], *, back: str, known: int,
) -> ft.View:  # fmt: skip
    """The page from plain values; `known` is how many accounts at the server that was found are here already."""
    if state.found is not None:
        parts = _question(translate, state.found, join, lambda: state.enter(""), known)
    else:
        parts = [*_entry(translate, state, look, ways), *below]
    column = ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(
        translate("accounts.add_title"), [column], back=back, width=theme.READING_WIDTH, tells_offline=False
    )


def _ways(translate: Translator, state: Joining, on_picture: Any, *, can_watch: bool) -> list[ft.Control]:
    def watch() -> None:
        state.watches = True

    ways: list[ft.Control] = [
        widgets.quiet_button(translate("till.picture"), on_picture, icon=ft.Icons.IMAGE_OUTLINED, key="picture")
    ]
    if can_watch and not state.watches:
        words = translate("accounts.scan")
        ways.insert(0, widgets.quiet_button(words, watch, icon=ft.Icons.QR_CODE_SCANNER, key="use-camera"))
    return ways


@component
def demo_way() -> ft.Control:
    """The way to the programme that the app brings along."""
    app, home = use_app(), use_shell().home

    async def join() -> None:
        assert home is not None
        await home.join(DEMO)

    async def press(_event: Any) -> None:
        await go_there()

    go_there = use_command(join)
    failed = [widgets.error_card(app.t, go_there.failed)] if go_there.failed is not None else []
    button = widgets.text_button(app.t("accounts.to_demo"), press, disabled=go_there.running, key="to-demo")
    busy = [ft.ProgressBar()] if go_there.running else []
    return ft.Column([*failed, button, *busy], horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _framed(eye: ft.Control) -> ft.Control:
    return ft.Container(
        eye, height=320, border_radius=theme.CORNER_XL, bgcolor=ft.Colors.BLACK,
        clip_behavior=ft.ClipBehavior.ANTI_ALIAS, key="eye",
    )  # fmt: skip


def _entry(translate: Translator, state: Joining, look: Command, ways: list[ft.Control]) -> list[ft.Control]:
    async def submit(_event: Any) -> None:
        if state.entered.strip():
            await look()

    def typed(event: Any) -> None:
        look.forget()
        state.enter(event.control.value)

    return [
        widgets.text(translate("accounts.add_hint"), theme.BODY_L, theme.QUIET),
        widgets.field(
            translate("accounts.address"), state.entered, typed, hint_text="points.example", on_submit=submit,
            autofocus=True, autocorrect=False, enable_suggestions=False, keyboard_type=ft.KeyboardType.URL, rtl=False,
            key="address",
        ),
        widgets.primary_button(
            translate("shared.continue"), submit, busy=look.running, disabled=not state.entered.strip(), key="look"
        ),
        *_troubles(translate, state, look),
        ft.Row(ways, spacing=theme.M, wrap=True),
    ]  # fmt: skip


def _troubles(translate: Translator, state: Joining, look: Command) -> list[ft.Control]:
    """Why there is nobody to join; nothing was kept and nothing sent, whichever it is."""
    if state.fault is not None:
        words = translate("accounts.no_address"), translate(f"accounts.fault_{state.fault}")
        return [widgets.banner(ft.Icons.LINK_OFF, *words, warm=True)]
    if state.trouble is not None:
        place = widgets.apart(translate, state.asked, "\u2066")
        what = translate(f"accounts.trouble_{state.trouble}", place=place)
        return [widgets.banner(ft.Icons.CLOUD_OFF_OUTLINED, what, translate(f"accounts.do_{state.trouble}"), warm=True)]
    if state.picture_fault is not None:
        hint = translate(f"till.picture_{state.picture_fault}")
        return [widgets.banner(ft.Icons.IMAGE_NOT_SUPPORTED_OUTLINED, hint, translate("accounts.type_it"), warm=True)]
    return [widgets.error_card(translate, look.failed)] if look.failed is not None else []


def _question(
    translate: Translator, found: Found, join: Command, on_leave: Callable[[], Any], known: int
) -> list[ft.Control]:
    async def agree(_event: Any) -> None:
        await join()

    centre = ft.TextAlign.CENTER
    name = widgets.apart(translate, found.name)
    card = ft.Column(
        [
            widgets.icon_disc(ft.Icons.STOREFRONT_OUTLINED, size=64),
            widgets.heading(translate("accounts.join_ask", name=name), theme.TITLE, text_align=centre),
            widgets.text(place_of(found.address), theme.STRONG, rtl=False, text_align=centre, key="place"),
            widgets.text(translate("accounts.join_hint"), theme.BODY, theme.QUIET, text_align=centre),
        ],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    parts: list[ft.Control] = [widgets.card(card, padding=28)]
    if is_open(found.address):
        words = translate("accounts.open_network"), translate("accounts.open_network_do")
        parts.append(widgets.banner(ft.Icons.LOCK_OPEN, *words, warm=True))
    if known:
        parts.append(widgets.banner(ft.Icons.PEOPLE_OUTLINED, translate("accounts.known", count=known)))
    if join.failed is not None:
        parts.append(widgets.error_card(translate, join.failed))
    return [
        *parts,
        widgets.primary_button(translate("accounts.join"), agree, busy=join.running, key="join"),
        widgets.quiet_button(translate("accounts.not_now"), lambda _event: on_leave(), key="not-now"),
    ]
