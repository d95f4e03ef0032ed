"""From pixels: the voucher's page, as Chromium really draws it, is read back from pictures a till's camera would take.

The page is photographed at 390x844 in light and dark; `scenes` says what then happens to each picture, 100 times each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.client.wiring import web_app
from mirabelle.contract.translation import Translator
from mirabelle.rules import ed25519
from mirabelle.rules.frame import Frame, holder_message, parse
from tests import chromium
from tests.backend import Backend
from tests.journeys.window import WAIT_MILLISECONDS, Window
from tests.pixels.scenes import scenes

PHONE: Final = {"width": 390, "height": 844}
REWARD, PRICE = "coffee-and-cake", 450
THEMES: Final = ("light", "dark")
SCENES: Final = 100  # of each theme
SEEDS: Final = {"light": 1, "dark": 2}


@dataclass(frozen=True)
class Shot:
    """A picture of the page, the text of the code on it, and what a camera makes of it."""

    picture: bytes
    text: str
    scenes: tuple[bytes, ...]


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shot]:
    """The page in each theme."""
    folder = tmp_path_factory.mktemp("pixels")
    with Backend(folder / "data", web_app=web_app) as served, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        context = browser.new_context(viewport=PHONE, locale="en-GB", reduced_motion="reduce")
        context.set_default_timeout(WAIT_MILLISECONDS)
        amina = Window(context.new_page(), served.url, Translator("en")).tries_the_demo()
        amina.redeems(REWARD, PRICE)
        taken = {theme: _taken(amina, theme, folder / f"{theme}.png") for theme in THEMES}
        context.close()
        browser.close()
    return taken


def _taken(amina: Window, theme: str, file: Path) -> Shot:
    amina.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    picture = amina.picture_of_code(file).read_bytes()
    return Shot(picture, read_code(picture), tuple(scenes(_grey(picture), SEEDS[theme], SCENES)))


def _grey(picture: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)


def read_by_the_till(picture: bytes) -> str:
    """What the app's own reader (zxing-cpp) finds."""
    try:
        return read_code(picture)
    except CannotRead:
        return ""


def read_by_opencv(picture: bytes) -> str:
    """What OpenCV finds by the better of its two readers; the other loses the code's corners in noise."""
    try:
        return cv2.QRCodeDetectorAruco().detectAndDecode(_grey(picture))[0]
    except cv2.error:  # it raises where it takes something else for a code
        return ""


@pytest.mark.timeout(300)  # Chromium's start, and 200 pictures
def test_a_picture_of_the_page_holds_the_frame_to_the_character(shots: dict[str, Shot]) -> None:
    for shot in shots.values():
        assert _grey(shot.picture).shape == (PHONE["height"], PHONE["width"])
        assert read_by_opencv(shot.picture) == shot.text
        shown = parse(shot.text)  # what the holder signed covers every byte, and a byte has one spelling
        assert isinstance(shown, Frame) and shown.window is not None and shown.holder_signature is not None
        message = holder_message(shown.issued, shown.window)
        assert ed25519.verify(shown.holder_key, message, shown.holder_signature)


@pytest.mark.timeout(300)
def test_the_till_reads_99_of_100_scenes(shots: dict[str, Shot]) -> None:
    assert _share(shots, read_by_the_till) >= 0.99


@pytest.mark.timeout(300)
def test_opencv_reads_90_of_100_scenes(shots: dict[str, Shot]) -> None:
    assert _share(shots, read_by_opencv) >= 0.90


def _share(shots: dict[str, Shot], read: Callable[[bytes], str]) -> float:
    """How many of all scenes are read exactly. What is read otherwise is nothing: never another text."""
    texts = [(read(scene), shot.text) for shot in shots.values() for scene in shot.scenes]
    assert len(texts) >= 200 and all(text in ("", expected) for text, expected in texts)
    return sum(text == expected for text, expected in texts) / len(texts)
