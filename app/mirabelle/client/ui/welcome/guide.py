"""The guide: earn, choose, confirm, show. Four pictures, a sentence each, and a way out at every step."""

from collections.abc import Callable
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.contract.translation import Translator

STEPS: Final = (
    ("earn", "bread-week", "#FFF1DC"),
    ("choose", "headphones", "#E8EEFB"),
    ("confirm", "spa-afternoon", "#FBE8F0"),
    ("show", "cinema-tickets", "#FDE8E8"),
)


@screen
def guide_screen() -> ft.View:
    """Connects the guide to the app; it is shown by itself only once on a device."""
    app, window = use_app(), use_window()
    step, set_step = ft.use_state(0)

    async def leave(_event: Any) -> None:
        await app.preferences.set("guide_seen", "yes")
        go("/")

    def turn(to: int) -> None:
        set_step(max(0, min(to, len(STEPS) - 1)))

    return guide_view(app.t, window, step, turn, leave)


def guide_view(
    translate: Translator, window: Window, step: int, on_turn: Callable[[int], Any], on_leave: Callable[..., Any]
) -> ft.View:
    """The guide at one step."""
    name, picture, tint = STEPS[step]
    is_last = step == len(STEPS) - 1
    height = max(180, min(420, window.height - 420))
    page = ft.Column(
        [
            _illustration(picture, tint, height, window.dark),
            widgets.heading(translate(f"welcome.guide_{name}"), theme.TITLE, text_align=ft.TextAlign.CENTER),
            widgets.text(
                translate(f"welcome.guide_{name}_hint"), theme.BODY_L, theme.QUIET, text_align=ft.TextAlign.CENTER
            ),
        ],
        spacing=theme.L,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        key=f"step-{step}",
    )
    turning = ft.AnimatedSwitcher(
        page,
        duration=0 if window.calm else 260,
        reverse_duration=0 if window.calm else 160,
        switch_in_curve=ft.AnimationCurve.EASE_OUT,
    )
    controls: list[ft.Control] = [
        ft.Row(
            [widgets.text_button(translate("welcome.guide_skip"), on_leave, key="skip")],
            alignment=ft.MainAxisAlignment.END,
        ),
        turning,
        _dots(translate, step, calm=window.calm),
        widgets.primary_button(
            translate("welcome.guide_start" if is_last else "welcome.guide_next"),
            on_leave if is_last else lambda _event: on_turn(step + 1),
            key="next",
        ),
    ]
    if step:
        controls.append(widgets.text_button(translate("shared.back"), lambda _event: on_turn(step - 1), key="previous"))
    return widgets.page_frame("", controls, width=440, spacing=theme.L, in_middle=window.size != "phone")


def _illustration(picture: str, tint: str, height: int, dark: bool) -> ft.Control:
    side = height * 0.62
    return ft.Container(
        ft.Image(
            src=f"/images/welcome/{picture}.webp", width=side, height=side, cache_width=640, exclude_from_semantics=True
        ),
        height=height,
        bgcolor=theme.OURS_TINT if dark else tint,
        border_radius=theme.CORNER_XL,
        alignment=ft.Alignment.CENTER,
    )


def _dots(translate: Translator, step: int, *, calm: bool) -> ft.Control:
    dots = [
        ft.Container(
            width=24 if index == step else 8,
            height=8,
            border_radius=4,
            bgcolor=theme.OURS if index == step else theme.BAR,
            animate=None if calm else ft.Animation(200),
        )
        for index in range(len(STEPS))
    ]
    return ft.Semantics(
        label=translate("welcome.guide_step", step=step + 1, steps=len(STEPS)),
        exclude_semantics=True,
        content=ft.Row(dots, spacing=6, alignment=ft.MainAxisAlignment.CENTER),
    )
