"""Secrets in a real Secret Service: gnome-keyring on a D-Bus of its own, with a home that is thrown away.

Needs dbus-daemon and gnome-keyring, which Debian has as packages of these names.
"""

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import flet as ft

from mirabelle.client.app import App
from mirabelle.client.device.keys import SEED
from mirabelle.client.device.secrets import SERVICE
from mirabelle.client.ui.shell import Shell
from mirabelle.client.wiring import open_app
from tests.backend import Backend
from tests.client.devices import TRANSFER
from tests.client.real_desktop import running, until
from tests.client.test_canary import Canaries, below
from tests.headless import HeadlessApp

PASSWORD = "opens what is thrown away\n"
KEYRING = "In this computer’s keyring"
MEMORY = "Only in memory"
OUT_OF_REACH = "What this device keeps cannot be reached just now"
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={}</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""


def live_in(home: Path) -> None:
    """Everything that a desktop's programs find out about their person leads below `home`, and to no other desktop."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL", "SSH_AUTH_SOCK", "PYTHON_KEYRING_BACKEND"):
        os.environ.pop(name, None)
    folders = {name: home / name.lower() for name in ("XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    for name, folder in {"HOME": home, "XDG_CACHE_HOME": home / "cache", **folders}.items():
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ[name] = str(folder)


@contextmanager
def bus(home: Path) -> Iterator[None]:
    """A bus that starts no program by itself: a keyring that is gone stays away."""
    (home / "bus.conf").write_text(BUS.format(home / "bus"))
    words = ("dbus-daemon", f"--config-file={home / 'bus.conf'}", "--nofork", "--print-address")
    with running(*words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        os.environ["DBUS_SESSION_BUS_ADDRESS"] = process.stdout.readline().strip()
        yield


@contextmanager
def keyring() -> Iterator[None]:
    """An open keyring, for as long as the block lasts."""
    words = ("gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock")
    with running(*words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        process.stdin.write(PASSWORD)
        process.stdin.close()
        asyncio.run(until(is_open))
        yield


def is_open() -> bool:
    """Whether there is a keyring, and secrets can be had from it."""
    import secretstorage

    try:
        with closing(secretstorage.dbus_init()) as connection:
            return not secretstorage.get_default_collection(connection).is_locked()
    except secretstorage.SecretStorageException:
        return False


def lock() -> None:
    """Another program of the desktop locks the keyring."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        secretstorage.get_default_collection(connection).lock()


def kept() -> dict[str, str]:
    """All that the app keeps in the keyring, as another program of the same person sees it."""
    import secretstorage

    with closing(secretstorage.dbus_init()) as connection:
        items = secretstorage.search_items(connection, {"service": SERVICE})
        return {item.get_attributes()["username"]: item.get_secret().decode() for item in items}


@asynccontextmanager
async def window(url: str, folder: Path) -> AsyncIterator[tuple[HeadlessApp, App]]:
    """The app on a desktop, started anew."""
    apps: list[App] = []

    async def start(page: ft.Page) -> None:
        apps.append(await open_app(page, url, folder))
        await Shell(page, apps[0]).mount()

    async with HeadlessApp(start, platform="linux") as seen:
        yield seen, apps[0]
        await apps[0].close()


async def says(seen: HeadlessApp, route: str, words: str) -> None:
    """The page at `route` says `words`."""
    await seen.go(route)
    await seen.until(lambda: words in seen.texts(), words)


async def sign_in(url: str, folder: Path) -> None:
    """What the first process of the app does: it leaves something unsent behind."""
    async with window(url, folder) as (seen, app):
        await seen.tap(seen.one(key="try-participant"))
        await seen.until(lambda: app.session is not None)
        app.outbox.add("kept", "transfer", "friend@example.org", TRANSFER, app.now())
        await says(seen, "/settings", KEYRING)


def unsent(app: App) -> list[Any]:
    """What waits to be sent."""
    return [entry.key for entry in app.outbox.entries()]


async def goes_on_without(app: App) -> None:
    """What needs a secret fails for now; nobody is signed out for it, and nothing that is kept is touched."""
    app._sessions._access_token = "is over"  # so that the next request needs what the keyring holds
    assert not await app.sync.quietly()
    assert app.session is not None and unsent(app) == ["kept"]


async def come_back(url: str, folder: Path) -> None:
    """In the next process all is there, also once somebody locks the keyring; whoever starts then is told so."""
    async with window(url, folder) as (_seen, app):
        assert app.session is not None and unsent(app) == ["kept"]
        lock()
        await goes_on_without(app)
    async with window(url, folder) as (seen, app):
        assert app.session is None and OUT_OF_REACH in seen.texts()
        await seen.tap(seen.one(key="try-staff"))
        await seen.until(lambda: app.session is not None)
        await says(seen, "/settings", MEMORY)


async def lose_the_keyring(url: str, folder: Path, daemon: ExitStack) -> None:
    """The keyring is open again, and ends while the app runs."""
    async with window(url, folder) as (_seen, app):
        daemon.close()
        await goes_on_without(app)
    async with window(url, folder) as (seen, _app):
        assert OUT_OF_REACH in seen.texts()


async def sign_out(url: str, folder: Path) -> None:
    """Nothing that opens anything stays in the keyring."""
    async with window(url, folder) as (seen, app):
        assert app.session is not None and unsent(app) == ["kept"]
        await seen.go("/settings")
        await seen.tap(seen.one(key="sign-out"))
        await seen.tap(seen.one(key="leave", root=seen.dialog))
        await seen.until(lambda: app.session is None)
    assert set(kept()) == {SEED}


def look_for_secrets(home: Path) -> int:
    """All secrets, in every byte below `home`: the keyring's own file is sealed, and so none is found there either."""
    canaries = Canaries(written={"disk": below(home)})
    canaries.of_store("keyring", kept())
    assert {name.split()[-1].split(".")[0] for name in canaries.secrets} == {"seed", "session", "store"}
    assert canaries.found() == []
    return len(canaries.secrets)


def main() -> None:
    """Start the bus, the keyring and a server, and do it."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(Backend(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        live_in(home)
        stack.enter_context(bus(home))
        daemon = stack.enter_context(ExitStack())
        daemon.enter_context(keyring())
        subprocess.run([sys.executable, "-m", __spec__.name, server.url, str(home / "app")], check=True)
        found = look_for_secrets(home)
        logging.disable()  # the app tells of what is tried here
        asyncio.run(come_back(server.url, home / "app"))
        daemon.close()
        daemon.enter_context(keyring())
        asyncio.run(lose_the_keyring(server.url, home / "app", daemon))
        daemon.enter_context(keyring())
        asyncio.run(sign_out(server.url, home / "app"))
    print(f"{found} secrets kept from one process to the next, and found nowhere on the disk")
    print("a keyring that was locked, or ended, took nothing away; signing out removed them")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(sign_in(sys.argv[1], Path(sys.argv[2])))
    else:
        main()
