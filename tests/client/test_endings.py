"""Signing out while the secret store does not answer: nobody goes on with the session, and it is removed in the end."""

from pathlib import Path

import pytest

from mirabelle.contract.wire import API_PREFIX
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, sign_in_by_mail
from tests.client.homes import HomeDevice
from tests.client.test_home import join_by_mail
from tests.wire import Wire

SIGN_OUT = f"POST {API_PREFIX}/sign-in/sign-outs"


class Locked(KeptSecrets):
    """A secret store that gives no session away while it is `locked`."""

    locked = False

    async def get(self, name: str) -> str | None:
        self._look(name)
        return await super().get(name)

    async def delete(self, name: str) -> None:
        self._look(name)
        await super().delete(name)

    def _look(self, name: str) -> None:
        if self.locked and name.startswith("session"):
            raise OSError("locked")

    def sessions(self) -> list[str]:
        """The sessions that it holds."""
        return [name for name in self._values if name.startswith("session")]


@pytest.fixture
def secrets() -> Locked:
    return Locked()


async def test_who_signed_out_is_not_signed_in_at_the_next_start(
    backend: Backend, wire: Wire, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(wire.url) as app:
        await sign_in_by_mail(app, backend, address)
        secrets.locked = True
        await app.sign_in.sign_out()
        assert app.session is None and app.is_ending and secrets.sessions()
        assert wire.requests[SIGN_OUT] == 1  # what the secret store keeps is worth nothing any more
        secrets.locked = False
        await app._end_what_is_over()
        assert not app.is_ending and not secrets.sessions() and wire.requests[SIGN_OUT] == 2
    async with device.on(wire.url) as app:
        assert app.session is None
    assert not device.files()


async def test_the_next_start_tells_the_server_what_nobody_could_tell_it_before(
    backend: Backend, wire: Wire, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(wire.url) as app:
        await sign_in_by_mail(app, backend, address)
        secrets.locked = True
        wire.cut()
        await app.sign_in.sign_out()
    secrets.locked = False
    async with device.on(wire.url) as app:
        assert app.session is None and not app.is_ending and not secrets.sessions()
        wire.mend()
        await app._end_what_is_over()
        assert wire.requests[SIGN_OUT] == 1


async def test_who_signs_in_anew_stays_signed_in(
    backend: Backend, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app:
        await sign_in_by_mail(app, backend, address)
        secrets.locked = True
        await app.sign_in.sign_out()
        secrets.locked = False
        who = await sign_in_by_mail(app, backend, address)
        assert not app.is_ending
    async with device.on(backend.url) as app:
        assert app.session == who


async def test_an_installed_app_removes_it_though_it_lists_nobody_any_more(
    backend: Backend, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = HomeDevice(tmp_path, secrets)
    async with device.on(backend.url) as home:
        await join_by_mail(home, backend, backend.url, address)
        secrets.locked = True
        await home.app.sign_in.sign_out()
        await home.settled()
    secrets.locked = False
    async with device.on(backend.url) as home:
        assert home.app.session is None and not secrets.sessions()
