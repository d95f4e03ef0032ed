"""A voucher's code as a picture: black on white in both themes, as large as a till's eye likes it."""

import io
import math
from typing import Final

import flet as ft

from mirabelle.client.device.qr import QUIET_MODULES, code_of

# 60 mm with the quiet zone. A logical pixel is 1/160 inch on phones and tablets; on other screens it is larger.
SMALLEST_PIXELS: Final = math.ceil(60 / 25.4 * 160)


def draw(frame: str) -> tuple[bytes, int]:
    """A PNG with one pixel a module, and how many modules its side has, quiet zone included."""
    code = code_of(frame, "L")
    file = io.BytesIO()
    code.make_image().save(file, "PNG")
    return file.getvalue(), code.modules_count + 2 * QUIET_MODULES


def side(modules: int, room: int, pixel_ratio: float) -> float:
    """How large to show it, in logical pixels: every module the same whole number of device pixels, at least 60 mm
    where `room` allows."""
    wanted = math.ceil(SMALLEST_PIXELS * pixel_ratio / modules)
    fits = max(1, math.floor(room * pixel_ratio / modules))
    return min(wanted, fits) * modules / pixel_ratio


def code_picture(frame: str, room: int, pixel_ratio: float, label: str) -> ft.Control:
    """The code on screen. The picture before stays until the next is drawn, so that nothing flickers."""
    png, modules = draw(frame)
    length = side(modules, room, pixel_ratio)
    return ft.Image(
        src=png,
        width=length,
        height=length,
        fit=ft.BoxFit.FILL,
        filter_quality=ft.FilterQuality.NONE,
        gapless_playback=True,
        semantics_label=label,
        key="code",
    )
