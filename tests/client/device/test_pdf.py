"""What is printed: readable by a till, in every language, on both papers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pypdfium2
import pytest
import qrcode
import zxingcpp
from PIL import Image

from mirabelle.client.device.pdf import PAPERS, Paper, Sheets
from mirabelle.contract.translation import LANGUAGES, Translator

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZES = {"A4": (210, 297), "letter": (216, 279)}  # mm
DOTS_PER_MM = 4  # as coarse as printers were


def a_code(text: str) -> "qrcode.QRCode[object]":
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=4)
    code.add_data(text)
    return code


def sheets(paper: Paper = "A4", language: str = "en") -> Sheets:
    return Sheets(paper, Translator(language), "A page", NOW)


@contextmanager
def printed(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(content)
    yield document
    document.close()


def picture_of(content: bytes) -> Image.Image:
    with printed(content) as document:
        return document[0].render(scale=DOTS_PER_MM * 25.4 / 72).to_pil().convert("L")


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_on_paper_is_read_to_the_character(paper: Paper, language: str) -> None:
    page = sheets(paper, language)
    page.text("Mirabelle ميرابيل", 20, bold=True)
    page.code(a_code("MV1:ABC $%*+-./:"), 70)
    picture = picture_of(page.content())
    assert [side / DOTS_PER_MM for side in picture.size] == pytest.approx(SIZES[paper], abs=1)
    [found] = zxingcpp.read_barcodes(picture)
    assert found.text == "MV1:ABC $%*+-./:"


def test_arabic_begins_at_the_right_and_its_letters_are_joined() -> None:
    page = sheets("A4", "ar")
    page.text("قهوة", 40)
    word = Image.eval(picture_of(page.content()), lambda grey: 255 if grey < 128 else 0)
    left, _, right, _ = word.getbbox()
    assert right > (210 - 20) * DOTS_PER_MM and left > word.width / 2
    apart = sheets("A4", "ar")
    apart.text("\u200c".join("قهوة"), 40)  # the same letters, none joined, are wider
    unjoined = Image.eval(picture_of(apart.content()), lambda grey: 255 if grey < 128 else 0)
    assert left > unjoined.getbbox()[0]


def test_a_long_table_goes_on_under_the_names_of_its_columns() -> None:
    page = sheets()
    page.table([("Time", "Reward"), *((f"10:{n % 60:02}", "Croissant") for n in range(120))], (1, 3))
    with printed(page.content()) as document:
        texts = ["".join(one.get_textpage().get_text_range().split()) for one in document]
    assert len(texts) > 1 and all("Reward" in text for text in texts)
    assert sum(text.count("Croissant") for text in texts) == 120


def test_the_same_page_is_the_same_file() -> None:
    files = []
    for _ in range(2):
        page = sheets()
        page.text("Again")
        files.append(page.content())
    assert files[0] == files[1]
