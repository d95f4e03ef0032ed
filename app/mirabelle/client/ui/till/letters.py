"""How large a device draws letters, which Flet 1.0.5 does not tell: measured, so that no word of a verdict breaks."""

from collections.abc import Callable
from typing import Any, Final

import flet as ft

LARGE: Final = 1.3  # times the app's own size: from here on a phone has no room for everything at once
_RULER: Final = 20  # logical pixels
_CAPITAL, _OTHER = 0.72, 0.6  # widths in ems, on average at most, in bold
_LEAST: Final = 12  # logical pixels


def ruler(on_scale: Callable[[float], Any]) -> ft.Control:
    """Nothing to see or to hear; `on_scale` is told how many times larger than the app's own size letters are."""
    measured = ft.Text(
        "0",
        style=ft.TextStyle(size=_RULER, height=1),
        on_size_change=lambda event: on_scale(round(event.height / _RULER, 2)),
    )
    return ft.Container(ft.Semantics(exclude_semantics=True, content=measured), opacity=0, left=0, top=0, key="ruler")


def whole(words: str, size: float, room: float, scale: float) -> dict[str, float]:
    """What to give a text of that `size` so that its longest word fits into `room` in one piece; all in logical
    pixels."""
    ems = max((_CAPITAL if word.isupper() else _OTHER) * len(word) for word in words.split() or [" "])
    fitting = max(_LEAST, room / (ems * scale))
    return {"size": int(fitting)} if fitting < size else {}
