"""Signing out while the secret store does not answer: nobody goes on with the session, and it is removed in the end."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.app import App
from mirabelle.client.repositories.endings import Endings
from mirabelle.contract import sign_in as sm
from mirabelle.contract.wire import API_PREFIX
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, sign_in_by_mail, signed_in
from tests.client.homes import HomeDevice, account
from tests.client.test_erased_store import names
from tests.client.test_home import join_by_mail
from tests.wire import Wire

SIGN_OUT = f"POST {API_PREFIX}/sign-in/sign-outs"

_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from mirabelle.client.repositories.endings import Endings
async def take():
    async with Endings(Path(sys.argv[1])).turn():
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(take())
"""


class Locked(KeptSecrets):
    """A secret store that gives no session away while it is `locked`."""

    locked = False

    async def get(self, name: str) -> str | None:
        self._look(name)
        return await super().get(name)

    async def delete(self, name: str) -> None:
        self._look(name)
        await self.before("delete", name)
        await super().delete(name)

    def _look(self, name: str) -> None:
        if self.locked and name.startswith("session"):
            raise OSError("locked")

    async def set(self, name: str, value: str) -> None:
        await self.before("set", name)
        await super().set(name, value)

    async def before(self, _what: str, _name: str) -> None:
        """Happens before something is changed."""

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
        await app._end_what_is_over()  # in a round that reaches nobody
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


class Meanwhile:
    """Another window begins a session just before the secret store forgets the one that was ended."""

    def __init__(self, secrets: Locked, other: App, session: sm.Session) -> None:
        self.secrets, self.begun = secrets, asyncio.Event()
        self._other, self._session, self._task = other, session, asyncio.ensure_future(self._begin())
        secrets.before = self._before  # type: ignore[method-assign]

    async def _before(self, what: str, name: str) -> None:
        if what == "delete" and name.startswith("session") and not self.begun.is_set():
            self.begun.set()
            await asyncio.wait([self._task], timeout=0.3)

    async def _begin(self) -> None:
        await self.begun.wait()
        await self._other._sessions.begin(self._session)

    async def done(self) -> None:
        """The other window is signed in, and stays so."""
        await self._task


def answered(backend: Backend, app: App) -> sm.Session:
    """What the server tells a new visitor on the app's device."""
    answer = backend.somebody().post("/demo/sessions", {"role": "participant", "device_key": app._keys.device_public()})
    return msgspec.json.decode(answer.content, type=sm.Session)


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_session_that_another_window_begins_while_an_ended_one_is_removed_is_kept(
    backend: Backend, tmp_path: Path, secrets: Locked, is_late: bool
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app, device.on(backend.url) as other:
        await signed_in(app)
        meanwhile = Meanwhile(secrets, other, answered(backend, other))
        secrets.locked = is_late
        await app.sign_in.sign_out()
        secrets.locked = False
        await app.remove_ended()
        await meanwhile.done()
        kept = await other._sessions._kept("session.participant")
        assert kept is not None and kept.who == other.session and not app.is_ending


async def test_a_session_that_took_the_place_of_an_ended_one_is_not_taken_for_it(
    backend: Backend, tmp_path: Path, secrets: Locked
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app, device.on(backend.url) as other:
        await signed_in(app)
        who = await signed_in(other)  # in whose place nothing of the first is left
        secrets.locked = True
        await app.sign_in.sign_out()
        secrets.locked = False
        await app.remove_ended()
        assert not app.is_ending and secrets.sessions()
        await other.sync()
        assert other.session == who
        await other._sessions.renew(other._sessions.access_token() or "")
    async with device.on(backend.url) as app:
        assert app.session == who


async def test_who_signs_out_in_a_window_of_before_ends_nobody_elses_session(
    backend: Backend, tmp_path: Path, secrets: Locked
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app, device.on(backend.url) as other:
        await signed_in(app)
        who = await signed_in(other)
        await app.sign_in.sign_out()
        assert app.session is None and await other._sessions.renew(other._sessions.access_token() or "") is None
    async with device.on(backend.url) as app:
        assert app.session == who


async def test_a_session_that_is_renewed_while_another_window_ends_it_does_not_come_back(
    backend: Backend, tmp_path: Path, secrets: Locked
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app:
        await signed_in(app)
        async with device.on(backend.url) as other:
            renewing = asyncio.ensure_future(app._sessions.renew(app._sessions.access_token() or ""))
            await asyncio.sleep(0)
            await other._sessions.forget()
            refusal = await renewing
            assert refusal is not None and refusal.reason == "session_ended" and not secrets.sessions()


def put(file: Path) -> None:
    """A file where a folder should be."""
    file.write_bytes(b"")


def killed_in_its_turn(file: Path) -> None:
    """A process that has its turn, until it is killed."""
    ended = subprocess.run([sys.executable, "-c", _KILLED, str(file)], check=False)
    assert ended.returncode == -signal.SIGKILL


async def test_whose_turn_it_is_holds_for_all_windows_and_ends_with_its_process(tmp_path: Path) -> None:
    file = tmp_path / "new" / "ended.json"
    killed_in_its_turn(file)
    one, two, seen = Endings(file), Endings(file), list[str]()

    async def take(endings: Endings, name: str) -> None:
        async with endings.turn():
            seen.append(name)
            for _ in range(20):
                await asyncio.sleep(0)
            endings.add(name, "1")
            seen.append(name)

    await asyncio.gather(take(one, "a"), take(two, "b"), take(one, "c"))
    assert seen[::2] == seen[1::2] and set(two.names()) == {"a", "b", "c"}
    assert names(tmp_path / "new") == ["ended.json"]


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


async def test_a_session_of_a_server_that_is_never_opened_again_is_removed_at_the_next_start(
    backend: Backend, wire: Wire, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = HomeDevice(tmp_path, secrets)
    async with device.on(backend.url) as home:
        await join_by_mail(home, backend, wire.url, address)
        secrets.locked = True
        await home.app.sign_in.sign_out()
        await home.join(backend.url)
        await home.settled()
        secrets.locked = False
    assert secrets.sessions()
    async with device.on(backend.url) as home:
        await home.settled()
        assert home.app.server == backend.url and not secrets.sessions()


async def test_a_disk_that_takes_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    put(tmp_path / "in the way")
    async with asyncio.timeout(10), Endings(tmp_path / "in the way" / "ended.json").turn():
        assert names(tmp_path) == ["in the way"]


async def test_whoever_forgot_the_pin_is_signed_out_though_another_window_is_renewing_the_session(
    backend: Backend, tmp_path: Path, secrets: Locked
) -> None:
    device, ending = Device(tmp_path, secrets), list[asyncio.Task[None]]()
    async with device.on(backend.url) as app:
        await signed_in(app)
        async with device.on(backend.url) as other:

            async def before(what: str, name: str) -> None:
                if what == "set" and name.startswith("session") and not ending:
                    ending.append(asyncio.ensure_future(app.locked_out.sign_out()))
                    await asyncio.wait(ending, timeout=0.3)

            secrets.before = before  # type: ignore[method-assign]
            await other._sessions.renew(other._sessions.access_token() or "")
            await ending[0]
            assert not secrets.sessions()


async def test_an_account_that_another_window_signs_in_again_while_it_is_removed_stays(
    backend: Backend, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = HomeDevice(tmp_path, secrets)
    async with device.on(backend.url) as home:
        await join_by_mail(home, backend, backend.url, address)
        await home.app._sessions.leave(for_good=True)
        await home.app._session_over(is_for_good=True)
        over = await account(home)
        async with device.on(backend.url) as other:
            back = list[asyncio.Task[object]]()

            async def before(what: str, name: str) -> None:
                if what == "delete" and name == f"session.{over.id}" and not back:
                    back.append(asyncio.ensure_future(sign_in_by_mail(other.app, backend, address)))
                    await asyncio.wait(back, timeout=1)

            secrets.before = before  # type: ignore[method-assign]
            await home.forget(over)
            assert await back[0] == other.app.session and secrets.sessions() == [f"session.{over.id}"]
            await other.app.sync.quietly()
            assert other.file_of(over).exists() and [one.is_over for one in other.accounts.all] == [False]
            assert not await home.forget(over) and other.file_of(over).exists()


async def test_whoever_could_not_be_signed_out_stays_so_and_is_signed_out_the_next_time(
    backend: Backend, tmp_path: Path, secrets: Locked
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app:
        who = await signed_in(app)
        in_the_way = device.directory / "ended.new"
        in_the_way.mkdir()  # so that nothing can be written down there, as on a full disk
        secrets.locked = True
        for _ in range(2):
            with pytest.raises(IsADirectoryError):
                await app.sign_in.sign_out()
            assert app.session == who and app.wallet.current() is not None and app.offline_scans.is_open
        in_the_way.rmdir()
        secrets.locked = False
        await app.sign_in.sign_out()
        assert app.session is None and not device.files() and not secrets.sessions()


async def test_a_full_disk_that_keeps_an_ended_session_listed_keeps_nobody_from_signing_in(
    backend: Backend, tmp_path: Path, secrets: Locked, address: str
) -> None:
    device = Device(tmp_path, secrets)
    async with device.on(backend.url) as app:
        await sign_in_by_mail(app, backend, address)
        secrets.locked = True
        await app.sign_in.sign_out()
        secrets.locked = False
        Endings(device.directory / "ended.json").add("session.staff", "1")
        in_the_way = device.directory / "ended.new"
        in_the_way.mkdir()
        who = await sign_in_by_mail(app, backend, address)
        assert app.session == who and app.wallet.current() is not None
        in_the_way.rmdir()
    async with device.on(backend.url) as app:
        assert app.session == who
