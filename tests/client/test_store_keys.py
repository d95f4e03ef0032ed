"""The keys of the stores' files: never two for one file, and none that is away for a while costs anything."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirabelle.client.device.secrets import MemorySecrets
from mirabelle.client.device.store_keys import KeyGone, StoreKeys
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store
from tests.backend import Backend
from tests.client.devices import TRANSFER, Device, KeptSecrets, sign_in_by_mail, signed_in
from tests.client.old_stores import filled
from tests.client.test_sealed_store import on_disk
from tests.wire import Wire

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Slow(KeptSecrets):
    """A secret store that answers over a network, as a browser's does."""

    async def get(self, name: str) -> str | None:
        await asyncio.sleep(0)
        return await super().get(name)

    async def set(self, name: str, value: str) -> None:
        await asyncio.sleep(0)
        await super().set(name, value)


async def test_windows_that_ask_at_once_are_given_one_key(tmp_path: Path) -> None:
    browser, path = Slow(), str(tmp_path / "x.sqlite")
    given = await asyncio.gather(*(StoreKeys(browser).make(path) for _ in range(5)))
    assert set(given) == {await StoreKeys(browser).find(path)}


async def test_a_key_made_while_the_secret_store_was_away_is_found_beside_the_file_later(tmp_path: Path) -> None:
    path = str(tmp_path / "x.sqlite")
    beside = await StoreKeys(MemorySecrets()).make(path)
    assert await StoreKeys(KeptSecrets()).make(path) == beside


async def test_a_secret_store_that_is_away_once_costs_nothing(
    backend: Backend, wire: Wire, tmp_path: Path, address: str
) -> None:
    keyring = KeptSecrets()
    device = Device(tmp_path, keyring)
    async with device.on(wire.url) as app:
        who = await sign_in_by_mail(app, backend, address)
        app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
    before = on_disk(device.directory)
    device.secrets = MemorySecrets()
    async with device.on(wire.url) as app:
        with pytest.raises(KeyGone):
            await sign_in_by_mail(app, backend, address)
        assert app.session is None and before in on_disk(device.directory)
    device.secrets = keyring
    async with device.on(wire.url) as app:
        assert app.session == who and app.mishap is None and app.outbox.get("k") is not None


def test_what_no_key_opened_stays_beside_the_file_and_comes_back_with_its_key(tmp_path: Path) -> None:
    file, old, new = tmp_path / "x.sqlite", b"o" * 32, b"n" * 32
    for key, entry, mishap in ((old, "first", None), (new, "second", "set_aside"), (old, "third", "set_aside")):
        store = Store()
        assert store.switch(str(file), key) == mishap
        Outbox(store).add(entry, "transfer", "friend@example.org", TRANSFER, AT)
        store.close()
    store = Store(str(file), old)
    assert {entry.key for entry in Outbox(store).entries()} == {"first", "third"}
    store.close()
    [left] = [each for each in tmp_path.iterdir() if ".aside" in each.name]
    assert b"second" in left.read_bytes()


@pytest.mark.parametrize("scans", [0, 1])
def test_of_what_no_key_opened_only_a_tills_scans_outlive_signing_out(tmp_path: Path, scans: int) -> None:
    filled(tmp_path / "x.sqlite", scans).close()
    store = Store()
    assert store.switch(str(tmp_path / "x.sqlite"), b"n" * 32) == "set_aside"
    store.erase()
    assert {".aside" in file.name for file in tmp_path.iterdir()} == ({True} if scans else set())


async def test_a_device_whose_secret_store_is_away_says_that_what_it_keeps_is_out_of_reach(
    backend: Backend, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    secrets = device.secrets
    async with device.on(backend.url) as app:
        await signed_in(app)
    device.secrets = MemorySecrets()
    async with device.on(backend.url) as app:
        assert app.session is None and app.cannot_open == "out_of_reach"
    device.secrets = secrets
    async with device.on(backend.url) as app:
        assert app.session is not None and app.cannot_open is None
