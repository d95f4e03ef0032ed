"""Reminders: how long before something expires, how often, and when never."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time
from typing import Any

import flet as ft

from mirabelle.client.ui.reminders.state import Draft, RemindersPage, read_reminders, with_day, with_quiet
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.contract.translation import Translator
from mirabelle.rules.reminders import DAYS_BEFORE, Choices

HOURS = range(24)
Choose = Callable[[Choices], None]


@screen
def reminders_screen() -> ft.View:
    """Connects the page to the app."""
    app = use_app()
    draft, _ = ft.use_state(Draft)
    topics = ("reminders", "wallet", "vouchers", "programme")
    page = use_live(app, topics, lambda: read_reminders(app, draft.made))

    async def look() -> None:
        draft.works = await app.tell_reminders.notifications.work()

    async def keep() -> Any:
        answer = await app.choose_reminders(page.choices, page.version)
        draft.made = None
        return answer

    command = use_command(keep)

    async def save(_event: Any) -> None:
        draft.saved = await command() is not None

    ft.use_effect(look, [])
    return reminders_view(app.t, page, draft, command, save)


def reminders_view(
    translate: Translator, page: RemindersPage, draft: Draft, command: Command, on_save: Callable[..., Any]
) -> ft.View:
    """The page from plain values."""
    controls = [
        _place(translate, page, draft.works),
        _group(translate("reminders.days"), _days(translate, page.choices, draft.choose)),
        _group(translate("reminders.often"), _often(translate, page.choices, draft.choose)),
        _group(translate("reminders.quiet"), _quiet(translate, page.choices, draft.choose)),
        widgets.text(_next(translate, page), color=theme.QUIET),
    ]
    if command.failed is not None:
        controls.append(widgets.error_card(translate, command.failed))
    if draft.saved:
        controls.append(
            ft.Semantics(live_region=True, content=widgets.text(translate("reminders.saved"), theme.STRONG))
        )
    button = widgets.primary_button(
        translate("reminders.save"), on_save, busy=command.running, disabled=draft.made is None, key="save"
    )
    return widgets.page_frame(
        translate("reminders.title"), controls, tab="settings", back="/settings", footer=button, width=680
    )


def _group(title: str, content: ft.Control) -> ft.Control:
    return ft.Column(
        [widgets.heading(title, theme.STRONG_S, 2, color=theme.QUIET), widgets.card(content)],
        spacing=theme.S,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _place(translate: Translator, page: RemindersPage, works: bool | None) -> ft.Control:
    """Where the person will read them: it is said plainly where this device has no notifications."""
    if page.where != "desktop":
        return widgets.banner(
            ft.Icons.NOTIFICATIONS_OFF_OUTLINED,
            translate("reminders.not_here"),
            translate(f"reminders.not_here_{page.where}"),
        )
    if works is False:
        return widgets.banner(
            ft.Icons.NOTIFICATIONS_OFF_OUTLINED,
            translate("reminders.not_here"),
            translate("reminders.not_here_desktop"),
            warm=True,
        )
    return widgets.banner(
        ft.Icons.NOTIFICATIONS_ACTIVE_OUTLINED, translate("reminders.here"), translate("reminders.here_hint")
    )


def _days(translate: Translator, choices: Choices, choose: Choose) -> ft.Control:
    chips = [
        widgets.chip(
            translate("reminders.days_before", count=days),
            lambda _event, days=days: choose(with_day(choices, days)),
            selected=days in choices.days,
            icon=ft.Icons.CHECK if days in choices.days else None,
        )
        for days in reversed(DAYS_BEFORE)
    ]
    hint = translate("reminders.days_hint" if choices.days else "reminders.days_none")
    return ft.Column([_chips(chips), widgets.text(hint, theme.SMALL, theme.QUIET)], spacing=theme.M)


def _often(translate: Translator, choices: Choices, choose: Choose) -> ft.Control:
    daily = widgets.chip(
        translate("reminders.daily"),
        lambda _event: choose(replace(choices, every_days=1)),
        selected=choices.every_days == 1,
    )
    weekly = widgets.chip(
        translate("reminders.weekly"),
        lambda _event: choose(replace(choices, every_days=7)),
        selected=choices.every_days == 7,
    )
    hint = widgets.text(translate("reminders.often_hint"), theme.SMALL, theme.QUIET)
    return ft.Column([_chips([daily, weekly]), hint], spacing=theme.M)


def _chips(chips: list[ft.Control]) -> ft.Control:
    return ft.Row(chips, spacing=theme.S, wrap=True, run_spacing=theme.S)


def _quiet(translate: Translator, choices: Choices, choose: Choose) -> ft.Control:
    is_quiet = choices.quiet_from != choices.quiet_to
    switch = ft.Switch(
        label=translate("reminders.quiet_on"),
        value=is_quiet,
        on_change=lambda event: choose(with_quiet(choices, event.control.value)),
        key="quiet",
    )
    parts: list[ft.Control] = [switch]
    if is_quiet:
        hours = [
            _hour(translate, "quiet_from", choices.quiet_from, choices, choose),
            _hour(translate, "quiet_to", choices.quiet_to, choices, choose),
        ]
        parts.append(ft.Row(hours, spacing=theme.M, wrap=True, run_spacing=theme.M))
    parts.append(widgets.text(translate("reminders.quiet_hint"), theme.SMALL, theme.QUIET))
    return ft.Column(parts, spacing=theme.M)


def _hour(translate: Translator, name: str, chosen: int, choices: Choices, choose: Choose) -> ft.Control:
    def changed(event: Any) -> None:
        choose(replace(choices, **{name: int(event.control.value)}))

    return ft.Dropdown(
        label=translate(f"reminders.{name}"),
        value=str(chosen),
        options=[ft.DropdownOption(key=str(hour), text=translate.time(time(hour))) for hour in HOURS],
        on_select=changed,
        menu_height=320,
        width=136,
        key=name,
    )


def _next(translate: Translator, page: RemindersPage) -> str:
    if page.is_due:
        return translate("reminders.next_due")
    if page.next_at is None:
        return translate("reminders.next_none")
    return translate("reminders.next", time=widgets.kept_together(translate.date_time(page.next_at)))
