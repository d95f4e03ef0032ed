"""The catalog: pictures first, narrowed by category, words and filters, and what to spend soon on top."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import flet as ft

from mirabelle.client.repositories.catalog import COUNTED
from mirabelle.client.ui.catalog.filters import filter_sheet
from mirabelle.client.ui.catalog.state import (
    FEW_LEFT,
    MOST_ROWS,
    Feature,
    Filters,
    ends_in_days,
    feature,
    filters_of,
)
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import (
    card,
    chip,
    empty_state,
    heading,
    icon_button,
    page_frame,
    picture,
    quiet_button,
    reward_card,
    skeleton,
    text,
    text_button,
)
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator

_NEAR_THE_END: Final = 1600  # logical pixels from the end at which the next page is fetched
_COLUMNS: Final = {"phone": 2, "tablet": 3, "desktop": 4}
_PICTURE: Final = {"phone": 124, "tablet": 156, "desktop": 164}
_SHEET: Final = 860  # logical pixels that all filters take in a wide window


@dataclass(frozen=True)
class Shelf:
    """What the catalog shows: `count` rewards match of `total`, and these are the ones on the page."""

    rewards: list[Reward]
    count: int
    total: int
    categories: list[tuple[str, str]]
    available: int | None
    feature: Feature | None


@screen
def catalog_screen() -> ft.View:
    """The catalog of this page's app."""
    app, window = use_app(), use_window()
    filters, _ = ft.use_state(lambda: filters_of(app))
    sheet_open, set_sheet_open = ft.use_state(False)
    asked = ft.context.page.route.partition("?")[2]

    def narrow_as_asked() -> None:
        if "affordable=1" in asked:
            filters.set(affordable=True)

    ft.use_effect(narrow_as_asked, [asked])

    def read() -> Shelf:
        now = app.now()
        wallet = app.wallet.current()
        available = wallet.available if wallet else 0
        query = filters.query(available)
        return Shelf(
            rewards=app.catalog.search(query),
            count=app.catalog.count(query),
            total=app.catalog.total(),
            categories=[(id, app.programme.category_name(id)) for id, _count in app.catalog.categories()],
            available=wallet.available if wallet else None,
            feature=None if filters.narrows else feature(app.catalog, available, app.wallet.next_expiry(now)),
        )

    shelf = use_live(app, ("catalog", "wallet", "programme"), read)
    sheet = filter_sheet(
        app.t,
        filters,
        [kind for kind, _count in app.catalog.kinds()],
        shelf.categories,
        shelf.count,
        lambda: set_sheet_open(False),
        None if window.size == "phone" else min(_SHEET, window.height - 2 * theme.XXL),
    )
    ft.use_dialog(sheet if sheet_open else None)
    return catalog_view(app.t, window, filters, shelf, app.now(), lambda: set_sheet_open(True))


def catalog_view(
    translate: Translator, window: Window, filters: Filters, shelf: Shelf, now: datetime, on_filter: Callable[[], Any]
) -> ft.View:
    """The catalog as a page."""

    def scrolled(event: ft.OnScrollEvent) -> None:
        if event.pixels > event.max_scroll_extent - _NEAR_THE_END:
            filters.show_more(shelf.count)

    rows = ft.ListView(
        [
            _head(translate, window, filters, shelf, on_filter),
            _categories(translate, window, filters, shelf.categories),
            *_feature_card(translate, window, shelf.feature),
            *_found(translate, filters, shelf),
            *_shelves(translate, window, filters, shelf, now),
            *_turn(translate, filters, shelf),
        ],
        spacing=theme.XL if window.size != "phone" else 20,
        padding=ft.Padding.only(bottom=theme.XXL),
        expand=True,
        on_scroll=scrolled,
        scroll_interval=100,
        key=f"shelf-{filters.first}",
    )
    return page_frame("", [rows], tab="rewards", scroll=False)


def _head(
    translate: Translator, window: Window, filters: Filters, shelf: Shelf, on_filter: Callable[[], Any]
) -> ft.Control:
    title = heading(translate("catalog.title"))
    search = _search(translate, filters, shelf.total, on_filter)
    balance = [] if shelf.available is None else [_balance(translate, shelf.available)]
    if window.size == "desktop":
        return ft.Row([ft.Container(title, expand=True), ft.Container(search, width=440), *balance], spacing=theme.L)
    # Where type is large the balance moves below the title instead of breaking it.
    top = ft.Row(
        [title, *balance],
        wrap=True,
        run_spacing=theme.S,
        alignment=ft.MainAxisAlignment.SPACE_BETWEEN,
        vertical_alignment=ft.CrossAxisAlignment.CENTER,
    )
    return ft.Column([top, search], spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _balance(translate: Translator, available: int) -> ft.Control:
    return ft.Container(
        text(translate("shared.points", count=available), theme.LABEL, theme.ON_OURS_TINT),
        padding=ft.Padding.symmetric(horizontal=14, vertical=7),
        bgcolor=theme.OURS_TINT,
        border_radius=999,
        key="balance",
    )


def _search(translate: Translator, filters: Filters, total: int, on_filter: Callable[[], Any]) -> ft.Control:
    in_force = filters.in_sheet
    badge = ft.Badge(
        label=text(translate.number(in_force), theme.TINY, ft.Colors.ON_TERTIARY), bgcolor=theme.WARM,
        offset=ft.Offset(4 if translate.rtl else -4, 4),
    )  # fmt: skip
    tune = icon_button(
        ft.Icons.TUNE, translate("catalog.filters"), on_filter, badge=badge if in_force else None, key="filters"
    )
    field = ft.TextField(
        value=filters.text,
        hint_text=translate("catalog.search", count=total),
        on_change=lambda event: filters.set(text=event.control.value),
        prefix_icon=ft.Icons.SEARCH,
        filled=True,
        fill_color=theme.CARD,
        border=ft.OutlineInputBorder(side=ft.BorderSide(1, theme.LINE), border_radius=28),
        content_padding=ft.Padding.symmetric(horizontal=16, vertical=14),
        keyboard_type=ft.KeyboardType.TEXT,
        key="search",
        expand=True,
    )
    return ft.Row([field, tune], spacing=theme.S)


def _categories(
    translate: Translator, window: Window, filters: Filters, categories: Sequence[tuple[str, str]]
) -> ft.Control:
    chips = [chip(translate("catalog.all"), lambda: filters.set(category=None), selected=filters.category is None)]
    for id, name in categories:
        chips.append(chip(name, lambda _event, id=id: filters.set(category=id), selected=filters.category == id))
    if window.size == "phone":  # a finger pushes the line along; a mouse could not
        return ft.Row(chips, spacing=theme.S, scroll=ft.ScrollMode.HIDDEN, key="categories")
    return ft.Row(chips, spacing=theme.S, run_spacing=theme.S, wrap=True, key="categories")


def _feature_card(translate: Translator, window: Window, chosen: Feature | None) -> list[ft.Control]:
    if chosen is None:
        return []
    reward = chosen.reward
    day = translate.date(last_moment(chosen.expires_at), "day")
    if chosen.used == chosen.expiring:
        use = translate("catalog.uses_all", points=translate("shared.points", count=reward.points), date=day)
    else:
        use = translate("catalog.uses_some", used=translate.number(chosen.used), count=chosen.expiring, date=day)
    words = ft.Column(
        [
            text(translate("catalog.spend_first"), theme.STRONG_S, theme.ON_WARM_TINT),
            text(reward.title.in_language(translate.language), theme.SECTION, ft.Colors.ON_SURFACE),
            text(use, theme.BODY, theme.ON_WARM_TINT),
        ],
        spacing=theme.XS,
        expand=True,
    )
    bare = picture(reward, dark=False, height=116 if window.size == "phone" else 140, share=0.86)
    bare.bgcolor = ft.Colors.TRANSPARENT
    row = ft.Row([words, bare], spacing=theme.L, vertical_alignment=ft.CrossAxisAlignment.CENTER)
    return [
        card(
            row,
            on_click=lambda: go(f"/rewards/{reward.id}"),
            bgcolor=theme.WARM_TINT,
            line=False,
            padding=ft.Padding.only(left=20, right=20, top=16, bottom=16),
            key="feature",
        )
    ]


def _found(translate: Translator, filters: Filters, shelf: Shelf) -> list[ft.Control]:
    if not filters.any or not shelf.count:
        return []
    said = translate("catalog.found", count=shelf.count)
    if shelf.count > COUNTED:
        said = translate("catalog.found_more", count=COUNTED)
    count = ft.Semantics(live_region=True, content=text(said, theme.BODY, theme.QUIET))
    clear = text_button(translate("catalog.clear"), filters.clear, key="clear")
    return [ft.Row([ft.Container(count, expand=True), clear])]


def _shelves(translate: Translator, window: Window, filters: Filters, shelf: Shelf, now: datetime) -> list[ft.Control]:
    columns = _COLUMNS[window.size]
    if not shelf.total:
        return [_waiting(window, columns)]
    if not shelf.rewards:
        return [
            empty_state(
                ft.Icons.SEARCH_OFF, translate("catalog.none"), translate("catalog.none_hint"),
                translate("catalog.clear"), filters.clear,
            )
        ]  # fmt: skip
    lines = [shelf.rewards[at : at + columns] for at in range(0, len(shelf.rewards), columns)]
    return [
        _line(translate, window, tuple(_seen(translate, reward, shelf.available, now) for reward in line), columns)
        for line in lines
    ]


@dataclass(frozen=True)
class _Seen:
    """A reward as its card shows it."""

    reward: Reward
    news: str
    out_of_reach: bool


def _seen(translate: Translator, reward: Reward, available: int | None, now: datetime) -> _Seen:
    return _Seen(reward, news(translate, reward, now), available is not None and reward.points > available)


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
def _line(translate: Translator, window: Window, cards: tuple[_Seen, ...], columns: int) -> ft.Control:
    """One line of the grid; drawn anew only when one of its rewards changed, since there may be a hundred lines."""
    shown = [
        reward_card(
            translate,
            seen.reward,
            lambda _event, id=seen.reward.id: go(f"/rewards/{id}"),
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


def _turn(translate: Translator, filters: Filters, shelf: Shelf) -> list[ft.Control]:
    """Past what one screen takes: a way on, and a way back to the start."""
    buttons: list[ft.Control] = []
    if filters.first:
        buttons.append(quiet_button(translate("catalog.to_the_start"), filters.to_the_start, key="to-the-start"))
    if filters.shown == MOST_ROWS and shelf.count > filters.first + MOST_ROWS:
        last = shelf.rewards[-1]
        buttons.append(quiet_button(translate("catalog.go_on"), lambda: filters.turn_page(last), key="go-on"))
    return [ft.Row(buttons, alignment=ft.MainAxisAlignment.CENTER, spacing=theme.M)] if buttons else []
