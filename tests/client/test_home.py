"""Several accounts and servers on one device: each keeps its own, none is lost, and none is mixed with another."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mirabelle.client.api import NotSent
from mirabelle.client.device.keys import open_keys
from mirabelle.client.home import Home
from mirabelle.client.repositories.accounts import DEMO, Account, Accounts, seed_name
from mirabelle.client.use_cases.bring_along import bring_along
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract.fields import Role
from tests.backend import Backend
from tests.client.devices import (
    REDEMPTION,
    Device,
    KeptSecrets,
    balance,
    confirm,
    new_address,
    sign_in_by_mail,
    signed_in,
)  # fmt: skip
from tests.client.homes import HomeDevice, account, current
from tests.client.test_kept_tills import over
from tests.client.test_uploads import accepted_offline
from tests.client.tills import Customer, till_in_sync
from tests.wire import Wire


@pytest.fixture
def device(tmp_path: Path) -> HomeDevice:
    return HomeDevice(tmp_path / "device")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Another programme's server."""
    with Backend(tmp_path_factory.mktemp("other")) as running:
        yield running


async def join_by_mail(home: Home, backend: Backend, url: str, address: str) -> Account:
    """Join the server at `url`, which leads to `backend`, and sign in there."""
    await home.join(url)
    await sign_in_by_mail(home.app, backend, address)
    await home.app.sync.quietly()
    return await account(home)


async def test_a_new_app_knows_no_server_and_asks_none(device: HomeDevice) -> None:
    async with device.on("http://127.0.0.1:9") as home:
        assert home.app.server == "" and home.app.session is None and home.accounts.all == ()


async def test_the_demo_is_one_step_away_and_is_there_again_at_the_next_start(
    device: HomeDevice, backend: Backend
) -> None:
    async with device.on(backend.url) as home:
        assert isinstance(await home.try_demo("participant"), SignedIn)
        visitor, points = await account(home), balance(home.app)
        assert visitor.server == DEMO and visitor.programme
    async with device.on(backend.url) as home:
        assert (await account(home), balance(home.app)) == (visitor, points)


async def test_a_demo_that_cannot_be_reached_leaves_everything_as_it_was(device: HomeDevice, backend: Backend) -> None:
    async with device.on("http://127.0.0.1:9") as home:
        who = await join_by_mail(home, backend, backend.url, new_address("stays"))
        with pytest.raises(NotSent):
            await home.try_demo("participant")
        assert await account(home) == who and home.app.session is not None
        assert await home.app.sync() is None


async def test_accounts_change_places_without_network_and_what_waits_in_each_is_sent_for_it_alone(
    device: HomeDevice, backend: Backend, other: Backend
) -> None:
    with Wire(backend.url) as wire:
        async with device.on(other.url) as home:
            amina = await join_by_mail(home, backend, wire.url, new_address("nour"))
            nobodys = balance(home.app)
            wire.cut()
            home.app.redeem.save_draft("croissant", home.app.redeem.draft("croissant").details)
            await confirm(home.app, "croissant")
            wire.mend()
            await home.try_demo("participant")
            demo, points = await account(home), balance(home.app)
            assert home.waiting(amina) == 1 and home.waiting(demo) == 0
            await home.app.sync()
            assert home.waiting(amina) == 1 and home.app.outbox.is_empty and balance(home.app) == points
            wire.cut()
            await home.switch(amina)
            assert home.app.session is not None and home.app.session.subject == amina.subject
            assert balance(home.app) == nobodys and len(home.app.outbox.entries()) == 1
            await home.switch(demo)
            assert balance(home.app) == points
            await home.switch(amina)
            wire.mend()
            await home.app.sync.quietly()
            assert [entry.state for entry in home.app.outbox.entries()] in ([], ["refused"])
            assert set(home.accounts.all) == {amina, demo}


async def test_one_person_on_two_servers_has_two_files_two_keys_and_two_seeds(
    device: HomeDevice, backend: Backend
) -> None:
    """One server under two addresses: to the app they are two, whose subjects have the same ids."""
    with Wire(backend.url) as wire:
        async with device.on(backend.url) as home:
            lina = new_address("lina")
            here = await join_by_mail(home, backend, backend.url, lina)
            there = await join_by_mail(home, backend, wire.url, lina)
            assert here.subject == there.subject and here.id != there.id
            assert home.file_of(here).stem != home.file_of(there).stem  # by which the keys of the files go
            seeds = [(await open_keys(device.secrets, seed_name(one.server))).device_public() for one in (here, there)]
            assert len({*seeds, (await open_keys(device.secrets)).device_public()}) == 3
            await home.app.sign_in.sign_out()
            assert await current(home) is None and list(home.accounts.all) == [here]
            assert not home.file_of(there).exists() and home.file_of(here).exists()
            await home.switch(here)
            assert home.app.session is not None and await home.app.sync() is None


async def test_two_accounts_of_one_server_are_never_mixed(device: HomeDevice, backend: Backend) -> None:
    async with device.on(backend.url) as home:
        one = await join_by_mail(home, backend, backend.url, new_address("one"))
        two = await join_by_mail(home, backend, backend.url, new_address("two"))
        for who in (one, two, one):
            await home.switch(who)
            assert await home.app.sync() is None
            wallet = home.app.wallet.current()
            assert wallet is not None and wallet.participant == who.subject
        await home.app.sign_in.sign_out()
        assert await current(home) is None
    async with device.on(backend.url) as home:
        assert home.app.server == backend.url and home.app.session is None
        await home.switch(two)
        assert home.app.session is not None and await home.app.sync() is None


async def test_an_account_whose_session_is_over_stays_listed_and_what_waits_in_it_is_not_removed(
    device: HomeDevice, backend: Backend
) -> None:
    with Wire(backend.url) as wire:
        async with device.on(backend.url) as home:
            zoe = new_address("zoe")
            who = await join_by_mail(home, backend, wire.url, zoe)
            wire.cut()
            await confirm(home.app, "croissant")
            wire.mend()
            for name in [name for name in device.secrets._values if name.startswith("session.")]:
                del device.secrets._values[name]
        async with device.on(backend.url) as home:
            assert home.app.session is None and home.app.server == wire.url
            listed = await account(home)
            assert listed.id == who.id and listed.is_over
            assert home.waiting(listed) == 1 and not await home.forget(listed)
            await sign_in_by_mail(home.app, backend, zoe)
            assert await account(home) == who
            await home.app.sync.quietly()
            home.app.redeem.discard(home.app.outbox.entries()[0].key)
            for name in [name for name in device.secrets._values if name.startswith("session.")]:
                del device.secrets._values[name]
        async with device.on(backend.url) as home:
            listed = await account(home)
            assert listed.is_over and await home.forget(listed)
            assert home.accounts.all == () and not home.file_of(listed).exists()


async def test_an_account_that_is_no_more_can_be_removed_with_the_requests_that_its_person_agrees_to_lose(
    device: HomeDevice, backend: Backend
) -> None:
    async with device.on(backend.url) as home:
        await join_by_mail(home, backend, backend.url, new_address("yara"))
        home.app.outbox.add("k", "redemption", "croissant", REDEMPTION, home.app.now())
        await home.app._sessions.leave(for_good=True)
        await home.app._session_over(is_for_good=True)
        over = await account(home)
        assert over.is_over and home.waiting(over) == 1
        assert not await home.forget(over) and not await home.forget(over, agreed=0)
        assert await home.forget(over, agreed=1) and not home.file_of(over).exists()


async def test_a_till_that_is_not_in_use_is_not_told_of_as_one_that_this_device_was(
    device: HomeDevice, backend: Backend
) -> None:
    with Wire(backend.url) as wire:
        async with device.on(backend.url) as home:
            await home.join(wire.url)
            await till_in_sync(home.app)
            till = await account(home)
            await accepted_offline(home.app, wire, Customer(backend))
            await home.join(wire.url)
            assert home.app.kept_tills() == [] and home.waiting(till) == 1
            await home.switch(till)
            kept = f"session.{till.id}"
            token = (await device.secrets.get(kept) or "").partition('refresh_token":"')[2].partition('"')[0]
            assert backend.somebody().post("/sign-in/sign-outs", {"refresh_token": token}).is_success
            home.app._sessions._access_token = "one that is over"
            await over(home.app)
            assert (await account(home)).is_over
            assert [told.id for told in home.app.kept_tills()] == [till.subject]


async def earlier_device(tmp_path: Path, url: str, now: object) -> tuple[Device, dict[Role, SignedIn]]:
    """A device as earlier versions left it, with somebody in each role."""
    device = Device(tmp_path)
    device.directory = tmp_path / "demo" / "app"
    people: dict[Role, SignedIn] = {}
    for role in ("participant", "staff"):
        app = await device.start(url)
        if app.session is not None:
            app._sessions.drop()
        people[role] = await signed_in(app, role)
        await app.close()
    return device, people


async def test_sessions_of_earlier_versions_become_the_first_accounts_and_go_on_without_network(
    tmp_path: Path, wire: Wire
) -> None:
    before, people = await earlier_device(tmp_path, wire.url, None)
    async with before.on(wire.url) as app:
        points = balance(app)
    device = HomeDevice(tmp_path, before.secrets)  # type: ignore[arg-type]
    wire.cut()
    for _ in range(2):
        async with device.on(wire.url) as home:
            assert home.app.session == people["participant"] and balance(home.app) == points
            assert [one.subject for one in home.accounts.all] == [one.subject for one in people.values()]
            assert not {"session.participant", "session.staff"} & set(device.secrets._values)
    wire.mend()
    async with device.on(wire.url) as home:
        for listed in home.accounts.all:
            await home.switch(listed)
            assert await home.app.sync() is None


class FailingSecrets(KeptSecrets):
    """A secret store that does nothing more after `left` calls: the app has ended."""

    left = 10**9

    async def get(self, name: str) -> str | None:
        self._count()
        return await super().get(name)

    async def set(self, name: str, value: str) -> None:
        self._count()
        await super().set(name, value)

    async def delete(self, name: str) -> None:
        self._count()
        await super().delete(name)

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise asyncio.CancelledError


async def test_an_app_that_ends_between_any_two_steps_of_bringing_sessions_along_loses_none(tmp_path: Path) -> None:
    raw = '{"who":{"role":"%s","subject":"%s","name":"Sami","epoch":1},"refresh_token":"t-%s"}'
    for steps in itertools.count():
        secrets, file = FailingSecrets(), tmp_path / f"{steps}.sqlite"
        for role, subject in (("participant", "p-1"), ("staff", "till-1")):
            await secrets.set(f"session.{role}", raw % (role, subject, subject))
        secrets.left = steps
        with suppress(asyncio.CancelledError):
            await bring_along(Accounts(file), secrets)
        is_done, secrets.left = secrets.left >= 0, 10**9
        accounts = Accounts(file)
        await bring_along(accounts, secrets)
        assert [one.subject for one in accounts.all] == ["p-1", "till-1"]
        assert accounts.current == accounts.all[0]
        assert set(secrets._values) == {f"session.{one.id}" for one in accounts.all}
        assert all(one.subject in secrets._values[f"session.{one.id}"] for one in accounts.all)
        if is_done:
            assert steps > 6
            return


async def test_an_app_that_ends_while_somebody_signs_in_lists_nobody_or_finds_the_session(
    tmp_path: Path, backend: Backend
) -> None:
    for steps in range(6):
        secrets = FailingSecrets()
        device = HomeDevice(tmp_path / str(steps), secrets)
        async with device.on(backend.url) as home:
            await home.join(backend.url)
            secrets.left = steps
            with suppress(asyncio.CancelledError):
                await home.app.sign_in.demo("staff")
            secrets.left = 10**9
            sessions = [name for name in secrets._values if name.startswith("session.")]
            listed = dict(device.preferences)
            home.app._sessions.drop()
        device.preferences = listed
        async with device.on(backend.url) as home:
            assert [f"session.{one.id}" for one in home.accounts.all] == sessions
            assert (home.app.session is not None) == bool(sessions)
