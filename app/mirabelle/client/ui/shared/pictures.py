"""Rewards as pictures: each on its own tint, by address, so that the window fetches and keeps them itself."""

import colorsys
from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator

DARK_LIGHTNESS, DARK_SATURATION = 0.19, 0.34  # at night a tint keeps its hue and stops glaring


def tint_of(color: str | None, *, dark: bool) -> str:
    """A reward's tint (#RRGGBB) as it is shown by day or at night."""
    tint = color or "#F3E3EF"
    if not dark:
        return tint
    hue, _, saturation = colorsys.rgb_to_hls(*(int(tint[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    night = colorsys.hls_to_rgb(hue, DARK_LIGHTNESS, min(saturation, DARK_SATURATION))
    return "#" + "".join(f"{round(part * 255):02X}" for part in night)


def picture(
    reward: Reward, *, dark: bool, height: int = 120, corner: int = theme.CORNER_L, share: float = 0.66, **more: Any
) -> ft.Container:
    """The reward's picture on its tint. It is decoration: the name beside it is what screen readers say."""
    side = round(height * share)
    if reward.picture:
        # Twice the size on screen: phones have two to three device pixels to a logical one.
        inside: ft.Control = ft.Image(
            src=f"/images/rewards/{reward.picture}.webp",
            width=side,
            height=side,
            fit=ft.BoxFit.CONTAIN,
            cache_width=side * 2,
            exclude_from_semantics=True,
            gapless_playback=True,
            error_content=ft.Icon(ft.Icons.REDEEM, size=side * 0.6, color=theme.OURS),
        )
    else:
        inside = ft.Icon(ft.Icons.REDEEM, size=side * 0.6, color=theme.OURS)
    return ft.Container(
        inside,
        height=height,
        bgcolor=tint_of(reward.tint, dark=dark),
        border_radius=corner,
        alignment=ft.Alignment.CENTER,
        **more,
    )


def reward_card(
    translate: Translator,
    reward: Reward,
    on_open: Callable[..., Any],
    *,
    dark: bool,
    height: int = 120,
    news: str = "",
    quiet: bool = False,
) -> ft.Control:
    """A reward in a grid: its picture, its name, its price, and `news` only when there is some. One button as a whole.
    `quiet` dims the price of what cannot be had yet."""
    title = reward.title.in_language(translate.language)
    amount = [
        ft.Text(translate.number(reward.points), theme_style=theme.STRONG, color=theme.QUIET if quiet else theme.OURS),
        ft.Text(translate("shared.points_word", count=reward.points), theme_style=theme.SMALL, color=theme.QUIET),
    ]
    spoken = translate("shared.points", count=reward.points)
    price: list[ft.Control] = [
        ft.Semantics(label=spoken, exclude_semantics=True, content=ft.Row(list(amount), spacing=5, tight=True)),
        ft.Container(expand=True),
    ]
    if news:
        price.append(ft.Text(news, theme_style=theme.LABEL_S, color=theme.ON_WARM_TINT))
    body = ft.Column(
        [
            picture(reward, dark=dark, height=height),
            ft.Container(  # off the rounded corners, which would cut the first digit
                ft.Column(
                    [
                        ft.Text(title, theme_style=theme.STRONG, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS),
                        ft.Row(price, spacing=5),
                    ],
                    spacing=2,
                ),
                padding=ft.Padding.only(left=6, right=6, bottom=6),
            ),
        ],
        spacing=10,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    # No words of its own: those of its content are read out, and the focus of the keyboard is where they are.
    return ft.Container(body, border_radius=theme.CORNER_L, ink=True, on_click=on_open, key=f"reward-{reward.id}")
