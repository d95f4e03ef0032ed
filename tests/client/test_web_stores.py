"""What the server's disk keeps of browsers: a directory each, for nobody else, and gone with the session."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flet as ft
import pytest

from mirabelle.client.app import App
from mirabelle.client.device.keys import open_keys
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.repositories.kept_tills import KeptTill, kept_tills
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.sweep_web import UNSEEN, sweep_web
from mirabelle.client.wiring import WEB, page_starter, web_app
from mirabelle.contract import limits
from mirabelle.rules import fallback_code
from tests.backend import Backend
from tests.client.devices import REDEMPTION, KeptSecrets, signed_in
from tests.client.old_stores import KEY, filled
from tests.client.test_sealed_store import plain_file
from tests.headless import Device, HeadlessApp

WRONG_CODE = fallback_code.make(bytes(fallback_code.RANDOM_BYTES))
Start = Callable[..., HeadlessApp]


@pytest.fixture
def browser(backend: Backend, tmp_path: Path) -> Start:
    """Opens the app in a browser."""

    def at(device: Device, route: str = "/", **page: str) -> HeadlessApp:
        starter = page_starter(backend.url, tmp_path)
        return HeadlessApp(starter, route=route, device=device, web=True, platform="linux", **page)

    return at


def left(folder: Path) -> list[str]:
    """The directories of browsers, and what is in them."""
    return sorted(str(path.relative_to(folder / WEB)) for path in (folder / WEB).rglob("*"))


def modes(folder: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in (folder / WEB, *(folder / WEB).iterdir())}


async def sign_in(app: HeadlessApp) -> None:
    await app.tap(app.one(key="try-participant"))
    await app.until(lambda: app.page.route == "/guide")


async def sign_out(app: HeadlessApp) -> None:
    await app.go("/settings")
    await app.tap(app.one(key="sign-out"))
    await app.tap(app.one(key="leave", root=app.dialog))
    await app.until(lambda: app.all(key="try-participant"))


async def test_each_browser_has_a_directory_for_nobody_else_that_goes_when_it_signs_out(
    browser: Start, tmp_path: Path
) -> None:
    one, other = Device(), Device()
    async with browser(one) as first, browser(other) as second:
        await sign_in(first)
        await sign_in(second)
        assert len({path.split("/")[0] for path in left(tmp_path)}) == 2
        assert modes(tmp_path) == {"0o700"}
        for device in (one, other):
            assert len([name for name in device.secrets if ".store." in name]) == 1
        await sign_out(first)
        assert len({path.split("/")[0] for path in left(tmp_path)}) == 1
        assert not [name for name in one.secrets if ".store." in name]


async def test_signing_out_in_one_window_signs_out_of_the_browser(browser: Start, tmp_path: Path) -> None:
    device = Device()
    async with browser(device) as first:
        await sign_in(first)
        device.preferences["mirabelle.guide_seen"] = "yes"
        async with browser(device) as second:
            await second.until(lambda: second.page.route == "/wallet" or not second.all(key="try-participant"))
            await sign_out(first)
            await second.until(lambda: second.all(key="try-participant"))
            assert left(tmp_path) == []


@pytest.mark.parametrize("waits", [False, True])
async def test_when_the_server_ends_the_session_only_what_waits_is_left_of_it(
    tmp_path: Path, backend: Backend, waits: bool
) -> None:
    folder, kept = tmp_path / WEB / "browser", KeptSecrets()
    app = App(backend.url, folder, await open_keys(kept), kept, Preferences({}), "en", is_elsewhere=True)
    await signed_in(app)
    if waits:
        app.outbox.add("k", "redemption", "croissant", REDEMPTION, app.now())
    session = json.loads(await kept.get("session.participant") or "")
    assert backend.somebody().post("/sign-in/sign-outs", {"refresh_token": session["refresh_token"]}).is_success
    app._sessions._access_token = "one that is over"
    await app.sync.quietly()
    await asyncio.sleep(0)  # it is settled before the screens are told
    await asyncio.gather(*app._background)
    assert app.session is None and app.wallet.current() is None
    assert bool(left(tmp_path)) is waits
    assert bool([name for name in kept._values if name.startswith("store.")]) is waits
    await app.close()


def put(folder: Path, unseen: timedelta, content: bytes = b"") -> Path:
    """What a browser left that was seen last so long ago."""
    folder.mkdir(parents=True)
    file = folder / "x.sqlite"
    file.write_bytes(content)
    then = (datetime.now(UTC) - unseen).timestamp()
    for path in (file, folder):
        os.utime(path, (then, then))
    return folder


def test_a_server_that_starts_removes_what_browsers_left_that_no_session_can_lead_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    gone = put(data / WEB / "gone", UNSEEN + timedelta(hours=1))
    here = put(data / WEB / "here", UNSEEN - timedelta(hours=1))
    with Backend(data, web_app=web_app):
        assert (gone.exists(), here.exists()) == (False, True)


def test_unsent_scans_of_a_till_are_never_swept_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scans = plain_file("till", tmp_path).read_bytes()
    till = put(tmp_path / WEB / "till", timedelta(days=400), scans)
    participant = put(tmp_path / WEB / "participant", timedelta(days=400))
    assert sweep_web(tmp_path / WEB, datetime.now(UTC)) == 1
    assert (till.exists(), participant.exists()) == (True, False)
    assert "1 unsent scans" in caplog.text


@pytest.mark.parametrize("what", ["an outbox", "set aside", "unreadable"])
def test_what_was_never_sent_and_what_cannot_be_read_is_never_swept_away(tmp_path: Path, what: str) -> None:
    content = b"\xff" * 8192 if what == "unreadable" else b""
    if what == "an outbox":
        content = plain_file("participant", tmp_path).read_bytes()
    folder = put(tmp_path / WEB / "browser", timedelta(days=400), content)
    if what == "set aside":
        put(tmp_path / "elsewhere", timedelta(days=400)).joinpath("x.sqlite").rename(folder / "x.sqlite.aside")
        os.utime(folder, (0, 0))
    assert sweep_web(tmp_path / WEB, datetime.now(UTC)) == 0 and folder.exists()


def test_a_till_is_told_of_and_spared_after_its_file_was_put_together_anew(tmp_path: Path) -> None:
    folder = tmp_path / WEB / "till"
    folder.mkdir(parents=True)
    store = filled(folder / "x.sqlite", scans=1)
    before = kept_tills(folder, signed_in="")
    store.connection.execute("INSERT INTO drafts VALUES ('x', 'y', 'not sealed')")
    store.close()
    again = Store()
    assert again.switch(str(folder / "x.sqlite"), KEY) == "rebuilt"
    again.close()
    assert kept_tills(folder, signed_in="") == before == [KeptTill("t1", "Till 1", 1)]
    for path in (folder, *folder.iterdir()):
        os.utime(path, (0, 0))
    assert sweep_web(tmp_path / WEB, datetime.now(UTC)) == 0


async def test_what_a_browser_tries_is_counted_by_the_address_that_it_is_at(browser: Start, backend: Backend) -> None:
    neighbour = backend.somebody()
    wrong = {"code": WRONG_CODE, "device_key": neighbour.device_key}
    for _ in range(limits.WRONG_ENROLMENTS_PER_MINUTE):
        assert neighbour.post("/till/enrolments", wrong).json()["code"] == "wrong_code"
    for address, told in (
        (neighbour.address, "Too many tries"),
        (backend.somebody().address, "That code does not match"),
    ):
        async with browser(Device(), "/enrol", client_ip=address) as app:
            await app.type(app.one(ft.TextField, key="code"), WRONG_CODE)
            await app.tap(app.one(key="enrol"))
            card = await app.until(lambda app=app: app.all(key="error"))
            assert app.texts(card[0])[0] == told


def test_a_store_that_is_one_of_many_keeps_few_pages_of_whichever_file_it_goes_on_with(tmp_path: Path) -> None:
    kept = {}
    for is_one_of_many in (True, False):
        store = Store(is_one_of_many=is_one_of_many)
        for name in ("a", "b"):
            store.switch(str(tmp_path / name), KEY)
        kept[is_one_of_many] = store.read.execute("PRAGMA cache_size").fetchone()[0]
        store.close()
    assert 0 < kept[True] <= 16, kept
    assert kept[False] != kept[True], kept
