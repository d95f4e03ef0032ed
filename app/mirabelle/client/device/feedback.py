"""What a person at the till feels and hears with a verdict, and what a screen reader says."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import flet as ft
import flet_audio as fa

log = logging.getLogger(__name__)

_REPLY_SECONDS: Final = 3

Request = Callable[[], Awaitable[Any]]


class Feedback:
    """Haptics, sound and spoken words of one page's device; each is tried, none is relied upon."""

    def __init__(self) -> None:
        # Flet 1.0.5 forgets services nobody refers to.
        self._haptics = ft.HapticFeedback()
        self._speech = ft.SemanticsService()
        stop = fa.ReleaseMode.STOP  # keeps the sound loaded, so that it can be played again
        self._rising = fa.Audio(src="sounds/accepted.wav", release_mode=stop)
        self._falling = fa.Audio(src="sounds/refused.wav", release_mode=stop)

    async def accepted(self, words: str, rtl: bool) -> None:
        """A light tap, two rising notes, and the words."""
        await self._give(self._haptics.light_impact, self._rising.play, words, rtl)

    async def refused(self, words: str, rtl: bool) -> None:
        """A long buzz, two falling notes, and the words."""
        await self._give(self._haptics.vibrate, self._falling.play, words, rtl)

    async def say(self, words: str, rtl: bool) -> None:
        """Let a screen reader say something that the eyes see change."""
        await _attempt(lambda: self._speech.announce_message(words, rtl, ft.Assertiveness.ASSERTIVE))

    async def _give(self, touch: Request, sound: Request, words: str, rtl: bool) -> None:
        await asyncio.gather(_attempt(touch), _attempt(sound), self.say(words, rtl))


async def _attempt(request: Request) -> None:
    try:
        await asyncio.wait_for(request(), _REPLY_SECONDS)
    except (RuntimeError, TimeoutError) as fault:
        log.info("no feedback of this kind: %s", fault)
