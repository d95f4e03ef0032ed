"""What the catalog found: pages of pictures, and what comes nearest where nothing is found."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import flet as ft

from mirabelle.client.repositories.catalog import COUNTED
from mirabelle.client.ui.catalog.pages import Pages
from mirabelle.client.ui.catalog.state import FEW_LEFT, Filters, ends_in_days
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import Window
from mirabelle.client.ui.shared.widgets import empty_state, heading, reward_card, skeleton, text, text_button
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.ui.catalog.screen import Shelf

_COLUMNS: Final = {"phone": 2, "tablet": 3, "desktop": 4}
_PICTURE: Final = {"phone": 124, "tablet": 156, "desktop": 164}

Open = Callable[[str], Any]


def found(translate: Translator, filters: Filters, shelf: "Shelf") -> list[ft.Control]:
    """How many were found, and the way back to all of them."""
    if not filters.any or not shelf.count:
        return []
    said = translate("catalog.found", count=shelf.count)
    if shelf.count > COUNTED:
        said = translate("catalog.found_more", count=COUNTED)
    count = ft.Semantics(live_region=True, content=text(said, theme.BODY, theme.QUIET))
    clear = text_button(translate("catalog.clear"), filters.clear, key="clear")
    return [ft.Row([ft.Container(count, expand=True), clear])]


def shelves(
    translate: Translator,
    window: Window,
    filters: Filters,
    shelf: "Shelf",
    now: datetime,
    spacing: int,
    on_open: Open,
    drawn: "Drawn",
) -> list[ft.Control]:
    """The pages of the list: one control each, so that none moves when another is no longer drawn."""
    if not shelf.total:
        return [_waiting(window, _COLUMNS[window.size])]
    draw = _Drawing(translate, window, now, shelf.available, spacing, on_open)
    if not any(shelf.pages.values()):
        return [
            empty_state(
                ft.Icons.SEARCH_OFF, translate("catalog.none"), translate("catalog.none_hint"),
                translate("catalog.clear"), filters.clear,
            ),
            *_nearest(draw, shelf.nearest),
        ]  # fmt: skip
    drawn.forget_but(shelf.pages)
    return [
        drawn.page(draw, filters.pages, page, shelf.pages[page])
        if page in shelf.pages
        else ft.Container(height=filters.pages.height(page), key=f"page-{page}")
        for page in range(filters.pages.reached)
    ]


@dataclass(frozen=True)
class _Drawing:
    """What all the lines of the list have in common."""

    translate: Translator
    window: Window
    now: datetime
    available: int | None
    spacing: int
    on_open: Open

    def lines(self, rewards: Sequence[Reward]) -> list[ft.Control]:
        """The rewards, as many beside each other as there is room for."""
        return self.cut(self.seen(rewards))

    def seen(self, rewards: Sequence[Reward]) -> tuple["_Seen", ...]:
        """The rewards as their cards show them."""
        return tuple(map(self._seen, rewards))

    def cut(self, cards: tuple["_Seen", ...]) -> list[ft.Control]:
        """The cards, cut into lines."""
        columns = _COLUMNS[self.window.size]
        cut = [cards[at : at + columns] for at in range(0, len(cards), columns)]
        return [_line(self.translate, self.window, line, columns, self.on_open) for line in cut]

    def _seen(self, reward: Reward) -> "_Seen":
        out_of_reach = self.available is not None and reward.points > self.available
        return _Seen(reward, news(self.translate, reward, self.now), out_of_reach)


class Drawn:
    """The pages as they were drawn last: Flet 1.0.5 looks through all that is below a control, changed or not, unless
    it is the very same one."""

    def __init__(self) -> None:
        self._pages: dict[int, tuple[object, ft.Control]] = {}

    def forget_but(self, pages: Collection[int]) -> None:
        """Let go of all other pages: what has left the screen is made anew when it comes back."""
        self._pages = {page: kept for page, kept in self._pages.items() if page in pages}

    def page(self, draw: _Drawing, pages: Pages, page: int, rewards: Sequence[Reward]) -> ft.Control:
        """The page of that number."""
        cards = draw.seen(rewards)
        shows = (draw.translate, draw.window.size, draw.spacing, draw.on_open, pages, cards)
        if page not in self._pages or self._pages[page][0] != shows:
            column = ft.Column(
                draw.cut(cards),
                spacing=draw.spacing,
                on_size_change=lambda event: pages.measured(page, event.height),
                key=f"page-{page}",
            )
            self._pages[page] = shows, column
        return self._pages[page][1]


def _nearest(draw: _Drawing, rewards: Sequence[Reward]) -> list[ft.Control]:
    if not rewards:
        return []
    title = heading(draw.translate("catalog.nearest"), theme.SECTION, 2)
    return [ft.Column([title, *draw.lines(rewards)], spacing=draw.spacing, key="nearest")]


@dataclass(frozen=True)
class _Seen:
    """A reward as its card shows it."""

    reward: Reward
    news: str
    out_of_reach: bool


def news(translate: Translator, reward: Reward, now: datetime) -> str:
    """What is new enough about a reward to be said beside its price; mostly nothing."""
    if reward.stock == 0:
        return translate("catalog.sold_out")
    if reward.stock is not None and reward.stock <= FEW_LEFT:
        return translate("catalog.left", count=reward.stock)
    days = ends_in_days(reward, now)
    if days is not None:
        return translate("catalog.ends_today") if days == 0 else translate("catalog.ends_in", count=days)
    return ""


@ft.memo
@fixes.component
def _line(translate: Translator, window: Window, cards: tuple[_Seen, ...], columns: int, on_open: Open) -> ft.Control:
    """One line of the grid; drawn anew only when one of its rewards changed, since there may be a hundred lines."""
    shown = [
        reward_card(
            translate,
            seen.reward,
            lambda _event, id=seen.reward.id: on_open(id),
            dark=window.dark,
            height=_PICTURE[window.size],
            news=seen.news,
            quiet=seen.out_of_reach,
        )
        for seen in cards
    ]
    cells = [ft.Container(one, expand=1) for one in shown]
    cells += [ft.Container(expand=1) for _ in range(columns - len(shown))]
    return ft.Row(cells, spacing=14 if window.size == "phone" else 20, vertical_alignment=ft.CrossAxisAlignment.START)


def _waiting(window: Window, columns: int) -> ft.Control:
    one = ft.Column(
        [skeleton(_PICTURE[window.size], corner=theme.CORNER_L), skeleton(18), skeleton(14, 80)], spacing=10
    )
    lines = [ft.Row([ft.Container(one, expand=1) for _ in range(columns)], spacing=14) for _ in range(3)]
    return ft.Column(lines, spacing=theme.XL, key="waiting")
