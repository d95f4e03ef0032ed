"""The activity: every change of the wallet, newest first, by day."""

from collections.abc import Callable
from datetime import date, datetime
from itertools import groupby
from typing import Any

import flet as ft

from mirabelle.client.ui.activity.rows import activity_row
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
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
    for day, of_the_day in groupby(rows, key=lambda row: row.at.astimezone(translate.time_zone).date()):
        controls.append(_day(translate, day, now.astimezone(translate.time_zone).date(), list(of_the_day)))
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


def _day(translate: Translator, day: date, today: date, rows: list[Activity]) -> ft.Control:
    days = (today - day).days
    name = (
        (translate("activity.today"), translate("activity.yesterday"))[days] if 0 <= days < 2 else translate.date(day)
    )
    return ft.Column(
        [
            widgets.heading(name, theme.STRONG_S, 2, color=theme.QUIET),
            widgets.card(
                ft.Column([activity_row(row, key=f"activity-{row.sequence}") for row in rows], spacing=0), padding=8
            ),
        ],
        spacing=theme.S,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
