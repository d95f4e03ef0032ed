"""The first page: choose a language, try the demo, or sign in."""

from collections.abc import Callable
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_shell, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.navigation import mark
from mirabelle.contract.translation import Translator

LANGUAGE_NAMES: Final = {"en": "English", "fr": "Français", "ar": "العربية"}  # each in its own, in every language
COLLAGE: Final = (
    ("trees", "#E3F4E6", -0.16, 0),
    ("coffee-and-cake", "#FDF0E2", 0.02, -14),
    ("headphones", "#E8EEFB", 0.17, 4),
)


@screen
def welcome_screen() -> ft.View:
    """Connects the first page to the app."""
    app, window, shell = use_app(), use_window(), use_shell()
    programme = use_live(app, ("programme",), app.programme.current)
    demo = use_command(app.sign_in.demo)

    async def choose(language: str) -> None:
        await app.set_language(language)
        shell.dress()

    return welcome_view(
        app.t,
        window,
        name=programme.name if programme else "Mirabelle",
        has_demo=programme is None or programme.demo,
        languages=shell.languages,
        on_language=choose,
        on_demo=demo,
        running=demo.running,
        failed=demo.failed,
        session_ended=shell.session_ended,
    )


def welcome_view(
    translate: Translator,
    window: Window,
    *,
    name: str,
    has_demo: bool,
    languages: tuple[str, ...],
    on_language: Callable[[str], Any],
    on_demo: Callable[[str], Any],
    running: bool,
    failed: Any,
    session_ended: bool = False,
) -> ft.View:
    """The first page from plain values."""
    ways = _ways_in(translate, has_demo, on_demo, running, failed)
    if session_ended:
        ended = translate("welcome.session_ended"), translate("welcome.session_ended_hint")
        ways.insert(0, widgets.banner(ft.Icons.LOCK_CLOCK, *ended, warm=True))
    choices = ft.Container(
        language_choices(languages, translate.language, on_language, ft.MainAxisAlignment.CENTER),
        padding=ft.Padding.only(bottom=theme.S),
    )
    is_upright = window.size == "phone" or window.height > window.width
    body = (
        _stacked(translate, window, name, [choices, *ways])
        if is_upright
        else _beside(translate, window, name, [choices, *ways])
    )
    return ft.View(route="/welcome", controls=[body], padding=0, spacing=0, can_pop=False)


def _stacked(translate: Translator, window: Window, name: str, form: list[ft.Control]) -> ft.Control:
    """The poster above the ways in."""
    is_phone = window.size == "phone"
    corners = ft.BorderRadius.only(bottom_left=28, bottom_right=28) if is_phone else theme.CORNER_XL
    poster = _poster(translate, window, name, corners, side=112 if is_phone else 190)
    return ft.Column(
        [
            poster if is_phone else ft.Container(poster, padding=20),
            ft.Container(
                ft.Column(form, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
                padding=ft.Padding.only(left=24, right=24, top=24, bottom=24 + window.inset_bottom),
                width=480,
            ),
        ],
        spacing=0,
        expand=True,
        scroll=ft.ScrollMode.AUTO,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )


def _beside(translate: Translator, window: Window, name: str, form: list[ft.Control]) -> ft.Control:
    """The poster beside the ways in."""
    column = ft.Column(
        form,
        spacing=theme.L,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        alignment=ft.MainAxisAlignment.CENTER,
        scroll=ft.ScrollMode.AUTO,
    )
    poster = _poster(translate, window, name, theme.CORNER_XL, side=208 if window.size == "desktop" else 120, tall=True)
    return ft.Row(
        [
            ft.Container(poster, expand=6, padding=20),
            ft.Container(
                ft.Container(column, width=400),
                expand=5,
                alignment=ft.Alignment.CENTER,
                padding=ft.Padding.symmetric(horizontal=32),
            ),
        ],
        spacing=0,
        expand=True,
        vertical_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def language_choices(
    languages: tuple[str, ...],
    chosen: str,
    on_language: Callable[[str], Any],
    alignment: ft.MainAxisAlignment = ft.MainAxisAlignment.START,
) -> ft.Control:
    """One chip a language, each written as those who read it write it."""

    def chip(language: str) -> ft.Control:
        async def choose(_event: Any) -> None:
            await on_language(language)

        return widgets.chip(LANGUAGE_NAMES[language], choose, selected=language == chosen)

    return ft.Row(
        [chip(language) for language in languages], spacing=theme.S, wrap=True, run_spacing=theme.S, alignment=alignment
    )


def _ways_in(
    translate: Translator, has_demo: bool, on_demo: Callable[[str], Any], running: bool, failed: Any
) -> list[ft.Control]:
    async def as_participant(_event: Any) -> None:
        await on_demo("participant")

    async def as_staff(_event: Any) -> None:
        await on_demo("staff")

    ways: list[ft.Control] = []
    if has_demo:
        ways += [
            widgets.primary_button(
                translate("welcome.try_participant"),
                as_participant,
                icon=ft.Icons.CARD_GIFTCARD,
                busy=running,
                key="try-participant",
            ),
            widgets.quiet_button(
                translate("welcome.try_staff"),
                as_staff,
                icon=ft.Icons.QR_CODE_SCANNER,
                disabled=running,
                key="try-staff",
            ),
            widgets.text(translate("welcome.demo_hint"), theme.SMALL, theme.QUIET, text_align=ft.TextAlign.CENTER),
            ft.Divider(),
        ]
    make = widgets.text_button if has_demo else widgets.primary_button
    ways.append(make(translate("welcome.sign_in"), lambda _event: go("/sign-in"), key="sign-in"))
    if failed is not None:
        ways.insert(0, widgets.error_card(translate, failed))
    return ways


def _poster(
    translate: Translator,
    window: Window,
    name: str,
    corners: ft.BorderRadiusValue,
    *,
    side: int,
    tall: bool = False,
) -> ft.Control:
    """What this is about; `side` is the width of a picture in logical pixels, `tall` fills the height there is."""
    is_phone = window.size == "phone"
    words = ft.Column(
        [
            widgets.heading(translate("welcome.title"), theme.VERDICT if is_phone else theme.BIG, color=theme.ON_BAND),
            widgets.text(translate("welcome.hint"), theme.BODY_L, theme.ON_BAND_QUIET),
        ],
        spacing=theme.M,
    )
    top = ft.Row(
        [mark(40), widgets.text(name, theme.STRONG_L, theme.ON_BAND)],
        spacing=theme.M,
        vertical_alignment=ft.CrossAxisAlignment.CENTER,
    )
    collage = ft.Container(_collage(side), alignment=ft.Alignment.CENTER, expand=True if tall else None)
    return ft.Container(
        ft.Column([top, collage, words], spacing=36 if is_phone else 48, tight=not tall),
        padding=ft.Padding.only(left=24, right=24, top=24 + window.inset_top, bottom=32)
        if is_phone
        else ft.Padding.all(44),
        gradient=ft.LinearGradient(
            begin=ft.Alignment.TOP_LEFT, end=ft.Alignment.BOTTOM_RIGHT, colors=[theme.BAND_START, theme.BAND_END]
        ),
        border_radius=corners,
    )


def _collage(side: int) -> ft.Control:
    """Three rewards like cards in a hand: what this is about, before a word is read."""
    return ft.Row(
        [
            ft.Container(
                ft.Image(
                    src=f"/images/rewards/{name}.webp",
                    width=side * 0.7,
                    height=side * 0.7,
                    cache_width=side * 2,
                    exclude_from_semantics=True,
                ),
                width=side,
                height=side * 1.15,
                bgcolor=tint,
                border_radius=theme.CORNER_XL,
                alignment=ft.Alignment.CENTER,
                rotate=turn,
                offset=ft.Offset(0, drop / side),
                shadow=ft.BoxShadow(
                    blur_radius=24, color=ft.Colors.with_opacity(0.35, "#1A0816"), offset=ft.Offset(0, 10)
                ),
            )
            for name, tint, turn, drop in COLLAGE
        ],
        spacing=-side * 0.12,
        alignment=ft.MainAxisAlignment.CENTER,
        tight=True,
    )
