"""Screens read the store and are drawn anew when what they read changes."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import flet as ft

from mirabelle.client.ui.shared.context import EVERYWHERE, use_app, use_route, use_shell

if TYPE_CHECKING:
    from mirabelle.client.app import App

T = TypeVar("T")


def use_live(app: "App", topics: Sequence[str], read: Callable[[], T]) -> T:
    """`read()` now, and again whenever one of the store's `topics` is written. It runs at each draw: keep it quick.

    A page that another one covers is not drawn anew: it is when somebody goes back to it."""
    _, redraw = ft.use_state(0)
    shell, route = use_shell(), use_route()
    value = read()
    shown: ft.Ref[Any] = ft.use_ref(None)
    shown.current = value

    stop: ft.Ref[Callable[[], None] | None] = ft.use_ref(None)

    def changed(*_what: Any) -> None:
        if shell is not None and route not in (EVERYWHERE, shell.on_top):
            return
        redraw(lambda version: version + 1)

    def listen() -> None:
        stop.current = app.subscribe(topics, changed)
        if read() != shown.current:  # written between the first draw and now
            changed()

    def leave() -> None:
        if stop.current is not None:
            stop.current()

    # Flet 1.0.5 forgets a cleanup that the effect itself returns at the next draw: it is named here.
    ft.use_effect(listen, dependencies=[], cleanup=leave)
    return value


def use_unlocked() -> bool:
    """Whether the page may be seen: neither the lock nor its curtain lies over it."""
    lock = use_app().lock
    return use_live(lock, (), lambda: lock.is_open)


def use_dialog(dialog: ft.DialogControl | None) -> None:
    """`ft.use_dialog` beneath the lock: dialogs lie over all pages, so there is none while that is not open."""
    is_unlocked = use_unlocked()
    ft.use_dialog(dialog if is_unlocked else None)
