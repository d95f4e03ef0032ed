"""The activity: every change of the wallet, newest first."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any, Literal

import flet as ft

from mirabelle.client.ui.activity.rows import activity_row
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.times import days_between
from mirabelle.contract.messages import Activity
from mirabelle.contract.translation import Translator

PAGE = 60  # rows


@screen
def activity_screen() -> ft.View:
    """Connects the page to the app."""
    app = use_app()
    wanted, set_wanted = ft.use_state(PAGE)
    rows = use_live(app, ("activity",), lambda: app.wallet.activity(limit=wanted))

    async def older() -> Any:
        refusal = await app.wallet.load_older()
        set_wanted(wanted + PAGE)
        return refusal

    more = use_command(older)
    has_more = len(rows) >= wanted or app.wallet.has_older
    return activity_view(app.t, rows, app.now(), more if has_more else None, more.running, more.failed)


def activity_view(
    translate: Translator,
    rows: list[Activity],
    now: datetime,
    on_more: Callable[..., Any] | None,
    loading: bool,
    failed: Any,
) -> ft.View:
    """The page from plain values."""
    controls: list[ft.Control] = []
    if not rows:
        controls.append(
            widgets.empty_state(
                ft.Icons.RECEIPT_LONG_OUTLINED,
                translate("activity.empty"),
                translate("activity.empty_hint"),
                translate("activity.empty_action"),
                lambda _event: go("/rewards"),
            )
        )
    for name, together in groupby(rows, key=lambda row: _when(now, row.at, translate.time_zone)):
        controls.append(_group(translate(f"activity.{name}"), list(together), now))
    if failed is not None:
        controls.append(widgets.error_card(translate, failed, on_more))
    elif on_more is not None and rows:

        async def more(_event: Any) -> None:
            await on_more()

        controls.append(
            ft.Row(
                [widgets.quiet_button(translate("activity.older"), more, busy=loading)],
                alignment=ft.MainAxisAlignment.CENTER,
            )
        )
    return widgets.page_frame(translate("shared.tab_activity"), controls, tab="activity", width=760)


def _when(now: datetime, at: datetime, zone: tzinfo | None) -> Literal["today", "yesterday", "earlier"]:
    days = days_between(at, now, zone)
    if days <= 0:
        return "today"
    return "yesterday" if days == 1 else "earlier"


def _group(title: str, rows: list[Activity], now: datetime) -> ft.Control:
    lines = [activity_row(row, now, key=f"activity-{row.sequence}") for row in rows]
    return ft.Column(
        [
            widgets.heading(title, theme.STRONG_S, 2, color=theme.QUIET),
            widgets.card(ft.Column(lines, spacing=0), padding=8),
        ],
        spacing=theme.S,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
