"""What the catalog found: pages of pictures, and what comes nearest where nothing is found."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import flet as ft

from mirabelle.client.repositories.catalog import COUNTED
from mirabelle.client.ui.catalog.pages import MORE, PAGE_ROWS, Pages
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
_BELOW_A_PICTURE: Final = 74  # logical pixels, at least: a name, a price, and the way to the next line
_ROOM: Final = "room"
_AROUND_THE_LIST: Final = 160  # logical pixels, at least: the title and the search

Open = Callable[[str], Any]


def found(translate: Translator, filters: Filters, count: int) -> ft.Control | None:
    """How many were found, and the way back to all of them."""
    if not filters.any or not count:
        return None
    said = translate("catalog.found", count=count)
    if count > COUNTED:
        said = translate("catalog.found_more", count=COUNTED)
    words = ft.Semantics(live_region=True, content=text(said, theme.BODY, theme.QUIET))
    clear = text_button(translate("catalog.clear"), filters.clear, key="clear")
    return ft.Row([ft.Container(words, expand=True), clear])


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
        drawn.forget_but([])
        return [_waiting(window, _COLUMNS[window.size])]
    draw = _Drawing(_Look(translate, window.size, window.dark, on_open), now, shelf.available, spacing)
    if not any(shelf.pages.values()):
        drawn.forget_but([])
        return [
            empty_state(
                ft.Icons.SEARCH_OFF, translate("catalog.none"), translate("catalog.none_hint"),
                translate("catalog.clear"), filters.clear,
            ),
            *_nearest(draw, shelf.nearest),
        ]  # fmt: skip
    count = filters.pages.count
    # Those that are to come have their places already: a list that gets longer or shorter is drawn anew as a whole.
    places = [
        shelf.pages.get(page, None if page < count else []) for page in range(max(count, screenful(window) + MORE))
    ]
    rooms = {page for page, rewards in enumerate(places) if rewards is None}
    drawn.forget_but(set(range(len(places))) - rooms, rooms)
    return [
        drawn.room(filters.pages, page) if rewards is None else drawn.page(draw, filters.pages, page, rewards)
        for page, rewards in enumerate(places)
    ]


def screenful(window: Window) -> int:
    """How many pages of the list fill the window, if no text takes more room than usual."""
    lines = (window.height - _AROUND_THE_LIST) / (_PICTURE[window.size] + _BELOW_A_PICTURE)
    return max(1, math.ceil(math.ceil(lines) * _COLUMNS[window.size] / PAGE_ROWS))


@dataclass(frozen=True)
class _Look:
    """What all the lines of the list have in common."""

    translate: Translator
    size: Literal["phone", "tablet", "desktop"]
    dark: bool
    on_open: Open


@dataclass(frozen=True)
class _Drawing:
    """What the list is drawn by."""

    look: _Look
    now: datetime
    available: int | None
    spacing: int

    @property
    def columns(self) -> int:
        """How many cards are beside each other."""
        return _COLUMNS[self.look.size]

    def lines(self, rewards: Sequence[Reward]) -> list[ft.Control]:
        """The rewards, as many beside each other as there is room for."""
        return [_line(self, cards) for cards in self.cut(self.seen(rewards))]

    def seen(self, rewards: Sequence[Reward]) -> tuple["_Seen", ...]:
        """The rewards as their cards show them."""
        return tuple(map(self._seen, rewards))

    def cut(self, cards: tuple["_Seen", ...]) -> list[tuple["_Seen", ...]]:
        """The cards, cut into lines."""
        return [cards[at : at + self.columns] for at in range(0, len(cards), self.columns)]

    def _seen(self, reward: Reward) -> "_Seen":
        out_of_reach = self.available is not None and reward.points > self.available
        return _Seen(reward, news(self.look.translate, reward, self.now), out_of_reach)


class Drawn:
    """What was drawn last, piece by piece: Flet 1.0.5 looks through all that is below a control, changed or not, unless
    it is the very same one."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[object, ft.Control]] = {}

    def once(self, place: object, shows: object, draw: Callable[[], ft.Control]) -> ft.Control:
        """What `draw` draws at `place`, as long as it `shows` the same. One place only: what moves is drawn anew."""
        if place not in self._kept or self._kept[place][0] != shows:
            self._kept[place] = shows, draw()
        return self._kept[place][1]

    def forget_but(self, pages: Collection[int], rooms: Collection[int] = ()) -> None:
        """Let go of all other pages and rooms of pages: what has left the screen is made anew when it comes back."""
        self._kept = {place: kept for place, kept in self._kept.items() if _stays(place, pages, rooms)}

    def page(self, draw: _Drawing, pages: Pages, page: int, rewards: Sequence[Reward]) -> ft.Control:
        """The page of that number; where some of it changed, the other lines stay."""
        cut = draw.cut(draw.seen(rewards))
        # Lines of none take no room, and are there so that the next search changes them and nothing around them.
        cut += [()] * (PAGE_ROWS // draw.columns - len(cut))

        def column() -> ft.Control:
            lines = [
                self.once((page, number), (draw.look, draw.spacing, cards), partial(_line, draw, cards))
                for number, cards in enumerate(cut)
            ]
            return _page(page, lines, pages)

        return self.once((page, None), (draw.look, draw.spacing, pages.measured, cut), column)

    def room(self, pages: Pages, page: int) -> ft.Control:
        """The room that a page took, while it is far from what is looked at."""
        height = pages.height(page)
        return self.once((page, _ROOM), (pages.measured, height), lambda: _page(page, [], pages, height=height))


def _page(page: int, lines: list[ft.Control], pages: Pages, **more: Any) -> ft.Control:
    def measured(event: Any) -> None:
        pages.measured.note(page, event.height)

    return ft.Column(lines, spacing=0, on_size_change=measured, key=f"page-{page}", **more)


def _stays(place: object, pages: Collection[int], rooms: Collection[int]) -> bool:
    return not isinstance(place, tuple) or place[0] in (rooms if place[1] == _ROOM else pages)


def _nearest(draw: _Drawing, rewards: Sequence[Reward]) -> list[ft.Control]:
    if not rewards:
        return []
    title = heading(draw.look.translate("catalog.nearest"), theme.SECTION, 2)
    return [ft.Column([title, *draw.lines(rewards)], spacing=0, key="nearest")]


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


@fixes.bounded
def _line(draw: _Drawing, cards: tuple[_Seen, ...]) -> ft.Control:
    """One line of the grid; drawn anew only when one of its rewards changed, since there may be a hundred lines."""
    look = draw.look
    shown = [
        reward_card(
            look.translate,
            seen.reward,
            lambda _event, id=seen.reward.id: look.on_open(id),
            dark=look.dark,
            height=_PICTURE[look.size],
            news=seen.news,
            quiet=seen.out_of_reach,
            expand=1,
        )
        for seen in cards
    ]
    missing = draw.columns - len(shown) if shown else 0
    return ft.Row(
        [*shown, *(ft.Container(expand=1, data="") for _ in range(missing))],
        spacing=14 if look.size == "phone" else 20,
        margin=ft.Margin.only(bottom=draw.spacing) if shown else None,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )


def _waiting(window: Window, columns: int) -> ft.Control:
    one = ft.Column(
        [skeleton(_PICTURE[window.size], corner=theme.CORNER_L), skeleton(18), skeleton(14, 80)], spacing=10
    )
    lines = [ft.Row([ft.Container(one, expand=1) for _ in range(columns)], spacing=14) for _ in range(3)]
    return ft.Column(lines, spacing=theme.XL, key="waiting")
