"""The alerts: what wants attention, each with the way to do something about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.times import days_between
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.app import App

_STANDINGS: Final = {
    "refused": ft.Icons.ERROR_OUTLINE,
    "waiting": ft.Icons.SCHEDULE_SEND,
    "unknown": ft.Icons.HELP_OUTLINE,
    "unclear": ft.Icons.HELP_OUTLINE,
}
_EXPIRE: Final = {"points_expire": ft.Icons.HOURGLASS_BOTTOM, "voucher_expires": ft.Icons.QR_CODE_2}


@dataclass(frozen=True)
class Row:
    """One alert in words."""

    id: str
    kind: str
    title: str
    hint: str
    action: str
    route: str


@screen
def alerts_screen() -> ft.View:
    """Connects the page to the app."""
    app = use_app()
    now = app.now()
    alerts = use_live(app, ("alerts", "wallet", "vouchers", "outbox"), lambda: app.alerts.current(now))
    return alerts_view(app.t, [in_words(app, alert, now) for alert in alerts], app.alerts.dismiss)


def in_words(app: "App", alert: Any, now: datetime) -> Row:
    """What an alert says, in the app's language."""
    translate = app.t
    day = translate.date(alert.at, form="day")
    left = translate.relative_days(days_between(now, alert.at, translate.time_zone))
    name = alert.subject.in_language(app.language)
    if alert.kind.startswith("transfer"):
        name = widgets.apart(translate, name, "\u2066")
    # What it is about may have left the store since.
    is_nameless = not name and alert.kind.startswith(("redemption", "gift"))
    title = translate(
        f"alerts.{alert.kind}_nameless" if is_nameless else f"alerts.{alert.kind}",
        count=alert.points or 0,
        name=name,
        date=widgets.kept_together(day),
    )
    return Row(
        alert.id,
        alert.kind,
        title,
        translate(f"alerts.{alert.kind}_hint", days=left),
        translate(f"alerts.{alert.kind}_action"),
        alert.route,
    )


def alerts_view(translate: Translator, rows: list[Row], on_dismiss: Callable[[str], Any]) -> ft.View:
    """The page from plain values."""
    if rows:
        controls: list[ft.Control] = [
            ft.Column(
                [_row(translate, row, on_dismiss) for row in rows],
                spacing=theme.M,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            )
        ]
    else:
        controls = [
            widgets.empty_state(
                ft.Icons.NOTIFICATIONS_NONE,
                translate("alerts.empty"),
                translate("alerts.empty_hint"),
                translate("alerts.empty_action"),
                lambda _event: go("/wallet"),
            )
        ]
    return widgets.page_frame(translate("alerts.title"), controls, tab="alerts", back="/wallet", width=680)


def _row(translate: Translator, row: Row, on_dismiss: Callable[[str], Any]) -> ft.Control:
    is_warm = row.kind in _EXPIRE
    disc = widgets.icon_disc(
        _EXPIRE.get(row.kind) or _STANDINGS[row.kind.rpartition("_")[2]],
        bgcolor=theme.WARM_TINT if is_warm else theme.BAD_TINT,
        color=theme.ON_WARM_TINT if is_warm else theme.ON_BAD_TINT,
    )
    make = widgets.warm_button if is_warm else widgets.quiet_button
    words = ft.Column(
        [
            widgets.text(row.title, theme.STRONG),
            widgets.text(row.hint, color=theme.QUIET),
            ft.Container(
                make(row.action, lambda _event: go(row.route), key=f"act-{row.id}"),
                padding=ft.Padding.only(top=theme.S),
            ),
        ],
        spacing=2,
        expand=True,
    )
    dismiss = widgets.icon_button(
        ft.Icons.CLOSE,
        translate("alerts.dismiss"),
        lambda _event: on_dismiss(row.id),
        icon_size=20,
        key=f"dismiss-{row.id}",
    )
    return widgets.card(
        ft.Row([disc, words, dismiss], spacing=theme.M, vertical_alignment=ft.CrossAxisAlignment.START),
        key=f"alert-{row.id}",
    )
