"""What happens at an unlucky moment costs nobody an account: neither its session, nor its place in the list."""

import asyncio
from pathlib import Path

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
