"""One change of the wallet as a row: what, why, how much; opened, which points paid and what was left."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import fixes, theme, widgets
from mirabelle.client.ui.shared.context import use_app, use_window
from mirabelle.client.ui.shared.times import days_between, last_moment
from mirabelle.contract.messages import Activity, LotShare
from mirabelle.contract.translation import Translator

ICONS: Final = {
    "earned": ft.Icons.ADD_SHOPPING_CART,
    "arrived": ft.Icons.CALL_RECEIVED,
    "spent": ft.Icons.CARD_GIFTCARD,
    "held": ft.Icons.HOURGLASS_TOP,
    "released": ft.Icons.LOCK_OPEN,
    "returned": ft.Icons.UNDO,
    "expired": ft.Icons.EVENT_BUSY,
    "clawed_back": ft.Icons.ASSIGNMENT_RETURN_OUTLINED,
    "reinstated": ft.Icons.RESTORE,
    "extended": ft.Icons.MORE_TIME,
    "given": ft.Icons.CALL_MADE,
    "received": ft.Icons.CALL_RECEIVED,
}
FROM_LOTS: Final = ("spent", "held", "expired", "clawed_back", "given")


@fixes.component
def activity_row(row: Activity, now: datetime) -> ft.Control:
    """A row that opens and closes."""
    app, window = use_app(), use_window()
    opened, set_opened = ft.use_state(False)
    return row_view(app.t, row, now, opened, lambda _event: set_opened(not opened), calm=window.calm)


def row_view(
    translate: Translator, row: Activity, now: datetime, opened: bool, on_toggle: Callable[..., Any], *, calm: bool
) -> ft.Control:
    """The row from plain values."""
    parts = [_summary(translate, row, now, opened)]
    if opened:
        parts.append(_details(translate, row))
    return ft.Semantics(
        expanded=opened,
        container=True,
        content=ft.Container(
            ft.Column(parts, spacing=0, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            padding=ft.Padding.symmetric(horizontal=8, vertical=10),
            border_radius=theme.CORNER,
            ink=True,
            on_click=on_toggle,
            tooltip=None,
            key=f"row-{row.sequence}",
            animate_size=None if calm else ft.Animation(180, ft.AnimationCurve.EASE_OUT),
        ),
    )


def amount(row: Activity) -> int:
    """The number that matters in a row: the change of the balance, else of what is on its way, else of what is held."""
    return row.points or row.pending or row.held


def title(translate: Translator, row: Activity) -> str:
    """What the change was about, or else what kind of change it was."""
    return row.subject.in_language(translate.language) or translate(f"activity.{row.kind}")


def _summary(translate: Translator, row: Activity, now: datetime, opened: bool) -> ft.Control:
    change = amount(row)
    on_the_way = row.points == 0 and row.pending > 0
    is_gain = change > 0 and not on_the_way  # else points would seem to come twice: when earned, and when they arrive
    name = title(translate, row)
    kind = translate("activity.on_the_way" if on_the_way else f"activity.{row.kind}")
    is_today = days_between(row.at, now, translate.time_zone) == 0
    when = translate.time(row.at) if is_today else widgets.kept_together(translate.date(row.at, form="short"))
    under = when if name == kind else translate.line(kind, when)
    disc = widgets.icon_disc(
        ft.Icons.SCHEDULE if on_the_way else ICONS[row.kind],
        bgcolor=theme.GOOD_TINT if is_gain else theme.OURS_TINT,
        color=theme.ON_GOOD_TINT if is_gain else theme.ON_OURS_TINT,
    )
    return ft.Row(
        [
            disc,
            ft.Column(
                [
                    widgets.text(name, theme.STRONG),
                    widgets.text(under, theme.SMALL, theme.QUIET),
                ],
                spacing=0,
                expand=True,
            ),
            widgets.text(
                widgets.signed(translate, change),
                theme.STRONG,
                theme.ON_GOOD_TINT if is_gain else theme.QUIET if on_the_way else ft.Colors.ON_SURFACE,
            ),
            ft.Icon(
                ft.Icons.EXPAND_LESS if opened else ft.Icons.EXPAND_MORE,
                size=20,
                color=theme.QUIET,
            ),
        ],
        spacing=theme.M,
    )


def _details(translate: Translator, row: Activity) -> ft.Control:
    lines = [widgets.text(translate(f"activity.why_{row.kind}"), color=theme.QUIET)]
    if row.lots:
        asks = "activity.paid_by" if row.kind in FROM_LOTS else "activity.went_to"
        lines.append(widgets.text(translate(asks), theme.STRONG_S))
        lines += [_lot_line(translate, share) for share in row.lots]
    lines.append(_pair(translate("activity.when"), translate.date_time(row.at)))
    lines.append(_pair(translate("activity.balance_after"), translate("shared.points", count=row.available_after)))
    if row.held:
        lines.append(_pair(translate("activity.held_change"), widgets.signed(translate, row.held)))
    if row.pending:
        lines.append(_pair(translate("activity.pending_change"), widgets.signed(translate, row.pending)))
    return ft.Row(
        [
            ft.Container(width=44),
            ft.Container(
                ft.Column(lines, spacing=6, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
                padding=ft.Padding.only(top=theme.S),
                expand=True,
            ),
        ],
        spacing=theme.M,
    )


def _lot_line(translate: Translator, share: LotShare) -> ft.Control:
    earned = translate.date(share.earned_at, form="long")
    if share.expires_at is None:
        where = translate("activity.lot_for_ever", earned=earned)
    else:
        where = translate(
            "activity.lot", earned=earned, expires=translate.date(last_moment(share.expires_at), form="long")
        )
    return _pair(where, translate("shared.points", count=abs(share.points)))


def _pair(name: str, value: str) -> ft.Control:
    return ft.Row(
        [
            ft.Container(widgets.text(name, theme.SMALL, theme.QUIET), expand=True),
            widgets.text(value, theme.LABEL_S),
        ],
        spacing=theme.M,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
