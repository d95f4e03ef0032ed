"""The phone's own recognition of its owner, by finger or face. Flet 1.0.5 has none on Linux and in browsers, and on
other desktops only in programs that are built with it: there the PIN is alone."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import flet as ft

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5
OWNER_SECONDS: Final = 60


class Biometrics:
    """Asks one page's device; whatever it cannot do counts as no."""

    def __init__(self, page: "ft.Page") -> None:
        self.may_exist = not page.web and page.platform is not None and page.platform.is_mobile()

    async def work(self) -> bool:
        """Whether a finger or a face is known to the device."""
        if not self.may_exist:
            return False
        import flet_local_auth as fla

        try:
            return bool(await asyncio.wait_for(fla.LocalAuthentication().get_available_biometrics(), ANSWER_SECONDS))
        except Exception as fault:  # each platform has its own reasons not to answer
            log.info("the device cannot recognise its owner: %s", type(fault).__name__)
            return False

    async def recognise(self, reason: str) -> bool:
        """Have the device look whether this is its owner; `reason` is what it tells them."""
        if not self.may_exist:
            return False
        import flet_local_auth as fla

        try:
            asked = fla.LocalAuthentication().authenticate(reason, biometric_only=True)
            return await asyncio.wait_for(asked, OWNER_SECONDS) is True
        except Exception as fault:  # another finger, put away, no sensor: the PIN is there
            log.info("the device has not recognised its owner: %s", type(fault).__name__)
            return False
