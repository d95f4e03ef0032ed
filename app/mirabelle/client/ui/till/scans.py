"""What this till has scanned, newest first, and what the programme did not take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import flet as ft

from mirabelle.client.repositories.offline_scans import OfflineScan
from mirabelle.client.repositories.till import known_verdict
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.client.ui.shared.widgets import (
    card,
    empty_state,
    error_card,
    icon_button,
    page_frame,
    primary_button,
    quiet_button,
    text,
    text_button,
)
from mirabelle.client.ui.till.state import Place, place_of, verdict_of
from mirabelle.client.ui.till.verdict import SHAPES
from mirabelle.contract.reasons import STATUS
from mirabelle.contract.till_messages import Conflict, Scan
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.app import App


@dataclass(frozen=True)
class History:
    """What the history shows: the scans, those of them that wait to be sent, those the programme refused."""

    place: Place
    scans: list[Scan]
    waiting: frozenset[str]
    refused: Sequence[OfflineScan]
    undoable: frozenset[str] = frozenset()


def read_history(app: "App", of: Sequence[Scan] | None = None) -> History:
    """The history of this page's till, or only the scans `of` it, newest first."""
    scans = app.scans.list() if of is None else list(reversed(of))
    return History(
        place_of(app),
        scans,
        frozenset(scan.scan for scan in app.offline_scans.unsent()),
        app.offline_scans.list("refused"),
        frozenset(scan.id for scan in scans if app.undo_scan.is_possible(scan)),
    )


@screen
def scans_screen() -> ft.View:
    """The history of this page's till."""
    app = use_app()
    shown = use_live(app, ("scans", "offline_scans", "till", "programme"), lambda: read_history(app))
    asks, set_asks = ft.use_state("")
    sync = use_command(app.sync)

    async def refresh() -> None:
        await sync()

    undo = use_command(lambda: app.undo_scan(asks))
    use_dialog(undo_dialog(app.t, undo, lambda: set_asks("")) if asks else None)
    return scans_view(app.t, shown, refresh, app.offline_scans.see, set_asks, undo)


def scans_view(
    translate: Translator,
    shown: History,
    on_refresh: Callable[[], Any],
    on_seen: Callable[[str], Any],
    on_undo: Callable[[str], Any],
    undo: Command,
) -> ft.View:
    """The history as a page."""
    actions = [
        icon_button(ft.Icons.SUMMARIZE_OUTLINED, translate("till.report"), lambda: go("/till/report"), key="report"),
        icon_button(ft.Icons.REFRESH, translate("shared.refresh"), on_refresh, key="refresh"),
    ]
    rows = history(translate, shown, on_undo) if shown.scans else nothing_yet(translate, with_action=True)
    titles = {scan.id: scan.title.in_language(translate.language) for scan in shown.scans}
    parts = [
        *([error_card(translate, undo.failed)] if undo.failed is not None else []),
        *(_refused(translate, scan, titles.get(scan.scan, ""), on_seen) for scan in shown.refused),
        rows,
    ]
    return page_frame(translate("till.history"), parts, tab="history", actions=actions, width=720)


def history(
    translate: Translator, shown: History, on_undo: Callable[[str], Any] | None = None, most: int | None = None
) -> ft.Control:
    """Scans as a list: what, the verdict in shape and words, when; what may still be undone has a button for it."""
    rows: list[ft.Control] = []
    for scan in shown.scans[:most]:
        if rows:
            rows.append(ft.Divider())
        rows.append(_row(translate, shown, scan, on_undo if scan.id in shown.undoable else None))
    return card(ft.Column(rows, spacing=0), padding=ft.Padding.symmetric(horizontal=16, vertical=4), key="history")


def nothing_yet(translate: Translator, *, with_action: bool = False) -> ft.Control:
    """No scan so far."""
    to_till = (lambda: go("/till")) if with_action else None
    return empty_state(
        ft.Icons.QR_CODE_SCANNER, translate("till.no_scans"), translate("till.no_scans_hint"),
        translate("shared.tab_scan"), to_till,
    )  # fmt: skip


def _row(translate: Translator, shown: History, scan: Scan, on_undo: Callable[[str], Any] | None) -> ft.Control:
    verdict = verdict_of(scan, scan.at)
    is_good = verdict.outcome == "accepted" and scan.undone_at is None
    color = theme.QUIET if scan.undone_at else theme.ON_GOOD_TINT if is_good else ft.Colors.ERROR
    words = translate("till.undone" if scan.undone_at else f"reasons.verdict_{verdict.code}")
    how = [translate.money(scan.value_minor, shown.place.currency)] if scan.balance and scan.value_minor else []
    how += [translate("till.was_offline")] if scan.offline else []
    how += [translate("till.waits")] if scan.id in shown.waiting else []
    title = scan.title.in_language(translate.language)
    lines = [text(title, theme.STRONG_S, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS)] if title else []
    lines.append(text(translate.line(words, *how), theme.SMALL if title else theme.STRONG_S, color))
    if scan.conflict is not None:
        lines.append(text(conflict_told(translate, shown.place, scan, scan.conflict), theme.SMALL, ft.Colors.ERROR))
    icon = ft.Icons.UNDO if scan.undone_at else SHAPES[verdict.outcome]
    when = [
        text(translate.time(scan.at), theme.LABEL_S),
        text(translate.date(scan.at, "short"), theme.SMALL, theme.QUIET),
    ]
    parts: list[ft.Control] = [
        ft.Icon(icon, size=30, color=color),
        ft.Column(lines, spacing=2, expand=True),
        ft.Column(when, spacing=2, horizontal_alignment=ft.CrossAxisAlignment.END),
    ]
    if on_undo is not None:
        parts.insert(2, text_button(translate("till.undo"), lambda: on_undo(scan.id), key=f"undo-{scan.id}"))
    row = ft.Row(parts, spacing=theme.M)
    return ft.Container(row, padding=ft.Padding.symmetric(vertical=12), key=f"scan-{scan.id}")


def conflict_told(translate: Translator, place: Place, scan: Scan, conflict: Conflict) -> str:
    """Two tills took one voucher: when and where each did, and what it cost the programme."""
    lost = translate("shared.points", count=conflict.points_lost)
    here = translate.time(scan.at)
    if conflict.other is None:
        return translate("till.conflict_void", here=here, points=lost)
    other = conflict.other
    there = translate.time(other.at)
    if other.at.date() != scan.at.date():
        here, there = translate.date_time(scan.at), translate.date_time(other.at)
    store = place.stores.get(other.store, other.store)
    which = "till.conflict_first" if conflict.is_first else "till.conflict_second"
    return translate(which, here=here, there=there, store=store, points=lost)


def _refused(translate: Translator, scan: OfflineScan, title: str, on_seen: Callable[[str], Any]) -> ft.Control:
    """A scan that the programme did not take: it stays until staff have seen it."""
    why = translate(
        f"reasons.{scan.reason}" if scan.reason in STATUS else f"reasons.verdict_{known_verdict(scan.reason)}"
    )
    words = [
        text(translate("till.upload_refused"), theme.STRONG, theme.ON_BAD_TINT),
        text(translate.line(title, translate.date_time(scan.at), why), theme.BODY, theme.ON_BAD_TINT),
        text(translate("till.upload_refused_do"), theme.BODY, theme.ON_BAD_TINT),
        ft.Row([quiet_button(translate("till.seen"), lambda: on_seen(scan.key), key=f"seen-{scan.key}")]),
    ]
    content = ft.Container(
        ft.Row(
            [
                ft.Icon(ft.Icons.REPORT_OUTLINED, color=theme.ON_BAD_TINT),
                ft.Column(words, spacing=theme.XS, expand=True),
            ],
            spacing=theme.M,
            vertical_alignment=ft.CrossAxisAlignment.START,
        ),
        padding=16,
        bgcolor=theme.BAD_TINT,
        border_radius=theme.CORNER,
        key=f"refused-{scan.key}",
    )
    return ft.Semantics(live_region=True, container=True, content=content)


def undo_dialog(translate: Translator, undo: Command, on_close: Callable[[], Any]) -> ft.AlertDialog:
    """Asks whether a scan is really to be taken back."""

    async def take_back(_event: Any) -> None:
        await undo()
        on_close()

    return ft.AlertDialog(
        title=translate("till.undo_ask"),
        content=ft.Column([text(translate("till.undo_hint"))], tight=True, width=360),
        actions=[
            text_button(translate("shared.cancel"), lambda _event: on_close(), key="keep"),
            primary_button(translate("till.undo"), take_back, busy=undo.running, key="take-back"),
        ],
        on_dismiss=lambda _event: on_close(),
    )
