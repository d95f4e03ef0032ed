"""The day report: what this till accepted and what it was worth, what it refused and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import flet as ft

from mirabelle.client.device.files import Files
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.widgets import (
    banner,
    card,
    empty_state,
    heading,
    icon_button,
    kept_together,
    page_frame,
    quiet_button,
    text,
)
from mirabelle.client.ui.till.scans import History, history, read_history
from mirabelle.client.ui.till.state import place_of
from mirabelle.client.use_cases.day_report import DayReport, as_csv, as_pdf, day_report, told
from mirabelle.contract.translation import Translator


@dataclass(frozen=True)
class Sheet:
    """What the page shows: the report, its day against today, and the programme's currency."""

    report: DayReport
    is_today: bool
    currency: str
    shown: History


@screen
def report_screen() -> ft.View:
    """The report of this page's till."""
    app = use_app()
    files, _ = ft.use_state(Files)
    back, set_back = ft.use_state(0)
    zone = app.programme.zone()

    def read() -> Sheet:
        day = app.now().astimezone(zone).date() - timedelta(days=back)
        programme = app.programme.current()
        report = day_report(app.scans, day, zone)
        return Sheet(report, back == 0, programme.currency if programme else "", read_history(app, report.scans))

    sheet = use_live(app, ("scans", "offline_scans", "programme"), read)
    name = f"till-{sheet.report.day.isoformat()}"

    async def save_table() -> None:
        await files.hand_over(f"{name}.csv", as_csv(sheet.report, app.t, sheet.currency, zone))

    async def save_paper() -> None:
        content = as_pdf(sheet.report, app.t, sheet.currency, place_of(app).name, app.now())
        await files.hand_over(f"{name}.pdf", content)

    return report_view(
        app.t, sheet, lambda days: set_back(max(0, back + days)), use_command(save_table), use_command(save_paper)
    )


def report_view(
    translate: Translator, sheet: Sheet, on_back: Callable[[int], Any], table: Command, paper: Command
) -> ft.View:
    """The report as a page."""
    parts = [_days(translate, sheet, on_back)]
    if not sheet.report.scans:
        hint = translate("till.report_none_hint")
        parts.append(empty_state(ft.Icons.EVENT_BUSY_OUTLINED, translate("till.report_none"), hint))
    else:
        parts += [_numbers(translate, sheet), _files(translate, table, paper)]
        if table.failed is not None or paper.failed is not None:
            words = translate("till.report_failed"), translate("till.report_failed_do")
            parts.append(banner(ft.Icons.ERROR_OUTLINE, *words, warm=True))
        parts.append(history(translate, sheet.shown))
    return page_frame(translate("till.report"), parts, tab="history", back="/till/scans", width=720)


def _days(translate: Translator, sheet: Sheet, on_back: Callable[[int], Any]) -> ft.Control:
    return ft.Row(  # Flutter turns these two with the direction of reading
        [
            icon_button(ft.Icons.CHEVRON_LEFT, translate("till.day_before"), lambda: on_back(1), key="day-before"),
            ft.Container(
                heading(_day_told(translate, sheet.report.day), theme.SECTION, 2, text_align=ft.TextAlign.CENTER),
                expand=True,
                alignment=ft.Alignment.CENTER,
            ),
            icon_button(
                ft.Icons.CHEVRON_RIGHT,
                translate("till.day_after"),
                lambda: on_back(-1),
                disabled=sheet.is_today,
                key="day-after",
            ),
        ]
    )


def _day_told(translate: Translator, day: date) -> str:
    return translate.line(translate.date(day, "weekday"), kept_together(translate.date(day, "day")))


def _numbers(translate: Translator, sheet: Sheet) -> ft.Control:
    report = sheet.report
    rows: list[ft.Control] = [_fact(*fact) for fact in told(report, translate, sheet.currency)]
    if report.refused:
        rows += [
            ft.Divider(),
            _fact(translate("till.report_refused"), translate.number(sum(report.refused.values()))),
            *(
                _fact(translate(f"reasons.verdict_{code}"), translate.number(count), quiet=True)
                for code, count in report.refused.items()
            ),
        ]
    return card(ft.Column(rows, spacing=theme.S), key="numbers")


def _fact(name: str, value: str, *, quiet: bool = False) -> ft.Control:
    style, color = (theme.BODY, theme.QUIET) if quiet else (theme.STRONG, None)
    return ft.Row([ft.Container(text(name, style, color), expand=True), text(value, style, color)])


def _files(translate: Translator, table: Command, paper: Command) -> ft.Control:
    def runs(command: Command) -> Callable[[], Any]:
        async def run() -> None:
            await command()

        return run

    return ft.Row(
        [
            quiet_button(
                translate("till.report_csv"), runs(table), icon=ft.Icons.TABLE_ROWS_OUTLINED, busy=table.running,
                key="csv",
            ),
            quiet_button(
                translate("till.report_pdf"), runs(paper), icon=ft.Icons.PRINT_OUTLINED, busy=paper.running, key="pdf"
            ),
        ],
        spacing=theme.M,
        wrap=True,
    )  # fmt: skip
