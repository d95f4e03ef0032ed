"""The catalog: pictures first, narrowed by category, words and filters, and what to spend soon on top."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.catalog.filters import filter_sheet
from mirabelle.client.ui.catalog.results import Drawn, found, screenful, shelves
from mirabelle.client.ui.catalog.state import Feature, Filters, feature, filters_of
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import fault, screen
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import (
    banner,
    card,
    chip,
    heading,
    icon_button,
    page_frame,
    picture,
    text,
    text_button,
)
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator

_NEAR_THE_END: Final = 1600  # logical pixels from the end at which the next page is fetched
_PAUSE: Final = 0.25  # seconds without a keystroke, until what is below the window is drawn, too
_SHEET: Final = 860  # logical pixels that all filters take in a wide window


@dataclass(frozen=True)
class Shelf:
    """What the catalog shows: `count` rewards match of `total`, and these are the ones on the pages that are drawn;
    where there is none, those that come nearest. `loading` are how many have come of how many."""

    pages: dict[int, list[Reward]]
    nearest: list[Reward]
    count: int
    total: int
    categories: list[tuple[str, str]]
    available: int | None
    feature: Feature | None
    loading: tuple[int, int] | None
    refused: str
    recent: list[str]


@screen
def catalog_screen() -> ft.View:
    """The catalog of this page's app."""
    return page_frame("", [_catalog()], tab="rewards", scroll=False)


@partial(fixes.component, instead=fault)
def _catalog() -> ft.Control:
    """All of the page but its frame, which a keystroke leaves as it is."""
    app, window = use_app(), use_window()
    filters, _ = ft.use_state(lambda: filters_of(app).back_at_the_top())
    sheet_open, set_sheet_open = ft.use_state(False)
    asked = ft.context.page.route.partition("?")[2]

    def narrow_as_asked() -> None:
        if "affordable=1" in asked:
            filters.set(affordable=True)

    async def go_on_after_a_pause() -> None:
        """What fills the window is drawn at each keystroke, and the rest when no other one has come for a while."""
        await asyncio.sleep(_PAUSE)
        if filters.reached == 1:
            filters.show_more()

    ft.use_effect(narrow_as_asked, [asked])
    ft.use_effect(go_on_after_a_pause, [filters.pages])

    def read() -> Shelf:
        now = app.now()
        wallet = app.wallet.current()
        available = wallet.available if wallet else 0
        query = filters.query(available)
        pages = filters.pages.read(app.catalog.search, query, filters.page, screenful(window))
        return Shelf(
            pages=pages,
            nearest=[] if any(pages.values()) else app.catalog.nearest(query),
            count=app.catalog.count(query) if filters.any or sheet_open else 0,
            total=app.catalog.total(),
            categories=[(id, app.programme.category_name(id)) for id, _count in app.catalog.categories()],
            available=wallet.available if wallet else None,
            feature=None if filters.narrows else feature(app.catalog, available, app.wallet.next_expiry(now)),
            loading=app.catalog.loading(),
            refused=app.catalog.refused(),
            recent=app.recent_searches.newest() if filters.is_searching and not filters.text else [],
        )

    def open_reward(id_: str) -> None:
        app.recent_searches.note(filters.text)
        go(f"/rewards/{id_}")

    shelf = use_live(app, ("catalog", "wallet", "programme", "searches"), read)
    sheet = None
    if sheet_open:
        sheet = filter_sheet(
            app.t,
            filters,
            [kind for kind, _count in app.catalog.kinds()],
            shelf.categories,
            shelf.count,
            lambda: set_sheet_open(False),
            None if window.size == "phone" else min(_SHEET, window.height - 2 * theme.XXL),
        )
    use_dialog(sheet)
    # The same at each draw: what is given another function is drawn anew.
    acts = Acts(ft.use_callback(open_reward, [app, filters]), lambda: set_sheet_open(True), app.recent_searches.forget)
    drawn, _ = ft.use_state(Drawn)
    return catalog_view(app.t, window, filters, shelf, app.now(), acts, drawn)


@dataclass(frozen=True)
class Acts:
    """What can be done on the page beside narrowing it."""

    on_open: Callable[[str], Any]
    on_filter: Callable[[], Any]
    on_forget: Callable[[], Any]


def catalog_view(
    translate: Translator,
    window: Window,
    filters: Filters,
    shelf: Shelf,
    now: datetime,
    acts: Acts,
    drawn: Drawn,
) -> ft.Control:
    """The catalog, from its title to the last reward."""
    spacing = theme.XL if window.size != "phone" else 20

    def scrolled(event: ft.OnScrollEvent) -> None:
        filters.look_at(event.pixels)
        if event.pixels > event.max_scroll_extent - _NEAR_THE_END:
            filters.show_more()

    head = _slots(translate, window, filters, shelf, acts, drawn, spacing)
    return ft.ListView(
        [head, *shelves(translate, window, filters, shelf, now, spacing, acts.on_open, drawn)],
        spacing=0,
        padding=ft.Padding.only(bottom=theme.XXL),
        expand=True,
        on_scroll=scrolled,
        scroll_interval=100,
        key="shelf",
    )


def _slots(
    translate: Translator, window: Window, filters: Filters, shelf: Shelf, acts: Acts, drawn: Drawn, spacing: int
) -> ft.Control:
    """What stands above the list, each part in a place of its own: one that comes or changes leaves the others."""
    look = (translate, window.size, spacing)
    narrowed = (filters.text, filters.category, filters.in_sheet)

    def slot(name: str, shows: object, draw: Callable[[], ft.Control | None]) -> ft.Control:
        def container() -> ft.Control:
            content = draw()
            return ft.Container(content, margin=None if content is None else ft.Margin.only(bottom=spacing))

        return drawn.once(name, (look, shows), container)

    parts = [
        slot(
            "head",
            (filters.text, filters.in_sheet, shelf.total, shelf.available),
            lambda: _head(translate, window, filters, shelf, acts.on_filter),
        ),
        slot("recent", shelf.recent, lambda: _recent(translate, filters, shelf.recent, acts.on_forget)),
        slot("state", (shelf.loading, shelf.refused), lambda: _state_of_the_catalog(translate, shelf)),
        slot(
            "categories",
            (filters.category, shelf.categories),
            lambda: _categories(translate, window, filters, shelf.categories),
        ),
        slot("feature", shelf.feature, lambda: _feature_card(translate, window, shelf.feature)),
        slot("found", (narrowed, shelf.count), lambda: found(translate, filters, shelf.count)),
    ]

    def column() -> ft.Control:
        return ft.Column(
            parts,
            spacing=0,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            on_size_change=lambda event: setattr(filters.pages.measured, "head", event.height),
        )

    return drawn.once("slots", [id(part) for part in parts], column)


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
        on_focus=lambda: setattr(filters, "is_searching", True),
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


def _recent(
    translate: Translator, filters: Filters, recent: Sequence[str], on_forget: Callable[[], Any]
) -> ft.Control | None:
    """What was searched for before, to be searched for again; while nothing is typed yet."""
    if not recent:
        return None
    chips = [chip(said, lambda _event, said=said: filters.set(text=said), icon=ft.Icons.HISTORY) for said in recent]
    title = ft.Row(
        [
            ft.Container(text(translate("catalog.recent"), theme.LABEL, theme.QUIET), expand=True),
            text_button(translate("catalog.forget"), on_forget, key="forget-searches"),
        ]
    )
    return ft.Column([title, ft.Row(list(chips), spacing=theme.S, run_spacing=theme.S, wrap=True)], key="recent")


def _state_of_the_catalog(translate: Translator, shelf: Shelf) -> ft.Control | None:
    """That it is still on its way, or that what came was not believed."""
    if shelf.refused:
        reason = translate(f"catalog.refused_{shelf.refused}")
        return banner(ft.Icons.GPP_MAYBE_OUTLINED, translate("catalog.refused"), reason, warm=True)
    if shelf.loading is None:
        return None
    loaded, total = shelf.loading
    said = translate("catalog.loading", count=total, loaded=translate.number(loaded))
    bar = ft.ProgressBar(value=loaded / total, border_radius=4, semantics_label=said, key="loading")
    return ft.Column([text(said, theme.SMALL, theme.QUIET), bar], spacing=theme.XS)


def _categories(
    translate: Translator, window: Window, filters: Filters, categories: Sequence[tuple[str, str]]
) -> ft.Control:
    chips = [chip(translate("catalog.all"), lambda: filters.set(category=None), selected=filters.category is None)]
    for id, name in categories:
        chips.append(chip(name, lambda _event, id=id: filters.set(category=id), selected=filters.category == id))
    if window.size == "phone":  # a finger pushes the line along; a mouse could not
        return ft.Row(chips, spacing=theme.S, scroll=ft.ScrollMode.HIDDEN, key="categories")
    return ft.Row(chips, spacing=theme.S, run_spacing=theme.S, wrap=True, key="categories")


def _feature_card(translate: Translator, window: Window, chosen: Feature | None) -> ft.Control | None:
    if chosen is None:
        return None
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
    height = 116 if window.size == "phone" else 140
    bare = picture(reward, dark=False, height=height, width=height, share=0.86)
    bare.bgcolor = ft.Colors.TRANSPARENT
    row = ft.Row([words, bare], spacing=theme.L, vertical_alignment=ft.CrossAxisAlignment.CENTER)
    return card(
        row,
        on_click=lambda: go(f"/rewards/{reward.id}"),
        bgcolor=theme.WARM_TINT,
        line=False,
        padding=ft.Padding.only(left=20, right=20, top=16, bottom=16),
        key="feature",
    )
