"""Pages of paper as PDF: our fonts embedded, right-to-left where the language is, codes drawn as squares, not pictures.

Lengths are in millimetres. The same content at the same `now` makes the same file.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from mirabelle.contract.places import assets_directory
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    import qrcode

Paper = Literal["A4", "letter"]
PAPERS: Final[tuple[Paper, ...]] = ("A4", "letter")

_MARGIN: Final = 18.0
_LINE: Final = 1.45  # of the letters' height: Arabic needs it
_POINT: Final = 25.4 / 72
_INK: Final = (36, 22, 32)
_QUIET: Final = (103, 85, 98)
_RULE: Final = (218, 205, 214)
_FAMILIES: Final = {"inter": "Inter", "noto": "NotoSansArabic"}


class CannotPrint(RuntimeError):
    """This device cannot write the language as it is written."""


class Sheets:
    """Sheets of paper, filled from top to bottom; what does not fit goes on to the next. Raises CannotPrint."""

    def __init__(self, paper: Paper, translate: Translator, title: str, now: datetime) -> None:
        # Only who prints pays for loading it.
        from fpdf import FPDF

        self._rtl = translate.rtl
        self._pdf = pdf = FPDF(format=paper)
        pdf.set_creation_date(now)
        pdf.set_title(title)
        pdf.set_lang(translate.language)
        pdf.set_margin(_MARGIN)
        pdf.set_auto_page_break(True, _MARGIN)
        for family, file in _FAMILIES.items():
            for style, weight in (("", "Regular"), ("B", "SemiBold")):
                pdf.add_font(family, style, assets_directory() / "fonts" / f"{file}-{weight}.ttf")
        own, other = ("noto", "inter") if self._rtl else ("inter", "noto")
        self._family = own
        pdf.set_fallback_fonts([other], exact_match=False)
        self._shape()
        pdf.add_page()

    def _shape(self) -> None:
        """Join and turn letters as their script does. Phones have no HarfBuzz: Latin letters do without it there."""
        from fpdf.errors import FPDFException

        try:
            self._pdf.set_text_shaping(True, direction="rtl" if self._rtl else "ltr")
        except FPDFException as fault:
            if self._rtl:
                raise CannotPrint from fault

    @property
    def width(self) -> float:
        """The room between the margins."""
        return self._pdf.epw

    @property
    def left(self) -> float:
        """How much of this sheet is still free below."""
        return self._pdf.h - _MARGIN - self._pdf.get_y()

    def text(
        self, words: str, points: float = 11, *, bold: bool = False, quiet: bool = False, centred: bool = False
    ) -> None:
        """A paragraph in letters of `points`, beginning where the language begins."""
        self._letters(points, bold, quiet)
        align = "C" if centred else "R" if self._rtl else "L"
        self._pdf.multi_cell(0, points * _POINT * _LINE, words, align=align, new_x="LMARGIN", new_y="NEXT")

    def space(self, height: float) -> None:
        """Room."""
        self._pdf.ln(height)

    def rule(self) -> None:
        """A thin line across."""
        self._pdf.set_draw_color(*_RULE)
        self._pdf.set_line_width(0.3)
        self._pdf.line(_MARGIN, self._pdf.get_y(), self._pdf.w - _MARGIN, self._pdf.get_y())

    def code(self, code: "qrcode.QRCode[Any]", side: float) -> None:
        """A QR code in the middle, `side` wide with the quiet zone that it was made with."""
        modules = code.get_matrix()
        module = side / len(modules)
        x, y = (self._pdf.w - side) / 2, self._pdf.get_y()
        self._pdf.set_fill_color(0, 0, 0)
        for row, line in enumerate(modules):
            for start, length in _runs(line):
                self._pdf.rect(x + start * module, y + row * module, length * module, module, style="F")
        self._pdf.set_y(y + side)

    def table(self, rows: Sequence[Sequence[str]], widths: Sequence[float], points: float = 9.5) -> None:
        """Rows of words under the first, which names the columns and stands again on each sheet."""
        self._letters(points, bold=False, quiet=False)
        self._pdf.set_draw_color(*_RULE)
        head = _heading_style(self._family)
        aligned = "RIGHT" if self._rtl else "LEFT"
        if self._rtl:  # the first column is the rightmost one
            rows, widths = [tuple(reversed(row)) for row in rows], tuple(reversed(widths))
        with self._pdf.table(
            col_widths=tuple(widths),
            text_align=aligned,
            borders_layout="HORIZONTAL_LINES",
            headings_style=head,
            line_height=points * _POINT * _LINE,
            padding=(1, 1.5),
        ) as table:
            for row in rows:
                table.row(row)

    def content(self) -> bytes:
        """The file."""
        return bytes(self._pdf.output())

    def _letters(self, points: float, bold: bool, quiet: bool) -> None:
        self._pdf.set_font(self._family, "B" if bold else "", points)
        self._pdf.set_text_color(*(_QUIET if quiet else _INK))


def _heading_style(family: str) -> Any:
    from fpdf import FontFace

    return FontFace(family=family, emphasis="BOLD", color=_INK)


def _runs(line: Sequence[bool]) -> list[tuple[int, int]]:
    """Where the dark modules of a line begin, and how many there are together."""
    runs: list[tuple[int, int]] = []
    for at, dark in enumerate(line):
        if dark and runs and sum(runs[-1]) == at:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((at, 1))
    return runs
