"""Somebody at the app's screens: the real app on the real server, its window in memory."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mirabelle.client.api import Refusal
from mirabelle.client.app import App
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.device.secrets import MemorySecrets
from mirabelle.client.ui.shell import Shell
from mirabelle.client.use_cases.redeem import Redeemed
from mirabelle.contract.messages import Details, Redemption
from tests.client.devices import confirm
from tests.headless import HeadlessApp


class Visitor:
    """A device with somebody signed in; its clock can be moved."""

    def __init__(self, url: str, directory: Path, language: str = "en") -> None:
        self.ahead = 0.0  # seconds
        self.arrived = datetime.now(UTC)
        preferences, keys = Preferences({}), Keys(secrets.token_bytes(32))
        self.app = App(url, directory, keys, MemorySecrets(), preferences, language, self.now)

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)

    def window(self, route: str, **page: Any) -> HeadlessApp:
        """A window on the app at `route`."""

        async def main(page: Any) -> None:
            await Shell(page, self.app).mount()

        return HeadlessApp(main, route=route, **page)

    async def redeem(self, reward: str, **details: str) -> Redemption:
        """Redeem `reward` as checkout does, without its screen."""
        self.app.redeem.save_draft(reward, Details(**details))
        outcome = await confirm(self.app, reward)
        assert isinstance(outcome, Redeemed), outcome
        return outcome.redemption


@asynccontextmanager
async def visitor(url: str, directory: Path, role: str = "participant", language: str = "en") -> AsyncIterator[Visitor]:
    """Somebody new in `role` (participant or staff), signed in to the demo and in sync."""
    somebody = Visitor(url, directory, language)
    try:
        assert not isinstance(await somebody.app.sign_in.demo(role), Refusal)
        await somebody.app.sync.quietly()
        somebody.arrived = somebody.now()
        yield somebody
    finally:
        await somebody.app.close()
