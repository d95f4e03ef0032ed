"""What happens at an unlucky moment costs nobody an account: neither its session, nor its place in the list."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.home import Home
from mirabelle.client.repositories.accounts import Account
from mirabelle.client.use_cases.session import SignedIn
from tests.backend import Backend
from tests.client.devices import KeptSecrets, new_address
from tests.client.homes import HomeDevice, account
from tests.client.test_home import join_by_mail
from tests.wire import Wire


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
    one = await join_by_mail(home, backend, backend.url, new_address("one"))
    return one, await join_by_mail(home, backend, backend.url, new_address("two"))


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
        who = await join_by_mail(home, backend, backend.url, new_address("one"))
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
    who = await join_by_mail(home, backend, backend.url, new_address("one"))
    await home.settled()
    before = home.app
    preferences.meanwhile = lambda: before.store.tell("wallet")  # the account in use is still in sync
    await home.join(backend.url)
    preferences.meanwhile = lambda: None
    await home.settled()
    assert home.app is not before and list(home.accounts.all) == [who] and not who.is_over
    await home.close()


async def test_who_is_signing_in_is_not_taken_off_the_list_before_the_session_is_written_down(
    tmp_path: Path, backend: Backend
) -> None:
    secrets = SlowSecrets()
    async with HomeDevice(tmp_path, secrets).on(backend.url) as home:
        await home.join(backend.url)
        secrets.is_slow = True
        signing_in = asyncio.ensure_future(home.app.sign_in.demo("participant"))
        await asyncio.wait_for(secrets.asked.wait(), 30)
        home.app.store.tell("programme")  # the server that was just joined says who it is
        await home.settled()
        assert len(home.accounts.all) == 1  # else an app that ends now keeps a session that nobody knows of
        secrets.is_slow = False
        secrets.goes_on.set()
        assert isinstance(await signing_in, SignedIn)
        assert list(home.accounts.all) == [await account(home)]


async def test_a_sign_in_that_is_answered_after_a_change_of_account_does_not_take_its_place(
    tmp_path: Path, backend: Backend
) -> None:
    secrets = SlowSecrets()
    async with HomeDevice(tmp_path, secrets).on(backend.url) as home:
        one, _ = await two_of_one_server(home, backend)
        secrets.is_slow = True
        home.begin(lambda: True)
        home.app._sessions._access_token = "one that is over"
        await asyncio.wait_for(secrets.asked.wait(), 30)
        left = home.app
        await home.switch(one)  # what was left is closed only once its new tokens are written down
        listed = asyncio.Event()
        home.app.subscribe(("accounts",), lambda: listed.set() if len(home.accounts.all) == 3 else None)
        late = asyncio.ensure_future(left.sign_in.demo("participant"))
        await asyncio.wait_for(listed.wait(), 30)
        assert home.accounts.current == one and home.app.session is not None
        late.cancel()
        secrets.is_slow = False
        secrets.goes_on.set()
        await asyncio.gather(late, return_exceptions=True)
        await home.settled()
        await left.api.close()


def visitors(backend: Backend) -> int:
    """How many participants the server knows."""
    with closing(sqlite3.connect(backend.data / "mirabelle.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM participants").fetchone()[0])


async def test_a_visitor_of_the_demo_whose_answer_was_lost_is_made_once(tmp_path: Path, backend: Backend) -> None:
    with Wire(backend.url) as wire:
        async with HomeDevice(tmp_path).on(wire.url) as home:
            wire.lose_reply("POST /api/v1/demo/sessions")
            with pytest.raises(LostAnswer):
                await home.try_demo("participant")
            before = visitors(backend)
            await home.app.set_language("fr")
            assert isinstance(await home.try_demo("participant"), SignedIn)
            assert visitors(backend) == before
            assert isinstance(await home.try_demo("participant"), SignedIn)
            assert visitors(backend) == before + 1
