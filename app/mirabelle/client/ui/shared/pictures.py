"""Rewards as pictures: each on its own tint, blurred until it has come."""

import colorsys
from collections.abc import Callable
from typing import Any, Final

import flet as ft
import msgspec

from mirabelle.client.repositories.pictures import Pictures
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import use_app
from mirabelle.contract.messages import Reward
from mirabelle.contract.pictures import drawn, is_name, read_placeholder, width_for
from mirabelle.contract.translation import Translator

_WIDE: Final = 1.6  # how much wider than high the room for a picture mostly is
# Off the rounded corners, which would cut the first digit. The same for all cards, as are all that are never changed.
_NAME_PLACE: Final = ft.Margin.only(left=6, right=6, top=10)
_PRICE_PLACE: Final = ft.Margin.only(left=6, right=6, top=2, bottom=6)
_MIDDLE: Final = ft.Alignment.CENTER
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
    reward: Reward,
    *,
    dark: bool,
    height: int = 120,
    corner: int = theme.CORNER_L,
    share: float = 0.66,
    in_list: bool = False,
    **more: Any,
) -> ft.Container:
    """The reward's picture: what is cut out stands on the reward's tint, a photograph fills the room. It is decoration:
    the name beside it is what screen readers say. `in_list`: others are waited for more."""
    side, hint = round(height * share), read_placeholder(reward.placeholder)
    fills = hint is not None and not hint.is_cut_out
    if reward.picture is not None and is_name(reward.picture):
        # Twice the size on screen: phones have two to three device pixels to a logical one.
        width = width_for(2 * (round(height * _WIDE) if fills else side))
        shown = _Shown(reward.picture, width, reward.placeholder, None if fills else side)
        inside: ft.Control = _by_address(shown) if ft.context.page.web else _fetched(shown, not in_list, key=shown.name)
    else:
        fills, inside = False, ft.Icon(ft.Icons.REDEEM, size=side * 0.6, color=theme.OURS)
    if fills:  # what covers it hides its placeholder, too
        more["image"] = ft.DecorationImage(src=drawn(reward.placeholder), fit=ft.BoxFit.FILL)
        more["clip_behavior"] = ft.ClipBehavior.ANTI_ALIAS
    return ft.Container(
        inside,
        height=height,
        bgcolor=tint_of(reward.tint, dark=dark),
        border_radius=corner,
        alignment=None if fills else _MIDDLE,
        **more,
    )


class _Shown(msgspec.Struct, frozen=True):
    """A picture by its name, in a width in pixels, and how large it is shown: `side`, or None to fill the room."""

    name: str
    width: int
    placeholder: str
    side: int | None

    def image(self, source: str | bytes, **more: Any) -> ft.Image:
        """What draws it."""
        fit = ft.BoxFit.CONTAIN if self.side else ft.BoxFit.COVER
        return ft.Image(
            src=source,
            width=self.side,
            height=self.side,
            fit=fit,
            exclude_from_semantics=True,
            gapless_playback=True,
            key=self.name,  # else the picture of another reward stays where this one is to come
            **more,
        )

    def before(self) -> ft.Control:
        """What stands there before it has come; what fills the room has its placeholder behind it."""
        drawing = drawn(self.placeholder)
        if not (self.side and drawing):
            return ft.Container(width=self.side, height=self.side)
        return self.image(drawing, filter_quality=ft.FilterQuality.HIGH)


def _by_address(shown: _Shown) -> ft.Control:
    """In a browser, which fetches pictures and keeps them by itself; where it cannot, the placeholder stays."""
    # Flet 1.0.5 lets no picture with a placeholder of its own fill the room.
    before = drawn(shown.placeholder) or None if shown.side else None
    return shown.image(Pictures.address(shown.name, shown.width), placeholder_src=before)


@fixes.component
def _fetched(shown: _Shown, first: bool) -> ft.Control:
    """Elsewhere: only what was found to be the picture is ever drawn, and nothing is fetched for what is gone."""
    app, leave = use_app(), ft.use_ref(None)
    come, set_come = ft.use_state(("", b""))

    def ask() -> None:
        leave.current = app.pictures.ask(
            shown.name, shown.width, lambda content: set_come((shown.name, content)), first=first
        )

    ft.use_effect(ask, [shown.name, shown.width], cleanup=lambda: leave.current and leave.current())
    return shown.image(come[1]) if come[0] == shown.name else shown.before()


def reward_card(
    translate: Translator,
    reward: Reward,
    on_open: Callable[..., Any],
    *,
    dark: bool,
    height: int = 120,
    news: str = "",
    quiet: bool = False,
    **more: Any,
) -> ft.Control:
    """A reward in a grid: its picture, its name, its price, and `news` only when there is some. One button as a whole.
    `quiet` dims the price of what cannot be had yet. There may be hundreds: it is of no more controls than it takes."""
    name = ft.Text(
        reward.title.in_language(translate.language),
        theme_style=theme.STRONG,
        max_lines=2,
        overflow=ft.TextOverflow.ELLIPSIS,
        margin=_NAME_PLACE,
    )
    body = ft.Column(
        [picture(reward, dark=dark, height=height, in_list=True), name, _price(translate, reward.points, news, quiet)],
        spacing=0,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
    # No words of its own: those of its content are read out, and the focus of the keyboard is where they are.
    # And no key, so that a list changes what its cards say and draws none of them anew.
    return ft.Container(
        body, border_radius=theme.CORNER_L, ink=True, on_click=on_open, data=f"reward-{reward.id}", **more
    )


def _price(translate: Translator, points: int, news: str, quiet: bool) -> ft.Control:
    """The number large, its word small, read out as one; what is new beside it."""
    word = ft.TextSpan(
        translate("shared.points_word", count=points), theme.in_line("body_small", translate.language, theme.QUIET)
    )
    price = ft.Text(
        f"{translate.number(points)} ",
        theme_style=theme.STRONG,
        color=theme.QUIET if quiet else theme.OURS,
        spans=[word],
        semantics_label=translate("shared.points", count=points),
        margin=None if news else _PRICE_PLACE,
        expand=True if news else None,
    )
    if not news:
        return price
    said = ft.Text(news, theme_style=theme.LABEL_S, color=theme.ON_WARM_TINT)
    return ft.Row([price, said], spacing=5, margin=_PRICE_PLACE)
