"""The pieces that screens are made of. Plain functions of plain values; all words come in already translated."""

from collections.abc import Callable, Sequence
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.frame import page_frame
from mirabelle.client.ui.shared.icons import icon_button, icon_disc
from mirabelle.client.ui.shared.notices import banner, empty_state, error_card, offline_banner
from mirabelle.client.ui.shared.pictures import picture, reward_card
from mirabelle.contract.translation import Translator

__all__ = [
    "apart",
    "badge",
    "banner",
    "card",
    "chip",
    "columns",
    "empty_state",
    "error_card",
    "field",
    "heading",
    "icon_button",
    "icon_disc",
    "kept_together",
    "offline_banner",
    "page_frame",
    "parted",
    "picture",
    "points_text",
    "primary_button",
    "quiet_button",
    "reward_card",
    "section",
    "signed",
    "skeleton",
    "text",
    "text_button",
    "warm_button",
]

Handler = Callable[..., Any]


def text(value: str, style: ft.TextThemeStyle = theme.BODY, color: ft.ColorValue | None = None, **more: Any) -> ft.Text:
    """One text in the type scale; never give it a weight: the style's font is the weight."""
    return ft.Text(value, theme_style=style, color=color, **more)


def heading(value: str, style: ft.TextThemeStyle = theme.PAGE_TITLE, level: int = 1, **more: Any) -> ft.Control:
    """A heading that screen readers can jump to."""
    return ft.Semantics(header=True, heading_level=level, content=text(value, style, **more))


def apart(translate: Translator, words: str, direction: str = "\u2068") -> str:
    """In right-to-left text: words laid out by themselves, in their own or the given direction (an isolate)."""
    return f"{direction}{words}\u2069" if translate.rtl else words


def parted(translate: Translator, *facts: str) -> str:
    """Short facts in one line, each laid out by itself: a Latin name does not pull its neighbour out of place."""
    return translate.line(*(apart(translate, fact) for fact in facts if fact))


def kept_together(words: str) -> str:
    """The same words, but a line never breaks between them: a day stays with its month."""
    return words.replace(" ", "\u00a0")


def signed(translate: Translator, points: int) -> str:
    """With its sign, so that no colour is needed to tell gain from loss; kept together in right-to-left text."""
    sign = "+" if points > 0 else "\u2212" if points < 0 else ""
    return apart(translate, f"{sign}{translate.number(abs(points))}", "\u2066")


def card(
    content: ft.Control,
    *,
    on_click: Handler | None = None,
    padding: ft.PaddingValue = 20,
    bgcolor: ft.ColorValue = theme.CARD,
    line: bool = True,
    **more: Any,
) -> ft.Container:
    """A quiet surface with a hairline around it; with `on_click` it is a button for mouse, finger and keyboard."""
    return ft.Container(
        content,
        padding=padding,
        bgcolor=bgcolor,
        border=ft.Border.all(1, theme.LINE) if line else None,
        border_radius=theme.CORNER_L,
        ink=on_click is not None,
        on_click=on_click,
        **more,
    )


def points_text(
    translate: Translator,
    points: int,
    style: ft.TextThemeStyle = theme.STRONG,
    color: ft.ColorValue = theme.OURS,
    word_color: ft.ColorValue = theme.QUIET,
) -> ft.Control:
    """A price or an amount: the number large, its word small, read out as one."""
    number = text(translate.number(points), style, color)
    word = text(translate("shared.points_word", count=points), theme.SMALL, word_color)
    return ft.Semantics(
        label=translate("shared.points", count=points),
        exclude_semantics=True,
        content=ft.Row([number, word], spacing=5, tight=True, vertical_alignment=ft.CrossAxisAlignment.CENTER),
    )


def _button_content(label: str, busy: bool) -> str | ft.Control:
    if not busy:
        return label
    ring = ft.ProgressRing(width=16, height=16, stroke_width=2.2, color=ft.Colors.ON_SURFACE_VARIANT)
    return ft.Row([ring, ft.Text(label)], spacing=10, tight=True, alignment=ft.MainAxisAlignment.CENTER)


def primary_button(
    label: str,
    on_click: Handler,
    *,
    icon: ft.IconData | None = None,
    busy: bool = False,
    disabled: bool = False,
    **more: Any,
) -> ft.FilledButton:
    """The one thing to do here. While `busy` it turns a ring and takes no taps."""
    content = _button_content(label, busy)
    return ft.FilledButton(content, icon=None if busy else icon, on_click=on_click, disabled=disabled or busy, **more)


def quiet_button(
    label: str,
    on_click: Handler,
    *,
    icon: ft.IconData | None = None,
    busy: bool = False,
    disabled: bool = False,
    **more: Any,
) -> ft.OutlinedButton:
    """Another thing that can be done here."""
    content = _button_content(label, busy)
    return ft.OutlinedButton(content, icon=None if busy else icon, on_click=on_click, disabled=disabled or busy, **more)


def warm_button(label: str, on_click: Handler, **more: Any) -> ft.FilledButton:
    """What wants to be done now: the only button that wears the sun."""
    style = ft.ButtonStyle(
        bgcolor=theme.WARM_BUTTON,
        color=theme.ON_WARM_BUTTON,
        padding=ft.Padding.symmetric(horizontal=20, vertical=12),
    )
    return ft.FilledButton(label, on_click=on_click, style=style, elevation=0, **more)


def text_button(label: str, on_click: Handler, **more: Any) -> ft.TextButton:
    """A quiet way on, such as "See all"."""
    return ft.TextButton(label, on_click=on_click, **more)


def field(label: str, value: str, on_change: Handler, **more: Any) -> ft.TextField:
    """A line to type in."""
    return ft.TextField(
        label=label,
        value=value,
        on_change=on_change,
        border=ft.OutlineInputBorder(border_radius=theme.CORNER),
        filled=True,
        fill_color=theme.CARD,
        content_padding=ft.Padding.symmetric(horizontal=18, vertical=18),
        **more,
    )


def chip(label: str, on_click: Handler, *, selected: bool = False, icon: ft.IconData | None = None) -> ft.Control:
    """One choice of several in a row; the chosen one is filled, and says so to screen readers."""
    color = ft.Colors.ON_PRIMARY if selected else ft.Colors.ON_SURFACE
    parts: list[ft.Control] = [text(label, theme.LABEL, color)]
    if icon is not None:
        parts.insert(0, ft.Icon(icon, size=18, color=color))
    body = ft.Container(
        ft.Row(parts, spacing=6, tight=True),
        padding=ft.Padding.symmetric(horizontal=16, vertical=9),
        bgcolor=theme.OURS if selected else theme.CARD,
        border=ft.Border.all(1, theme.OURS if selected else theme.LINE),
        border_radius=999,
        ink=True,
        on_click=on_click,
    )
    return ft.Semantics(button=True, selected=selected, container=True, content=body)


def badge(label: str, *, warm: bool = True) -> ft.Container:
    """A small word that is news, such as "3 left"."""
    return ft.Container(
        text(label, theme.TINY, theme.ON_WARM_TINT if warm else theme.ON_OURS_TINT),
        padding=ft.Padding.symmetric(horizontal=9, vertical=3),
        bgcolor=theme.WARM_TINT if warm else theme.OURS_TINT,
        border_radius=999,
    )


def section(title: str, action: str = "", on_action: Handler | None = None, level: int = 2) -> ft.Control:
    """A section's heading with, at its end, a way to all of it."""
    parts = [heading(title, theme.SECTION, level)]
    if on_action is not None:
        tight = ft.ButtonStyle(padding=ft.Padding.symmetric(horizontal=8, vertical=8))
        parts.append(text_button(action, on_action, style=tight))
    # Where type is large the way moves below the heading instead of breaking its words.
    return ft.Row(
        parts,
        wrap=True,
        alignment=ft.MainAxisAlignment.SPACE_BETWEEN,
        vertical_alignment=ft.CrossAxisAlignment.CENTER,
        spacing=theme.S,
        run_spacing=0,
    )


def skeleton(height: int, width: int | None = None, corner: int = theme.CORNER) -> ft.Container:
    """Where something will be, while it is on its way."""
    return ft.Container(
        height=height, width=width, bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH, border_radius=corner, opacity=0.7
    )


def columns(items: Sequence[ft.Control], count: int, gap: int = theme.L) -> ft.Control:
    """The items in `count` equal columns, row by row."""
    rows = []
    for start in range(0, len(items), count):
        line = [ft.Container(item, expand=1) for item in items[start : start + count]]
        line += [ft.Container(expand=1) for _ in range(count - len(line))]
        rows.append(ft.Row(line, spacing=gap, vertical_alignment=ft.CrossAxisAlignment.START))
    return ft.Column(rows, spacing=gap)
