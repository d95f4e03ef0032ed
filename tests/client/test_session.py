"""Signing in, staying signed in, and leaving: whose store it is, and where the secrets are."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flet as ft
import pytest

from mirabelle.client.api import NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.client.device.keys import open_keys
from mirabelle.client.device.secrets import KeyringSecrets, MemorySecrets
from mirabelle.client.use_cases.redeem import Refused
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract import limits
from mirabelle.contract.messages import Details
from mirabelle.contract.reasons import Reason
from tests.backend import Backend
from tests.client.devices import Device, balance, confirm, new_address, redeemed, sign_in_by_mail, signed_in
from tests.clock import MovableClock
from tests.mails import mailed_code
from tests.wire import Wire


class ForgetfulSecrets(MemorySecrets):
    """A secret store that does not answer while `is_out`, as a browser's whose connection has dropped."""

    is_out = False

    async def get(self, name: str) -> str | None:
        self._answer()
        return await super().get(name)

    async def set(self, name: str, value: str) -> None:
        self._answer()
        await super().set(name, value)

    def _answer(self) -> None:
        if self.is_out:
            raise OSError("the secure storage cannot be used")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def own(tmp_path: Path, clock: MovableClock) -> Iterator[Backend]:
    """A server whose clock can be moved."""
    with Backend(tmp_path / "server", clock=clock) as running:
        yield running


async def _kept_token(device: Device) -> str:
    kept = await device.secrets.get("session.participant")
    assert kept is not None
    return str(json.loads(kept)["refresh_token"])


async def _end_on_server(own: Backend, device: Device, clock: MovableClock) -> None:
    """The operator ends the session; the access token works no more either."""
    body = {"refresh_token": await _kept_token(device)}
    assert own.somebody().post("/sign-in/sign-outs", body).is_success
    clock.move(minutes=11)


async def test_the_app_goes_on_where_it_was_without_network(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        who, points, rewards = await signed_in(app), balance(app), app.catalog.total()
    wire.cut()
    async with device.on(wire.url) as app:
        assert app.session == who
        assert (balance(app), app.catalog.total()) == (points, rewards)
        with pytest.raises(NotSent):
            await app.sync()
        assert app.session == who


async def test_two_windows_that_share_a_session_never_end_it(own: Backend, tmp_path: Path, clock: MovableClock) -> None:
    device = Device(tmp_path, now=clock)
    async with device.on(own.url) as one:
        await signed_in(one)
        async with device.on(own.url) as other:
            for minutes in (11, 11, 45, 700):
                clock.move(minutes=minutes)
                assert await asyncio.gather(one.sync(), other.sync()) == [None, None]
                clock.move(minutes=minutes)
                assert [await other.sync(), await one.sync()] == [None, None]
            assert one.session == other.session is not None


async def test_a_token_that_could_not_be_kept_is_not_forgotten(
    own: Backend, tmp_path: Path, clock: MovableClock
) -> None:
    secrets = ForgetfulSecrets()
    device = Device(tmp_path, secrets, now=clock)
    async with device.on(own.url) as app:
        await signed_in(app)
        before, keep = await _kept_token(device), secrets.set

        async def lose(_name: str, _value: str) -> None:
            raise OSError("the secure storage cannot be used")

        secrets.set = lose  # type: ignore[method-assign]
        for _ in range(3):
            clock.move(minutes=11)
            assert await app.sync() is None
        assert await _kept_token(device) == before
        secrets.set = keep  # type: ignore[method-assign]
        clock.move(minutes=11)
        assert await app.sync() is None
        assert await _kept_token(device) != before


async def test_a_secret_store_that_is_away_ends_nothing(own: Backend, tmp_path: Path, clock: MovableClock) -> None:
    secrets = ForgetfulSecrets()
    async with Device(tmp_path, secrets, now=clock).on(own.url) as app:
        await signed_in(app)
        clock.move(minutes=11)
        secrets.is_out = True
        with pytest.raises(NotSent):
            await app.sync()
        secrets.is_out = False
        assert await app.sync() is None
        assert app.session is not None


async def test_a_session_that_ends_during_checkout_keeps_the_draft(
    own: Backend, tmp_path: Path, clock: MovableClock
) -> None:
    device, told = Device(tmp_path, now=clock), asyncio.Event()
    async with device.on(own.url) as app:
        who = await sign_in_by_mail(app, own, "nour@example.org")
        app.redeem.save_draft("teddy-bear", Details(recipient="Lina"))
        key = app.redeem.draft("teddy-bear").key
        app.subscribe(("session",), told.set)
        await _end_on_server(own, device, clock)
        outcome = await confirm(app, "teddy-bear")
        assert isinstance(outcome, Refused) and outcome.refusal.reason == Reason.SESSION_ENDED
        await asyncio.wait_for(told.wait(), 10)
        assert app.session is None
        assert app.wallet.current() is None  # nobody's points stay on the screens
        assert await device.secrets.get("session.participant") is None
        assert await sign_in_by_mail(app, own, "nour@example.org") == who
        draft = app.redeem.draft("teddy-bear")
        assert (draft.key, draft.details.recipient) == (key, "Lina")
        assert app.outbox.entries() == []


async def test_a_confirmation_that_waits_is_not_dropped_with_the_session(
    own: Backend, tmp_path: Path, clock: MovableClock
) -> None:
    device = Device(tmp_path, now=clock)
    with Wire(own.url) as wire:
        async with device.on(wire.url) as app:
            await sign_in_by_mail(app, own, "nour@example.org")
            wire.cut()
            await confirm(app, "croissant")
            wire.mend()
            await _end_on_server(own, device, clock)
            await app.sync.quietly()
            assert app.session is None
            await asyncio.sleep(0)
            await sign_in_by_mail(app, own, "nour@example.org")
            kept = app.outbox.entries()
            assert [(entry.state, entry.reason) for entry in kept] == [("refused", Reason.NOT_ENOUGH_POINTS)]
            assert app.alerts.current(app.now())[0].kind == "redemption_refused"
            assert app.redeem.draft("croissant").key == kept[0].key  # so that checkout can say why


async def test_signing_out_removes_what_was_kept_and_ends_the_session(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as app:
        await signed_in(app)
        assert device.files()
        token = await _kept_token(device)
        proof = app._sessions._keys.prove(token)
        await app.sign_in.sign_out()
        assert app.session is None
        assert device.files() == []
        assert await device.secrets.get("session.participant") is None
        answer = backend.somebody().post("/sign-in/refreshes", {"refresh_token": token, "proof": proof})
        assert answer.json()["code"] == "session_ended"
        assert app.catalog.total() > 60  # the shop window stays


async def test_one_can_sign_out_without_network(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        wire.cut()
        await app.sign_in.sign_out()
        assert app.session is None
        assert device.files() == []


async def test_whoever_signs_in_during_a_sync_finds_their_own_points(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        for _ in range(3):
            syncing = asyncio.ensure_future(app.sync.quietly())
            await asyncio.sleep(0)
            who = await signed_in(app)
            wallet = app.wallet.current()
            assert wallet is not None and wallet.participant == who.subject
            assert app.catalog.total() > 60
            await syncing


async def test_an_answer_for_someone_who_has_left_reaches_nobody(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        confirming = asyncio.ensure_future(confirm(app, "croissant"))
        await asyncio.sleep(0)
        await app.sign_in.sign_out()
        await signed_in(app)
        assert not isinstance(await confirming, Refusal)
        past = [one.created_at for one in app.redemptions.list()]
        assert len(past) == 1  # the newcomer's own past, nothing of the one who left
        assert balance(app) == 5070


async def test_the_till_and_the_participant_of_one_browser_keep_apart(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as phone, device.on(backend.url) as till:
        await signed_in(phone)
        await signed_in(till, "staff")
        assert till.wallet.current() is None and phone.till.current() is None
        answers = await asyncio.gather(phone.sync(), till.sync())
        assert answers == [None, None]


async def test_secrets_are_in_the_secret_store_and_nowhere_else(
    backend: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in ("aiosqlite", "asyncio"):
        caplog.set_level(logging.INFO, chatty)
    device = Device(tmp_path)
    async with device.on(backend.url) as app:
        await signed_in(app)
        redeemed(await confirm(app, "croissant"))
        seed, refresh = await device.secrets.get("seed"), await _kept_token(device)
        access = app._sessions.access_token()
        assert seed and access
        app.store.read.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = b"".join(file.read_bytes() for file in device.files())
        said = "\n".join([record.getMessage() for record in caplog.records] + _told_by(app))
        for secret in (seed, refresh, access):
            assert secret.encode() not in kept
            assert bytes.fromhex(seed) not in kept
            assert secret not in said


def _told_by(app: App) -> list[str]:
    parts: list[Any] = [app, *vars(app).values(), *vars(app._sessions).values(), *vars(app.api).values()]
    return [repr(part) for part in parts if not isinstance(part, str)]


async def test_a_keyring_that_does_not_answer_is_done_without_and_nothing_told_as_failed_is_done_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import keyring

    from mirabelle.client.device import secrets

    asked, begun, goes_on = [], threading.Event(), threading.Event()

    class Stopped(keyring.backend.KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            asked.append(username)
            begun.set()
            goes_on.wait()
            return None

        def set_password(self, service: str, username: str, password: str) -> None:
            asked.append(password)

    with ExitStack() as undo:
        undo.callback(keyring.set_keyring, keyring.get_keyring())
        undo.callback(goes_on.set)
        keyring.set_keyring(Stopped())
        store = KeyringSecrets()
        first = asyncio.create_task(store.get("first"))
        await asyncio.to_thread(begun.wait)
        with monkeypatch.context() as impatient:
            impatient.setattr(secrets, "PROMPT_SECONDS", 0)
            with pytest.raises(OSError, match="keyring"):
                await store.set("session", "given up")
            started, _keys = await secrets.open_secrets(Desktop(), open_keys)  # type: ignore[arg-type]
        assert started.kept_in == "memory"
        goes_on.set()
        assert await first is None
        await store.set("session", "later")
    assert [each for each in asked if each in ("first", "given up", "later")] == ["first", "later"]


class Desktop:
    """As much of a desktop's page as says that it is one."""

    web, platform = False, ft.PagePlatform.LINUX


async def test_a_desktop_without_keyring_says_so_and_works(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    from mirabelle.client.device.secrets import open_secrets

    with ExitStack() as undo:
        before = keyring.get_keyring()
        undo.callback(keyring.set_keyring, before)
        keyring.set_keyring(Keyring())
        with pytest.raises(OSError, match="keyring"):
            await KeyringSecrets().get("seed")
        store, keys = await open_secrets(Desktop(), open_keys)  # type: ignore[arg-type]
    assert (store.kept_in, store.persistent) == ("memory", False)
    again = await open_keys(store)
    assert again.device_public() == keys.device_public()


async def test_no_neighbour_uses_up_the_tries_at_the_code_that_the_app_asked_for(
    backend: Backend, tmp_path: Path
) -> None:
    address = new_address("amina")
    async with Device(tmp_path).on(backend.url) as app:
        assert await app.sign_in.request_code(address) is None
        for _ in range(limits.SIGN_IN_CODE_TRIES):
            neighbour = backend.somebody()
            neighbour.address = "127.0.0.1"
            guess = {"email": address, "code": "wrong", "device_key": neighbour.device_key}
            assert neighbour.post("/sign-in/sessions", guess).status_code == 403
        who = await app.sign_in.with_code(address, mailed_code(backend.data, address))
        assert isinstance(who, SignedIn)
