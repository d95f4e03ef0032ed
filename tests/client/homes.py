"""A device with an installed app on it: several accounts on several servers, which outlive each start."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mirabelle.client.device.preferences import Preferences
from mirabelle.client.device.secrets import MemorySecrets
from mirabelle.client.home import Home
from mirabelle.client.repositories.accounts import Account
from tests.client.devices import KeptSecrets
from tests.clock import MovableClock


class HomeDevice:
    """What outlives the app: its directory, its secrets and its preferences."""

    def __init__(self, directory: Path, secrets: MemorySecrets | None = None) -> None:
        self.directory, self.secrets, self.now = directory, secrets or KeptSecrets(), MovableClock()
        self.preferences: dict[str, str] = {}

    @asynccontextmanager
    async def on(self, demo_url: str) -> AsyncIterator[Home]:
        """The installed app as it is after its start, whose own demo is at `demo_url`."""
        preferences = Preferences(self.preferences)  # keeps them in this very dictionary
        home = Home(self.directory, self.secrets, preferences, "en", lambda: demo_url, now=self.now)
        await home.open()
        yield home
        await home.close()


async def account(home: Home) -> Account:
    """The account in use, once the list says what has become of it."""
    found = await current(home)
    assert found is not None
    return found


async def current(home: Home) -> Account | None:
    """The account in use, if anybody's is, once the list says what has become of it."""
    await home.settled()
    return home.accounts.current
