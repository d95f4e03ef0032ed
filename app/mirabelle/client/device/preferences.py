"""The person's choices on this device: language, theme, and that the guide was seen."""

import asyncio
import logging
from typing import Final

log = logging.getLogger(__name__)

NAMES: Final = ("language", "theme", "guide_seen")
ANSWER_SECONDS: Final = 5


class Preferences:
    """Read once when the app starts, written through; where a device cannot keep them they last as long as the app."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get(self, name: str) -> str | None:
        """The choice, if one was made."""
        return self._values.get(name)

    async def set(self, name: str, value: str) -> None:
        """Make a choice."""
        import flet as ft

        self._values[name] = value
        try:
            await asyncio.wait_for(ft.SharedPreferences().set(f"mirabelle.{name}", value), ANSWER_SECONDS)
        except Exception as fault:
            log.warning("the choice of %s could not be kept: %s", name, type(fault).__name__)


async def open_preferences() -> Preferences:
    """The choices made on this device so far."""
    import flet as ft

    storage = ft.SharedPreferences()
    try:
        asked = asyncio.gather(*(storage.get(f"mirabelle.{name}") for name in NAMES))
        kept = dict(zip(NAMES, await asyncio.wait_for(asked, ANSWER_SECONDS), strict=True))
    except Exception as fault:
        log.warning("choices made before could not be read: %s", type(fault).__name__)
        return Preferences({})
    return Preferences({name: str(value) for name, value in kept.items() if value is not None})
