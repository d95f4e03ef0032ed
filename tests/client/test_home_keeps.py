"""What happens at an unlucky moment costs nobody an account: neither its session, nor its place in the list."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from mirabelle.client.device.preferences import Preferences
from mirabelle.client.home import Home
from mirabelle.client.repositories.accounts import Account
from tests.backend import Backend
from tests.client.devices import KeptSecrets
from tests.client.homes import HomeDevice, account
from tests.client.test_home import join_by_mail


class SlowSecrets(KeptSecrets):
    """A secret store that takes its time to write a session down, where `is_slow`."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow, self.asked, self.goes_on = False, asyncio.Event(), asyncio.Event()

    async def set(self, name: str, value: str) -> None:
        if self.is_slow and name.startswith("session."):
            self.asked.set()
            await self.goes_on.wait()
        await super().set(name, value)


async def two_of_one_server(home: Home, backend: Backend) -> tuple[Account, Account]:
    """Two accounts at the same server; the second one is in use."""
    one = await join_by_mail(home, backend, backend.url, "one@example.org")
    return one, await join_by_mail(home, backend, backend.url, "two@example.org")


async def test_who_changes_account_while_its_tokens_are_renewed_keeps_the_session_they_left(
    tmp_path: Path, backend: Backend
) -> None:
    secrets = SlowSecrets()
    device = HomeDevice(tmp_path, secrets)
    async with device.on(backend.url) as home:
        one, two = await two_of_one_server(home, backend)
    before = await secrets.get(f"session.{two.id}")
    async with device.on(backend.url) as home:
        secrets.is_slow = True
        home.begin(lambda: True)  # the app starts, and renews its tokens first
        await asyncio.wait_for(secrets.asked.wait(), 30)
        await home.switch(one)
        for _ in range(9):
            await asyncio.sleep(0)  # what was under way for the other account is called off
        secrets.is_slow = False
        secrets.goes_on.set()
        await home.settled()
        assert await secrets.get(f"session.{two.id}") not in (None, before)
        await home.switch(two)
        assert await home.app.sync() is None and not (await account(home)).is_over


async def test_what_is_removed_from_a_device_leaves_no_living_session_on_it(tmp_path: Path, backend: Backend) -> None:
    device = HomeDevice(tmp_path)
    async with device.on(backend.url) as home:
        who = await join_by_mail(home, backend, backend.url, "one@example.org")
    device.secrets.forget_stores()  # the key of the file is lost; the session is not
    async with device.on(backend.url) as home:
        listed = await account(home)
        assert listed.id == who.id and listed.is_over and await home.forget(listed)
        assert home.accounts.all == () and not [name for name in device.secrets._values if name.startswith("session.")]


class SlowPreferences(Preferences):
    """A device that answers a moment later, in which `meanwhile` happens."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    async def set(self, name: str, value: str) -> None:
        self._values[name] = value
        self.meanwhile()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_joining_the_server_one_is_with_leaves_the_account_there_alive(tmp_path: Path, backend: Backend) -> None:
    device = HomeDevice(tmp_path)
    preferences = SlowPreferences(device.preferences)
    home = Home(device.directory, device.secrets, preferences, "en", lambda: backend.url, now=device.now)
    await home.open()
    who = await join_by_mail(home, backend, backend.url, "one@example.org")
    await home.settled()
    before = home.app
    preferences.meanwhile = lambda: before.store.tell("wallet")  # the account in use is still in sync
    await home.join(backend.url)
    preferences.meanwhile = lambda: None
    await home.settled()
    assert home.app is not before and list(home.accounts.all) == [who] and not who.is_over
    await home.close()
