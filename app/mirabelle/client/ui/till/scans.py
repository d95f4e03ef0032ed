"""What this till has scanned, newest first."""

from collections.abc import Callable, Sequence
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.widgets import card, empty_state, icon_button, page_frame, text
from mirabelle.client.ui.till.state import verdict_of
from mirabelle.client.ui.till.verdict import SHAPES
from mirabelle.contract.till_messages import Scan
from mirabelle.contract.translation import Translator


@screen
def scans_screen() -> ft.View:
    """The history of this page's till."""
    app = use_app()
    scans = use_live(app, ("scans",), app.scans.list)

    sync = use_command(app.sync)

    async def refresh() -> None:
        await sync()

    return scans_view(app.t, scans, refresh)


def scans_view(translate: Translator, scans: Sequence[Scan], on_refresh: Callable[[], Any]) -> ft.View:
    """The history as a page."""
    refresh = icon_button(ft.Icons.REFRESH, translate("shared.refresh"), on_refresh, key="refresh")
    rows = history(translate, scans) if scans else nothing_yet(translate, with_action=True)
    return page_frame(translate("till.history"), [rows], tab="history", actions=[refresh], width=720)


def history(translate: Translator, scans: Sequence[Scan]) -> ft.Control:
    """Scans as a list: what, the verdict in shape and words, when."""
    rows: list[ft.Control] = []
    for scan in scans:
        if rows:
            rows.append(ft.Divider())
        rows.append(_row(translate, scan))
    return card(ft.Column(rows, spacing=0), padding=ft.Padding.symmetric(horizontal=16, vertical=4), key="history")


def nothing_yet(translate: Translator, *, with_action: bool = False) -> ft.Control:
    """No scan so far."""
    to_till = (lambda: go("/till")) if with_action else None
    return empty_state(
        ft.Icons.QR_CODE_SCANNER, translate("till.no_scans"), translate("till.no_scans_hint"),
        translate("shared.tab_scan"), to_till,
    )  # fmt: skip


def _row(translate: Translator, scan: Scan) -> ft.Control:
    verdict = verdict_of(scan, scan.at)
    is_accepted = verdict.outcome == "accepted"
    words = translate(f"reasons.verdict_{verdict.code}")
    title = scan.title.in_language(translate.language)
    lines = [
        text(title or words, theme.STRONG_S, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS),
        text(words, theme.SMALL, theme.ON_GOOD_TINT if is_accepted else ft.Colors.ERROR),
    ]
    icon = ft.Icon(SHAPES[verdict.outcome], size=30, color=theme.ON_GOOD_TINT if is_accepted else ft.Colors.ERROR)
    when = [
        text(translate.time(scan.at), theme.LABEL_S),
        text(translate.date(scan.at, "short"), theme.SMALL, theme.QUIET),
    ]
    row = ft.Row(
        [
            icon,
            ft.Column(lines[: 2 if title else 1], spacing=2, expand=True),
            ft.Column(when, spacing=2, horizontal_alignment=ft.CrossAxisAlignment.END),
        ],
        spacing=theme.M,
    )
    return ft.Container(row, padding=ft.Padding.symmetric(vertical=12), key=f"scan-{scan.id}")
