"""Puts pictures beside one another, so that many screens are seen at a glance."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

SHEET_WIDTH: Final = 1960
GAP: Final = 14
LABEL_HEIGHT: Final = 16
GROUND: Final = "#8A8A8A"
EDGE: Final = "#DCCAD6"
CORNER_SHARE: Final = 0.06  # of a picture's width


def write_sheet(pictures: Sequence[Path], target: Path, width: int) -> None:
    """All `pictures` on one sheet, each `width` pixels wide and named."""
    columns = max(1, (SHEET_WIDTH - GAP) // (width + GAP))
    with Image.open(pictures[0]) as first:
        height = round(first.height * width / first.width)
    rows = -(-len(pictures) // columns)
    cell = height + LABEL_HEIGHT + GAP
    sheet = Image.new("RGB", (GAP + min(columns, len(pictures)) * (width + GAP), GAP + rows * cell), GROUND)
    pen = ImageDraw.Draw(sheet)
    for index, path in enumerate(pictures):
        left, top = GAP + index % columns * (width + GAP), GAP + index // columns * cell
        with Image.open(path) as picture:
            sheet.paste(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (left, top))
        pen.text((left, top + height + 2), path.stem, fill="white")
    sheet.save(target)


def write_strip(pictures: Sequence[bytes], target: Path, height: int) -> None:
    """The `pictures` side by side as phones stand on a shelf, `height` pixels tall, on nothing."""
    shown = []
    for data in pictures:
        with Image.open(BytesIO(data)) as picture:
            width = round(picture.width * height / picture.height)
            shown.append(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    gap = height // 24
    strip = Image.new("RGBA", (sum(one.width for one in shown) + gap * (len(shown) - 1), height))
    pen = ImageDraw.Draw(strip)
    left = 0
    for one in shown:
        strip.paste(one, (left, 0), _rounded(one.size))
        pen.rounded_rectangle((left, 0, left + one.width - 1, height - 1), one.width * CORNER_SHARE, outline=EDGE)
        left += one.width + gap
    target.parent.mkdir(parents=True, exist_ok=True)
    strip.save(target, quality=88, method=6)


def _rounded(size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *mask.size), radius=size[0] * 4 * CORNER_SHARE, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)
