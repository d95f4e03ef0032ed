"""Secrets are looked for in every byte that devices, pages and the server write, and are where they belong."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import flet as ft
import pytest

from mirabelle.client.api import NoAnswer
from mirabelle.client.app import App
from mirabelle.client.wiring import page_starter
from mirabelle.contract.messages import Details
from tests import headless
from tests.backend import Backend
from tests.client.devices import Device, KeptSecrets, confirm, redeemed, sign_in_by_mail, signed_in, voucher_of
from tests.client.test_kept_tills import set_up_again
from tests.client.tills import TillDevice, judged
from tests.mails import mailed_code
from tests.people import people_with_points
from tests.wire import Wire

NOUR = "nour@example.org"
PIN, PIN_IN_BROWSER, WRONG = "730519284610", "904417263558", "551908374426"


@dataclass
class Canaries:
    """Secrets, by name; those that the server has to keep as well; and all that was written where none belongs."""

    secrets: dict[str, str] = field(default_factory=dict)
    of_the_server: dict[str, str] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)

    def of_store(self, name: str, kept: dict[str, str]) -> None:
        """All that a secret store keeps is secret."""
        for key, value in kept.items():
            of_session = json.loads(value)["refresh_token"] if ".session." in f".{key}" else value
            self.secrets[f"{name} {key}"] = of_session

    def found(self) -> list[tuple[str, str]]:
        """Which secret is written where it does not belong."""
        return [
            (name, place)
            for place, content in self.written.items()
            for name, secret in {**self.secrets, **({} if place == "server" else self.of_the_server)}.items()
            for spelling in spellings(secret)
            if spelling in content
        ]


def spellings(secret: str) -> set[bytes]:
    """How a secret could be written; what is hexadecimal, as bytes too."""
    words = {secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")}
    if len(secret) >= 32 and not set(secret) - set("0123456789abcdef"):
        raw = bytes.fromhex(secret)
        words |= {raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
        words |= {repr(raw)[2:-1].encode()}
    return words


def below(*folders: Path) -> bytes:
    """Every byte of every file, and its name; but for the demo's mails, which tell codes to whoever they are for."""
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file() and "outbox" not in file.parts]
    return b"\n".join(str(file).encode() + file.read_bytes() for file in files)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Backend]:
    """A server of this test's own."""
    people_with_points(tmp_path / "server", NOUR)
    with Backend(tmp_path / "server") as running:
        yield running


async def fails(app: App) -> None:
    """Something goes wrong that nobody foresaw, and is logged with all that is known of it."""
    app.store.read.execute("ALTER TABLE documents RENAME TO elsewhere")
    await app.sync.quietly()
    app.store.read.execute("ALTER TABLE elsewhere RENAME TO documents")


async def of_a_participant(canaries: Canaries, own: Backend, wire: Wire, folder: Path) -> tuple[str, str]:
    """Signs in, redeems, sends points into nowhere; a frame and a code to show at a till."""
    device = Device(folder)
    async with device.on(wire.url) as app:
        await sign_in_by_mail(app, own, NOUR)
        canaries.secrets["sign-in code"] = mailed_code(own.data, NOUR)
        app.redeem.save_draft("teddy-bear", Details(recipient="Lina"))
        voucher = voucher_of(redeemed(await confirm(app, "croissant")))
        frame = app.show_voucher.frame(voucher, app.now())
        wire.lose_reply("POST /api/v1/transfers")
        with pytest.raises(NoAnswer):
            await app.send_points("somebody@example.org", 10)
        await app.lock.choose(PIN, 5)
        assert await app.lock.open_with(WRONG) == "wrong"
        await fails(app)
        canaries.secrets |= {"pin": PIN, "wrong pin": WRONG}
        canaries.secrets["access token"] = app._sessions.access_token() or ""
        canaries.of_the_server |= {"code": voucher.code, "issued": voucher.issued, "frame": frame}
        canaries.written["device"] = below(device.directory)
    canaries.written["device, closed"] = below(device.directory)
    assert isinstance(device.secrets, KeptSecrets)
    canaries.of_store("device", device.secrets._values)
    return frame, voucher.code


async def of_a_till(canaries: Canaries, own: Backend, wire: Wire, folder: Path, frame: str, code: str) -> None:
    """Scans without network, and types a code whose answer is lost."""
    device = TillDevice(folder)
    async with device.on(wire.url) as app:
        who = await signed_in(app, "staff")
        await set_up_again(app, own, who.subject)
        await app.sync()
        wire.lose_reply("POST /api/v1/scans", 2)
        with pytest.raises(NoAnswer):
            await app.scan.code(code)
        wire.cut()
        await judged(app, frame)
        await fails(app)
        canaries.written["till"] = below(device.directory)
        wire.mend()
    canaries.written["till, closed"] = below(device.directory)
    assert isinstance(device.secrets, KeptSecrets)
    canaries.of_store("till", device.secrets._values)


async def of_a_browser(canaries: Canaries, own: Backend, folder: Path) -> None:
    """Tries the demo in a page that the server draws."""
    device = headless.Device()
    start = page_starter(own.url, folder)
    async with headless.HeadlessApp(start, device=device, web=True, platform="linux") as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.page.route == "/guide")
        await app.go("/settings/lock")
        for key in ("new", "again"):
            await app.type(app.one(ft.TextField, key=key), PIN_IN_BROWSER)
        await app.tap(app.one(key="turn_on"))
        await app.until(lambda: app.all(key="lock-now"))
        canaries.secrets["pin in the browser"] = PIN_IN_BROWSER
        canaries.written["browser's server"] = below(folder)
    canaries.written["page's storage"] = json.dumps(device.preferences).encode()
    canaries.of_store("browser", {name.removeprefix("mirabelle."): value for name, value in device.secrets.items()})


async def test_no_secret_is_written_where_it_does_not_belong(
    own: Backend, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in ("aiosqlite", "asyncio", "flet"):
        caplog.set_level(logging.INFO, chatty)  # one tells each statement with its values, the others each screen
    canaries = Canaries()
    with Wire(own.url) as wire:
        frame, code = await of_a_participant(canaries, own, wire, tmp_path / "phone")
        await of_a_till(canaries, own, wire, tmp_path / "till", frame, code)
        await of_a_browser(canaries, own, tmp_path / "web")
    canaries.written["server"] = below(own.data)
    canaries.written["logs"] = caplog.text.encode()
    canaries.written["output"] = "".join(capfd.readouterr()).encode()
    assert {name.split()[-1].split(".")[0] for name in canaries.secrets} >= {
        "seed",
        "session",
        "store",
        "browser",
        "token",
    }
    assert all(canaries.written[place] for place in canaries.written if place != "output")
    assert "Traceback" in caplog.text  # something did go wrong
    assert canaries.found() == []


def test_a_canary_that_is_written_somewhere_is_found() -> None:
    secret = "0f" * 32
    for written in spellings(secret):
        assert Canaries({"seed": secret}, {}, {"logs": b"x" + written + b"y"}).found()
    assert Canaries({}, {"code": "ABCD"}, {"server": b"ABCD", "logs": b""}).found() == []
