"""Choosing the lock: a PIN, after how long it closes, and whom else it opens to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import flet as ft

from mirabelle.client.device.biometrics import Biometrics
from mirabelle.client.ui.lock.screen import outcome, pin_field
from mirabelle.client.ui.lock.state import Typed
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.use_cases.app_lock import Answer, AppLock
from mirabelle.contract.translation import Translator
from mirabelle.rules.lock import AWAY_MINUTES, PIN_DIGITS


@dataclass(frozen=True)
class LockPage:
    """The lock as its settings show it; `limits` names the words about what it does not protect against."""

    is_on: bool
    minutes: int
    biometrics: bool
    has_biometrics: bool
    tries_left: int
    wait: float
    limits: str


@dataclass(frozen=True)
class Deeds:
    """What can be done about the lock."""

    choose: Command
    change: Command
    turn_off: Command
    set_minutes: Callable[[int], Awaitable[Any]]
    set_biometrics: Callable[[bool], Awaitable[Any]]
    close: Callable[[], None]


@screen
def lock_settings_screen() -> ft.View:
    """Connects the page to the lock."""
    app, lock = use_app(), use_app().lock
    typed, _ = ft.use_state(Typed)
    minutes, set_minutes = ft.use_state(AWAY_MINUTES[1])
    biometrics, _ = ft.use_state(lambda: Biometrics(ft.context.page))
    has_biometrics, set_has_biometrics = ft.use_state(False)
    page = use_live(lock, (), lambda: _read(lock, app.secrets.kept_in, has_biometrics))

    async def look() -> None:
        set_has_biometrics(await biometrics.work())

    async def choose() -> None:
        await lock.choose(typed.new, minutes)
        typed.clear()

    async def change() -> Answer:
        typed.told = await lock.change(typed.pin, typed.new)
        typed.clear()
        return typed.told

    async def turn_off() -> Answer:
        typed.told = await lock.turn_off(typed.pin)
        typed.clear()
        return typed.told

    async def prefer(chosen: int) -> None:
        set_minutes(chosen)
        await lock.set(minutes=chosen)

    ft.use_effect(look, [])
    deeds = Deeds(
        use_command(choose),
        use_command(change),
        use_command(turn_off),
        prefer,
        lambda wanted: lock.set(biometrics=wanted),
        lock.close,
    )
    return lock_settings_view(app.t, page, typed, deeds, page.minutes if page.is_on else minutes)


def _read(lock: AppLock, kept_in: str, has_biometrics: bool) -> LockPage:
    return LockPage(
        is_on=lock.is_on,
        minutes=lock.minutes,
        biometrics=lock.biometrics,
        has_biometrics=has_biometrics,
        tries_left=lock.tries_left,
        wait=lock.wait,
        limits={"browser": "lock.limits_browser", "memory": "lock.limits_memory"}.get(kept_in, "lock.limits"),
    )


def lock_settings_view(translate: Translator, page: LockPage, typed: Typed, deeds: Deeds, minutes: int) -> ft.View:
    """The page from plain values."""
    controls: list[ft.Control] = [
        widgets.text(translate("lock.hint"), theme.BODY_L),
        widgets.text(translate(page.limits), color=theme.QUIET),
        _group(translate("lock.after"), [_minutes(translate, minutes, deeds)]),
    ]
    if not page.is_on:
        controls.append(_group(translate("lock.choose"), _new_pin(translate, typed, deeds.choose, "lock.turn_on")))
    else:
        controls.append(_group(translate("lock.on"), _standing(translate, page, deeds)))
        told = outcome(translate, typed.told, page.tries_left, page.wait, deeds.change)
        off = _command_button(translate, "lock.turn_off", deeds.turn_off, is_ready=typed.is_whole, quiet=True)
        controls.append(
            _group(
                translate("lock.change"),
                [
                    pin_field(translate("lock.current"), typed, "pin"),
                    *([told] if told is not None else []),
                    *_new_pin(translate, typed, deeds.change, "lock.change_do", is_ready=typed.is_whole),
                    off,
                ],
            )
        )
    column = ft.Column(controls, spacing=theme.XL, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(translate("lock.title"), [column], back="/settings", width=theme.READING_WIDTH)


def _group(title: str, parts: list[ft.Control]) -> ft.Control:
    stretch = ft.CrossAxisAlignment.STRETCH
    body = widgets.card(ft.Column(parts, spacing=theme.L, horizontal_alignment=stretch))
    head = widgets.heading(title, theme.STRONG_S, 2, color=theme.QUIET)
    return ft.Column([head, body], spacing=theme.S, horizontal_alignment=stretch)


def _minutes(translate: Translator, chosen: int, deeds: Deeds) -> ft.Control:
    def chip(minutes: int) -> ft.Control:
        async def choose(_event: Any) -> None:
            await deeds.set_minutes(minutes)

        return widgets.chip(translate("lock.minutes", count=minutes), choose, selected=minutes == chosen)

    return ft.Row([chip(minutes) for minutes in AWAY_MINUTES], spacing=theme.S, wrap=True, run_spacing=theme.S)


def _new_pin(
    translate: Translator, typed: Typed, deed: Command, label: str, *, is_ready: bool = True
) -> list[ft.Control]:
    fault = typed.fault
    words = translate(f"lock.fault_{fault}", count=PIN_DIGITS) if typed.new and fault else ""
    parts: list[ft.Control] = [
        pin_field(translate("lock.new"), typed, "new", helper=translate("lock.new_hint", count=PIN_DIGITS)),
        pin_field(translate("lock.again_new"), typed, "again"),
    ]
    if words and (fault != "differ" or typed.again):
        line = widgets.text(words, color=ft.Colors.ERROR)
        parts.append(ft.Semantics(live_region=True, content=line, key="pin-fault"))
    parts.append(_command_button(translate, label, deed, is_ready=is_ready and fault is None))
    return parts


def _command_button(
    translate: Translator, label: str, deed: Command, *, is_ready: bool, quiet: bool = False
) -> ft.Control:
    async def run(_event: Any) -> None:
        await deed()

    make = widgets.quiet_button if quiet else widgets.primary_button
    return make(translate(label), run, busy=deed.running, disabled=not is_ready, key=label.rpartition(".")[2])


def _standing(translate: Translator, page: LockPage, deeds: Deeds) -> list[ft.Control]:
    parts: list[ft.Control] = [
        widgets.text(translate("lock.on_hint")),
        widgets.quiet_button(
            translate("lock.now"), lambda _event: deeds.close(), icon=ft.Icons.LOCK_OUTLINE, key="lock-now"
        ),
    ]
    if page.has_biometrics:

        async def switch(_event: Any) -> None:
            await deeds.set_biometrics(not page.biometrics)

        parts.append(
            ft.Switch(label=translate("lock.biometrics"), value=page.biometrics, on_change=switch, key="biometrics")
        )
        parts.append(widgets.text(translate("lock.biometrics_hint"), theme.SMALL, theme.QUIET))
    return parts
