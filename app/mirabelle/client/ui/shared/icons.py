"""Icons that say what they are."""

from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme


def icon_button(
    icon: ft.IconData, label: str, on_click: Callable[..., Any], *, color: ft.ColorValue | None = None, **more: Any
) -> ft.IconButton:
    """A round button; `label` is its tooltip and, since a tooltip is not read out on the web, its icon's name."""
    return ft.IconButton(ft.Icon(icon, color=color, semantics_label=label), tooltip=label, on_click=on_click, **more)


def icon_disc(
    icon: ft.IconData,
    *,
    bgcolor: ft.ColorValue = theme.OURS_TINT,
    color: ft.ColorValue = theme.ON_OURS_TINT,
    size: int = 44,
) -> ft.Container:
    """An icon on a round tint, at the start of a row."""
    return ft.Container(
        ft.Icon(icon, size=size * 0.5, color=color),
        width=size,
        height=size,
        bgcolor=bgcolor,
        border_radius=size / 2,
        alignment=ft.Alignment.CENTER,
    )
