"""The page over all others while the app is locked, and the curtain while nobody looks: nothing of anybody is on it."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import flet as ft

from mirabelle.client.device.biometrics import Biometrics
from mirabelle.client.ui.lock.state import Typed, Waiting, read_waiting, wait_in_words
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.fixes import component
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.navigation import mark
from mirabelle.client.use_cases.app_lock import Answer
from mirabelle.contract.translation import Translator
from mirabelle.rules.lock import LONGEST_PIN

if TYPE_CHECKING:
    from mirabelle.client.app import App

ROUTE = "/locked"
WIDTH = 400


@dataclass(frozen=True)
class Door:
    """The lock as its page shows it."""

    name: str
    wait: float
    tries_left: int
    is_spent: bool
    has_owner: bool


@screen
def lock_screen() -> ft.View:
    """The door while it is closed, and else the curtain."""
    lock = use_app().lock
    is_closed = use_live(lock, (), lambda: lock.is_closed)
    return _view(_door(key="door") if is_closed else _sign())


@component
def _door() -> ft.Control:
    """Connects the door to the lock."""
    app, page = use_app(), ft.context.page
    typed, _ = ft.use_state(Typed)
    leaves, set_leaves = ft.use_state(False)
    keyhole, _ = ft.use_state(ft.Ref)
    owner, _ = ft.use_state(lambda: Biometrics(page))
    door = _use_door(app, owner)

    async def enter() -> Answer:
        pin, typed.pin = typed.pin, ""
        typed.told = await app.lock.open_with(pin)
        if typed.told == "gone":
            await app.locked_out.lock_is_gone()
        return typed.told

    async def ask_owner() -> None:
        if await owner.recognise(app.t("lock.owner_reason", name=door.name)):
            await app.lock.open_for_owner()

    async def leave() -> None:
        await app.locked_out.sign_out()
        go("/welcome")

    async def ask_at_once() -> None:
        if door.has_owner:
            await ask_owner()

    ft.use_effect(ask_at_once, [])
    ft.use_effect(partial(_type_again, typed, door, keyhole), [typed.told, door.tries_left, door.wait <= 0])
    try_pin, sign_out, recognise = use_command(enter), use_command(leave), use_command(ask_owner)
    if leaves:
        return _column(again_parts(app.t, read_waiting(app), sign_out, lambda: set_leaves(False)))
    return _column(door_parts(app.t, door, typed, keyhole, try_pin, recognise, lambda: set_leaves(True)))


async def _type_again(typed: Typed, door: Door, keyhole: ft.Ref[Any]) -> None:
    """Give the field the focus back that Enter took away."""
    if typed.told == "wrong" and door.wait <= 0 and keyhole.current is not None:
        with contextlib.suppress(RuntimeError):  # it was drawn anew, or is gone: a press on it does the same
            await keyhole.current.focus()


def _use_door(app: "App", owner: Biometrics) -> Door:
    """The lock as it is now; drawn anew each second while there is a wait."""
    lock = app.lock
    _, redraw = ft.use_state(0)
    programme = use_live(app, ("programme",), app.programme.current)
    door = use_live(
        lock,
        (),
        lambda: Door(
            name=programme.name if programme else "Mirabelle",
            wait=lock.wait,
            tries_left=lock.tries_left,
            is_spent=lock.is_spent,
            has_owner=lock.biometrics and owner.may_exist and not lock.is_spent,
        ),
    )

    async def count_down() -> None:
        while lock.is_closed and lock.wait > 0:
            await asyncio.sleep(1)
            redraw(lambda version: version + 1)

    ft.use_effect(count_down, [door.tries_left])
    return door


def door_parts(
    translate: Translator,
    door: Door,
    typed: Typed,
    keyhole: ft.Ref[Any],
    try_pin: Command,
    recognise: Command,
    on_forgotten: Callable[[], Any],
) -> list[ft.Control]:
    """The door from plain values."""
    parts = [_sign(), _title(translate("lock.closed", name=door.name))]
    if door.is_spent:
        hint = translate("lock.spent_hint")
        parts.append(widgets.banner(ft.Icons.LOCK_OUTLINE, translate("lock.spent"), hint, warm=True))
    else:
        parts += _keyhole(translate, door, typed, keyhole, try_pin)
        if door.has_owner:

            async def ask(_event: Any) -> None:
                await recognise()

            parts.append(widgets.quiet_button(translate("lock.owner"), ask, icon=ft.Icons.FINGERPRINT, key="owner"))
    way_out = widgets.primary_button if door.is_spent else widgets.text_button
    label = translate("lock.again_title" if door.is_spent else "lock.forgotten")
    parts.append(way_out(label, lambda _event: on_forgotten(), key="forgotten"))
    return parts


def _keyhole(
    translate: Translator, door: Door, typed: Typed, keyhole: ft.Ref[Any], try_pin: Command
) -> list[ft.Control]:
    may_try = typed.is_whole and door.wait <= 0 and not try_pin.running

    async def submit(event: ft.Event) -> None:
        if isinstance(event.control, ft.TextField):
            typed.pin = event.control.value or ""  # whoever types fast is ahead of what was drawn
        if typed.is_no_pin:
            typed.clear()
        elif typed.is_whole:
            await try_pin()

    parts: list[ft.Control] = [
        pin_field(
            translate("lock.pin"),
            typed,
            "pin",
            ref=keyhole,
            autofocus=True,
            on_submit=submit,
            disabled=door.wait > 0,
            text_align=ft.TextAlign.CENTER,
        ),
        widgets.primary_button(translate("lock.open"), submit, busy=try_pin.running, disabled=not may_try, key="open"),
    ]
    words = outcome(translate, typed.told, door.tries_left, door.wait, try_pin)
    if words is not None:
        parts.insert(1, words)
    return parts


def outcome(
    translate: Translator, told: Answer | None, tries_left: int, wait: float, try_pin: Command
) -> ft.Control | None:
    """What came of the last try, and how long to wait for the next one."""
    if try_pin.failed is not None:
        words = translate("lock.unreachable"), translate("lock.unreachable_hint")
        return widgets.banner(ft.Icons.ERROR_OUTLINE, *words, warm=True)
    if told == "wrong" or wait > 0:
        hint = wait_in_words(translate, wait) if wait > 0 else ""
        return widgets.banner(ft.Icons.LOCK_CLOCK, translate("lock.wrong", count=tries_left), hint, warm=True)
    return None


def pin_field(label: str, typed: Typed, name: str, **more: Any) -> ft.TextField:
    """A line for a PIN, which is shown to nobody."""
    return widgets.field(
        label,
        getattr(typed, name),
        lambda event: setattr(typed, name, event.control.value),
        password=True,
        can_reveal_password=True,
        keyboard_type=ft.KeyboardType.NUMBER,
        autocorrect=False,
        enable_suggestions=False,
        max_length=LONGEST_PIN,
        counter="",
        rtl=False,
        key=name,
        **more,
    )


def again_parts(
    translate: Translator, waiting: Waiting, sign_out: Command, on_back: Callable[[], Any]
) -> list[ft.Control]:
    """What signing in again means, and what waits unsent meanwhile."""

    async def leave(_event: Any) -> None:
        await sign_out()

    parts: list[ft.Control] = [
        _title(translate("lock.again_title")),
        widgets.text(translate("lock.again_till" if waiting.is_staff else "lock.again"), theme.BODY_L),
    ]
    if waiting.count:
        words = translate("lock.unsent", count=waiting.count)
        hint = translate("lock.unsent_kept" if waiting.is_kept else "lock.unsent_lost")
        parts.append(widgets.banner(ft.Icons.OUTBOX_OUTLINED, words, hint, warm=True))
    if sign_out.failed is not None:
        parts.append(widgets.error_card(translate, sign_out.failed))
    parts += [
        widgets.primary_button(translate("settings.sign_out"), leave, busy=sign_out.running, key="leave"),
        widgets.quiet_button(translate("shared.back"), lambda _event: on_back(), key="back"),
    ]
    return parts


def _sign() -> ft.Control:
    return ft.Row([mark(56)], alignment=ft.MainAxisAlignment.CENTER)


def _title(words: str) -> ft.Control:
    title = widgets.heading(words, theme.TITLE, text_align=ft.TextAlign.CENTER)
    return ft.Row([title], alignment=ft.MainAxisAlignment.CENTER, wrap=True)


def _column(parts: list[ft.Control]) -> ft.Control:
    return ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _view(content: ft.Control) -> ft.View:
    body = ft.Column(
        [ft.Container(content, padding=24, width=WIDTH)],
        alignment=ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        scroll=ft.ScrollMode.AUTO,
        expand=True,
    )
    return ft.View(route=ROUTE, controls=[body], padding=0, spacing=0, can_pop=False)
