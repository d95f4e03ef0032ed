"""The catalog's filter sheet: what can be had now, kind, category, price and order."""

from collections.abc import Callable, Sequence
from typing import Any

import flet as ft

from mirabelle.client.repositories.catalog import COUNTED
from mirabelle.client.ui.catalog.state import SORTS, Filters
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.widgets import chip, field, heading, primary_button, text, text_button
from mirabelle.contract.messages import Kind
from mirabelle.contract.translation import Translator

_POINTS_DIGITS = 9


def filter_sheet(
    translate: Translator,
    filters: Filters,
    kinds: Sequence[Kind],
    categories: Sequence[tuple[str, str]],
    count: int,
    on_close: Callable[[], Any],
    height: int | None = None,
) -> ft.BottomSheet:
    """The sheet; every change takes effect at once, and its button says how many rewards are left. `height` is in
    logical pixels; None: all there is."""
    head = ft.Row(
        [
            ft.Container(heading(translate("catalog.filters"), theme.TITLE, 2), expand=True),
            text_button(translate("catalog.clear"), filters.clear, disabled=not filters.any),
        ]
    )
    affordable = ft.Switch(
        label=translate("catalog.affordable"),
        value=filters.affordable,
        on_change=lambda event: filters.set(affordable=event.control.value),
        key="affordable",
    )
    order = [
        chip(
            translate(f"catalog.sort_{sort}"),
            lambda _event, sort=sort: filters.set(sort=sort),
            selected=filters.sort == sort,
        )
        for sort in SORTS
    ]
    groups = [
        affordable,
        _group(translate("catalog.sort"), order),
        _price(translate, filters),
        _group(translate("catalog.kind"), _kinds(translate, filters, kinds)),
        _group(translate("catalog.category"), _categories(translate, filters, categories)),
    ]
    show = translate("catalog.show", count=count) if count <= COUNTED else translate("catalog.show_more", count=COUNTED)
    done = ft.Row([ft.Container(primary_button(show, on_close), expand=True)])
    scrolling = ft.Column(groups, spacing=theme.XL, scroll=ft.ScrollMode.AUTO, expand=True)
    return ft.BottomSheet(
        ft.Container(
            ft.Column([head, scrolling, done], spacing=theme.L),
            padding=ft.Padding.only(left=24, right=24, bottom=24),
            height=height,
        ),
        on_dismiss=on_close,
        scrollable=True,
        use_safe_area=True,
        show_drag_handle=True,
    )


def _group(title: str, chips: Sequence[ft.Control]) -> ft.Control:
    return ft.Column(
        [heading(title, theme.STRONG, 3), ft.Row(list(chips), spacing=theme.S, run_spacing=theme.S, wrap=True)],
        spacing=theme.M,
    )


def _kinds(translate: Translator, filters: Filters, kinds: Sequence[Kind]) -> list[ft.Control]:
    every = chip(translate("catalog.every_kind"), lambda: filters.set(kind=None), selected=filters.kind is None)
    return [every] + [
        chip(
            kind_name(translate, kind), lambda _event, kind=kind: filters.set(kind=kind), selected=filters.kind == kind
        )
        for kind in kinds
    ]


def _categories(translate: Translator, filters: Filters, categories: Sequence[tuple[str, str]]) -> list[ft.Control]:
    every = chip(translate("catalog.all"), lambda: filters.set(category=None), selected=filters.category is None)
    return [every] + [
        chip(name, lambda _event, id=id: filters.set(category=id), selected=filters.category == id)
        for id, name in categories
    ]


def kind_name(translate: Translator, kind: Kind) -> str:
    """A kind of reward in words."""
    return translate(f"catalog.kind_{kind}")


def _price(translate: Translator, filters: Filters) -> ft.Control:
    def bound(label: str, value: int | None, change: Callable[[int | None], None], key: str) -> ft.Control:
        return field(
            label,
            "" if value is None else str(value),
            lambda event: change(whole_number(event.control.value)),
            suffix=text(translate("shared.points_word", count=value or 0), theme.SMALL, theme.QUIET),
            keyboard_type=ft.KeyboardType.NUMBER,
            max_length=_POINTS_DIGITS,
            counter="",
            expand=True,
            key=key,
        )

    low = bound(
        translate("catalog.price_from"), filters.price_min, lambda value: filters.set(price_min=value), "price-min"
    )
    high = bound(
        translate("catalog.price_to"), filters.price_max, lambda value: filters.set(price_max=value), "price-max"
    )
    return ft.Column([heading(translate("catalog.price"), theme.STRONG, 3), ft.Row([low, high])], spacing=theme.M)


def whole_number(typed: str) -> int | None:
    """The number in what was typed, in any script's digits, whatever stands between them; None where there is none."""
    digits = "".join(character for character in typed if character.isdecimal())
    return int(digits) if digits else None
