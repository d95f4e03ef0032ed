"""The poster of the first pages: what this is about, before a word is read."""

from typing import Final

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import Window
from mirabelle.client.ui.shared.navigation import mark
from mirabelle.contract.translation import Translator

COLLAGE: Final = (
    ("trees", "#E3F4E6", -0.16, 0),
    ("coffee-and-cake", "#FDF0E2", 0.02, -14),
    ("headphones", "#E8EEFB", 0.17, 4),
)


def with_poster(translate: Translator, window: Window, name: str, form: list[ft.Control]) -> ft.Control:
    """The poster of the programme `name` with `form` below it, or at its side where the window lies."""
    is_upright = window.size == "phone" or window.height > window.width
    return (_stacked if is_upright else _beside)(translate, window, name, form)


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
                    src=f"/images/welcome/{name}.webp",
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
