"""What expires when: a picture with one warm bar, a date in words, and one button that does something about it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import Window
from mirabelle.contract.translation import Translator

TALLEST = {"phone": 96, "tablet": 132, "desktop": 132}  # logical pixels
SMALLEST = 10


def expiry_card(
    translate: Translator,
    window: Window,
    bars: Sequence[Any],
    next_expiry: tuple[int, datetime] | None,
    days_left: int,
    on_use: Callable[..., Any],
) -> ft.Control:
    """The card; where nothing expires it says so and leaves the chart out."""
    if next_expiry is None:
        calm = ft.Row(
            [
                widgets.icon_disc(ft.Icons.SPA_OUTLINED, bgcolor=theme.GOOD_TINT, color=theme.ON_GOOD_TINT),
                ft.Container(widgets.text(translate("wallet.nothing_expires"), theme.STRONG), expand=True),
            ],
            spacing=theme.M,
        )
        return widgets.card(calm)
    points, at = next_expiry
    words = ft.Column(
        [
            widgets.heading(
                translate("wallet.expire_on", count=points, date=widgets.kept_together(translate.date(at, form="day"))),
                theme.STRONG_L,
                2,
            ),
            widgets.text(translate("wallet.expire_in", days=translate.relative_days(days_left)), color=theme.QUIET),
        ],
        spacing=2,
        expand=True,
    )
    button = widgets.warm_button(translate("wallet.use_them"), on_use, key="use-them")
    chart = _chart(translate, window, bars)
    if window.size == "phone":  # below, where the thumb is, and where large type leaves room for it
        parts: list[ft.Control] = [ft.Row([words]), chart, button]
    else:
        middle = ft.CrossAxisAlignment.CENTER
        parts = [ft.Row([words, button], spacing=theme.M, vertical_alignment=middle), chart]
    return widgets.card(ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH))


def _chart(translate: Translator, window: Window, bars: Sequence[Any]) -> ft.Control:
    most = max((bar.points for bar in bars), default=1) or 1
    return ft.Row(
        [_bar(translate, window, bar, most) for bar in bars],
        spacing=0,
        vertical_alignment=ft.CrossAxisAlignment.END,
    )


def _bar(translate: Translator, window: Window, bar: Any, most: int) -> ft.Control:
    height = max(SMALLEST, bar.points * TALLEST[window.size] // most) if bar.points else 3
    label = translate.date(bar.month_start, form="month") if bar.month_start else translate("wallet.later")
    color = theme.WARM if bar.first else theme.BAR
    column = ft.Column(
        [
            widgets.text(
                translate.number(bar.points) if bar.points else "",
                theme.TINY,
                theme.ON_WARM_TINT if bar.first else theme.QUIET,
                no_wrap=True,
                overflow=ft.TextOverflow.VISIBLE,
            ),
            ft.Container(
                height=height,
                width=38,
                bgcolor=color,
                border_radius=theme.CORNER_S if bar.points else 2,
                animate=None if window.calm else ft.Animation(350, ft.AnimationCurve.EASE_OUT),
            ),
            widgets.text(
                label,
                theme.TINY,
                ft.Colors.ON_SURFACE if bar.first else theme.QUIET,
                no_wrap=True,
                overflow=ft.TextOverflow.VISIBLE,
            ),
        ],
        spacing=6,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    spoken = translate("wallet.bar", month=label, points=translate("shared.points", count=bar.points))
    return ft.Semantics(label=spoken, exclude_semantics=True, content=column, expand=1)
