"""Screens read the store and are drawn anew when what they read changes."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import flet as ft

if TYPE_CHECKING:
    from mirabelle.client.wiring import App

T = TypeVar("T")


def use_live(app: "App", topics: Sequence[str], read: Callable[[], T]) -> T:
    """`read()` now, and again whenever one of the store's `topics` is written. It runs at each draw: keep it quick."""
    page = ft.context.page
    _, redraw = ft.use_state(0)
    value = read()
    shown: ft.Ref[Any] = ft.use_ref(None)
    shown.current = value

    def listen() -> Callable[[], None]:
        async def draw_anew() -> None:
            redraw(lambda version: version + 1)

        def changed(*_what: Any) -> None:
            page.run_task(draw_anew)  # on the page's own loop and context, whoever wrote

        unsubscribe = app.subscribe(topics, changed)
        if read() != shown.current:  # written between the first draw and now
            redraw(lambda version: version + 1)
        return unsubscribe

    ft.use_effect(listen, dependencies=[])
    return value
