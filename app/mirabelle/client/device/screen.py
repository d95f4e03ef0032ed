"""The device's own screen: bright and awake while a voucher is shown, as it was afterwards."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import flet as ft

log = logging.getLogger(__name__)

_FULL: Final = 1.0
_REPLY_SECONDS: Final = 5


class Screen:
    """Brightness and wakefulness of one page's device; does what the platform can and stays silent about the rest."""

    def __init__(self, page: ft.Page) -> None:
        # Flet 1.0.5 forgets services nobody refers to, and ScreenBrightness raises where it does not exist.
        self._awake = ft.Wakelock()
        self._brightness = ft.ScreenBrightness() if not page.web and page.platform.is_mobile() else None

    @property
    def can_brighten(self) -> bool:
        """Whether the app may raise the brightness itself; where not, people are told to."""
        return self._brightness is not None

    async def brighten(self) -> None:
        """Full brightness, and no sleeping."""
        await _attempt(self._awake.enable)
        if self._brightness is not None:
            await _attempt(self._brightness.set_application_screen_brightness, _FULL)

    async def restore(self) -> None:
        """Brightness and sleep as the person has set them."""
        if self._brightness is not None:
            await _attempt(self._brightness.reset_application_screen_brightness)
        await _attempt(self._awake.disable)


async def _attempt(request: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    try:
        await asyncio.wait_for(request(*arguments), _REPLY_SECONDS)
    except (RuntimeError, TimeoutError) as fault:
        log.info("the screen cannot do this: %s", fault)
