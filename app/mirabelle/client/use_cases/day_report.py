"""A till's day: what was accepted and what it was worth, what was refused and why; on screen, as a table, on paper."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from mirabelle.client.device.pdf import Sheets
from mirabelle.client.repositories.till import Scans, known_verdict
from mirabelle.contract.till_messages import Scan
from mirabelle.contract.translation import Translator
from mirabelle.rules.programme import minor_digits
from mirabelle.rules.voucher_code import VoucherCode

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would carry out


@dataclass(frozen=True, slots=True)
class DayReport:
    """The scans of one local day, oldest first, and what they come to. `value_minor` is in minor units."""

    day: date
    scans: Sequence[Scan]
    accepted: int
    value_minor: int
    offline: int
    undone: int
    refused: Mapping[str, int]
    conflicts: int
    points_lost: int


def day_report(scans: Scans, day: date, zone: tzinfo) -> DayReport:
    """The report of `day` in `zone`."""
    begin = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return summed_up(day, scans.between(begin, end))


def summed_up(day: date, scans: Sequence[Scan]) -> DayReport:
    """What the scans of a day come to; what was undone counts as neither accepted nor refused."""
    accepted = [scan for scan in scans if scan.verdict == VoucherCode.ACCEPTED]
    kept = [scan for scan in accepted if scan.undone_at is None]
    conflicts = [scan.conflict for scan in kept if scan.conflict is not None]
    return DayReport(
        day=day,
        scans=scans,
        accepted=len(kept),
        value_minor=sum(scan.value_minor or 0 for scan in kept),
        offline=sum(scan.offline for scan in kept),
        undone=len(accepted) - len(kept),
        refused=dict(
            Counter(known_verdict(scan.verdict) for scan in scans if scan.verdict != VoucherCode.ACCEPTED).most_common()
        ),
        conflicts=len(conflicts),
        points_lost=sum(conflict.points_lost for conflict in conflicts),
    )


def as_csv(report: DayReport, translate: Translator, currency: str, zone: tzinfo) -> bytes:
    """A table of the day's scans that spreadsheets open as they are: UTF-8 with its mark, times in `zone`."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\r\n")
    names = ("time", "reward", "verdict", "value", "currency", "network", "undone", "lost", "scan")
    table.writerow([translate(f"till.column_{name}") for name in names])
    for scan in report.scans:
        lost = scan.conflict.points_lost if scan.conflict else ""
        table.writerow(
            [
                scan.at.astimezone(zone).isoformat(timespec="seconds"),
                _plain(scan.title.in_language(translate.language)),
                scan.verdict,
                _decimal(scan.value_minor, currency),
                currency,
                translate("till.column_offline" if scan.offline else "till.column_online"),
                scan.undone_at.astimezone(zone).isoformat(timespec="seconds") if scan.undone_at else "",
                lost,
                scan.id,
            ]
        )
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def as_pdf(report: DayReport, translate: Translator, currency: str, place: str, now: datetime) -> bytes:
    """The day on paper, for the till's drawer; raises CannotPrint."""
    title = translate("till.report")
    sheets = Sheets("A4", translate, title, now)
    sheets.text(title, 20, bold=True)
    sheets.text(translate.line(place, translate.date(report.day)), 11, quiet=True)
    sheets.space(4)
    for name, value in told(report, translate, currency):
        sheets.text(f"{name}: {value}", 11)
    for code, count in report.refused.items():
        refused = translate.line(translate("till.report_refused"), translate(f"reasons.verdict_{code}"))
        sheets.text(f"{refused}: {translate.number(count)}", 11, quiet=True)
    sheets.space(4)
    head = [translate(f"till.column_{name}") for name in ("time", "reward", "verdict", "value")]
    rows = [
        [
            translate.time(scan.at),
            scan.title.in_language(translate.language),
            translate("till.undone" if scan.undone_at else f"reasons.verdict_{known_verdict(scan.verdict)}"),
            translate.money(scan.value_minor, currency) if scan.value_minor else "",
        ]
        for scan in report.scans
    ]
    if rows:
        sheets.table([head, *rows], (15, 40, 30, 15))
    return sheets.content()


def told(report: DayReport, translate: Translator, currency: str) -> list[tuple[str, str]]:
    """The report in words and numbers, one line a fact; what did not happen is left out."""
    facts = [
        (translate("till.report_accepted"), translate.number(report.accepted)),
        (translate("till.report_value"), translate.money(report.value_minor, currency)),
    ]
    if report.offline:
        facts.append((translate("till.report_offline"), translate.number(report.offline)))
    if report.undone:
        facts.append((translate("till.report_undone"), translate.number(report.undone)))
    if report.conflicts:
        lost = translate("shared.points", count=report.points_lost)
        facts.append((translate("till.report_conflicts"), translate.line(translate.number(report.conflicts), lost)))
    return facts


def _plain(words: str) -> str:
    return f"'{words}" if words.startswith(_FORMULA) else words


def _decimal(minor: int | None, currency: str) -> str:
    if minor is None:
        return ""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"
