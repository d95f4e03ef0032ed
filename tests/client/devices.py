"""A device with the real app on it, but no screens: it can be switched off and on again, and keeps what it keeps."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from mirabelle.client.app import App
from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.client.device.keys import open_keys
from mirabelle.client.device.notifications import NO_NOTIFICATIONS, Notifications
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.device.secrets import MemorySecrets, SecretStore
from mirabelle.client.use_cases.redeem import Outcome, Redeemed
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract import messages as m
from mirabelle.contract.fields import Role
from tests.backend import Backend
from tests.clock import MovableClock
from tests.mails import mailed_code

# What entries of the outbox say, for tests of which no server hears.
TRANSFER = msgspec.json.encode(m.TransferRequest(recipient="friend@example.org", points=10))
REDEMPTION = msgspec.json.encode(m.RedemptionRequest(reward="croissant", points=110, holder_key="0" * 64))


class KeptSecrets(MemorySecrets):
    """A secret store that outlives the app, as a phone's does."""

    persistent = True

    def forget_stores(self) -> None:
        """The keys of the stores are lost."""
        for name in [name for name in self._values if name.startswith("store.")]:
            del self._values[name]


class FileSecrets(MemorySecrets):
    """Secrets that outlive the process that kept them, each change written whole or not at all.

    Several processes may share them: each secret has a file of its own.
    """

    persistent = True

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(exist_ok=True)

    async def get(self, name: str) -> str | None:
        file = self._file(name)
        return file.read_text() if file.exists() else None

    async def set(self, name: str, value: str) -> None:
        new = self._folder / f"{os.getpid()}.new"
        new.write_text(value)
        new.replace(self._file(name))

    async def delete(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / name.encode().hex()


class Device:
    """What outlives the app: its directory and its secrets."""

    def __init__(
        self,
        directory: Path,
        secret_store: SecretStore | None = None,
        now: Callable[[], datetime] | None = None,
        clock: ForwardClock | None = None,
        notifications: Notifications = NO_NOTIFICATIONS,
    ) -> None:
        self.directory = directory / secrets.token_hex(4)
        self.secrets = secret_store or KeptSecrets()
        self.now = now or MovableClock()
        self.clock, self.notifications = clock, notifications

    @asynccontextmanager
    async def on(self, url: str, language: str = "en") -> AsyncIterator[App]:
        """The app, as it is after its start, against the server at `url`."""
        app = await self.start(url, language)
        try:
            yield app
        finally:
            await app.close()

    async def start(self, url: str, language: str = "en") -> App:
        """The app, for a test that ends it by itself."""
        keys = await open_keys(self.secrets)
        app = App(
            url, self.directory, keys, self.secrets, Preferences({}), language, self.now, clock=self.clock,
            notifications=self.notifications,
        )  # fmt: skip
        await app.restore()
        return app

    def files(self) -> list[Path]:
        """What it keeps on disk."""
        return [file for file in self.directory.rglob("*") if file.is_file()]


def device_at(directory: Path) -> Device:
    """The device that keeps everything in `directory`, whichever process it runs in."""
    directory.mkdir(parents=True, exist_ok=True)
    device = Device(directory, FileSecrets(directory / "secrets"))
    device.directory = directory
    return device


async def signed_in(app: App, role: Role = "participant") -> SignedIn:
    """Signs a new demo visitor in."""
    who = await app.sign_in.demo(role)
    assert isinstance(who, SignedIn)
    return who


def new_address(name: str) -> str:
    """The address of somebody whom no other test knows: each has only so many codes mailed in an hour."""
    return f"{name}-{secrets.token_hex(4)}@example.org"


async def sign_in_by_mail(app: App, backend: Backend, address: str) -> SignedIn:
    """Signs in with the code that the server mails to `address`."""
    assert await app.sign_in.request_code(address) is None
    who = await app.sign_in.with_code(address, mailed_code(backend.data, address))
    assert isinstance(who, SignedIn), who
    return who


def redeemed(outcome: Outcome) -> m.Redemption:
    """What was redeemed; fails where nothing was."""
    assert isinstance(outcome, Redeemed), outcome
    return outcome.redemption


def voucher_of(redemption: m.Redemption) -> m.Voucher:
    """The redemption's voucher."""
    assert redemption.voucher is not None
    return redemption.voucher


def balance(app: App) -> int:
    """The balance that the screens show."""
    wallet = app.wallet.current()
    assert wallet is not None
    return wallet.available


async def confirm(app: App, reward: str) -> Outcome:
    """Confirm the draft for `reward` at the price that this device shows."""
    shown = app.catalog.get(reward)
    return await app.redeem.confirm(reward, app.redeem.draft(reward).key, shown.points if shown else 0)


async def taken_up(app: App) -> None:
    """Wait until something in the outbox is being sent; there is no connection yet, let alone an answer."""
    is_sent = asyncio.Event()

    def look() -> None:
        if any(entry.state == "unknown" for entry in app.outbox.entries()):
            is_sent.set()

    stop = app.store.subscribe(("outbox",), look)
    await is_sent.wait()
    stop()
