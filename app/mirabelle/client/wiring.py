"""The one place where the app's parts meet: one `App` for each page, the web app, and the command without words."""

import asyncio
import contextlib
import gc
import hashlib
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mirabelle.client.app import App
from mirabelle.client.device.keys import Keys, open_keys
from mirabelle.client.device.notifications import open_notifications
from mirabelle.client.device.preferences import Preferences, open_preferences
from mirabelle.client.device.secrets import SecretStore, open_secrets
from mirabelle.client.home import Home
from mirabelle.client.repositories.opened_links import OpenedLinks
from mirabelle.client.ui.shared import light_classes
from mirabelle.client.ui.waiting import Waiting
from mirabelle.client.use_cases.app_lock import AppLock
from mirabelle.client.use_cases.session import ROLES
from mirabelle.contract.places import assets_directory, data_directory
from mirabelle.contract.translation import FALLBACK, LANGUAGES

if TYPE_CHECKING:
    import flet as ft

log = logging.getLogger(__name__)

light_classes.apply()  # before anything of Flet is loaded: the app's own parts load it when they draw
gc.set_threshold(100_000)  # what is loaded stays: looking for garbage in it took a twentieth of the start

WEB_SESSION_SECONDS: Final = 3600
DEVICE_SECONDS: Final = 5

_web_apps: Final[set[Any]] = set()  # that run in this process
SWEEP_SECONDS: Final = 24 * 3600
WEB: Final = "web"
BROWSER: Final = "browser"


async def open_app(page: "ft.Page", server_url: str, directory: Path) -> App:
    """The app for `page`, signed in as whoever was; its files go below `directory`."""
    browser = _address_of(page)  # before anything is awaited: what comes from the page may change it
    waiting, *asked = _asked(page)
    with waiting.shown():
        # The device answers after the time that the line takes: what does not wait for other answers is asked at once.
        (secret_store, (keys, folder, lock)), preferences, language = await asyncio.gather(
            open_secrets(page, _own), *asked
        )
        waiting.what = "files"
        kept_in: Path | None = directory
        if page.web:
            # One server keeps the stores of many browsers: each has a directory only its own secret leads to. A browser
            # that keeps no secrets could not find its own again.
            kept_in = directory / WEB / folder if secret_store.persistent else None
        app = App(
            server_url,
            kept_in,
            keys,
            secret_store,
            preferences,
            preferences.get("language") or language,
            is_elsewhere=bool(page.web),
            notifications=open_notifications(page),
            lock=lock,
        )
        app.on_open = lambda route: _show(page, route)
        app.api.browser = browser
        # A browser keeps a session for each role: a second window at /till is the shop's, whoever the first one is.
        await app.restore(("staff",) if (page.route or "").startswith("/till") else ROLES)
    return app


def _address_of(page: "ft.Page") -> str:
    """The network address of the browser that shows `page`; "" where the app runs on the device itself."""
    try:
        return str(ipaddress.ip_address(page.client_ip or "")) if page.web else ""
    except ValueError:
        return ""


def _asked(page: "ft.Page") -> tuple[Waiting, "asyncio.Task[Preferences]", "asyncio.Task[str]"]:
    """The device's choices and its language, asked for; and the page that is seen while it takes its time."""
    preferences = asyncio.ensure_future(open_preferences())
    language = asyncio.ensure_future(_device_language(page))

    def spoken() -> str:  # as far as it is known: the page must not wait for a device that is slow to answer this too
        chosen = preferences.result().get("language") if preferences.done() else None
        return chosen or (language.result() if language.done() else FALLBACK)

    return Waiting(page, spoken), preferences, language


def _show(page: "ft.Page", route: str) -> None:
    """Somebody opened a notification: bring its page before their eyes."""
    page.run_task(page.window.to_front)
    page.navigate(route)


async def _own(secret_store: SecretStore) -> tuple[Keys, str, AppLock]:
    """The device's keys; the name of a browser's directory, which only its own secret leads to; and the lock, closed
    where there is one."""
    lock = AppLock(secret_store)
    keys, browser, _ = await asyncio.gather(open_keys(secret_store), secret_store.get(BROWSER), lock.start())
    # Browsers of before have a secret for it. One secret is enough: two could come from two windows at a first start.
    return keys, hashlib.sha256(browser.encode()).hexdigest()[:32] if browser else keys.directory(), lock


async def _device_language(page: "ft.Page") -> str:
    """The first of the device's languages that the app speaks."""
    try:
        device = await asyncio.wait_for(page.get_device_info(), DEVICE_SECONDS)
    except Exception as fault:
        log.info("the device's languages are not to be had: %s", type(fault).__name__)
        return FALLBACK
    codes = [getattr(locale, "language_code", "") for locale in getattr(device, "locales", None) or []]
    return next((code for code in codes if code in LANGUAGES), FALLBACK)


async def open_home(page: "ft.Page", data: Path, start_demo: Callable[[], str]) -> Home:
    """What an installed app comes home to; its files go below `data`."""
    waiting, *asked = _asked(page)
    with waiting.shown():
        (secret_store, (_, _, lock)), preferences, language = await asyncio.gather(open_secrets(page, _own), *asked)
        waiting.what = "files"
        notifications = open_notifications(page)
        home = Home(data, secret_store, preferences, language, start_demo, notifications=notifications, lock=lock)
        home.on_open = lambda app, route: _show(page, route if home.app is app else "/")
        await home.open()
    return home


def installed_starter(data: Path, start_demo: Callable[[], str], links: OpenedLinks) -> Callable[["ft.Page"], Any]:
    """Flet's `main` of an installed app, which has accounts on servers of its choice, and the demo's if asked to."""

    async def start(page: "ft.Page") -> None:
        from mirabelle.client.ui.shell import Shell

        receiving = contextlib.ExitStack()
        receiving.enter_context(links.received())
        home = await open_home(page, data, start_demo)
        shell = Shell(page, home.app, home)
        await shell.mount()
        home.begin(lambda: page.session.connection is not None)

        def opened(link: str) -> None:
            shell.open_link(link)
            page.run_task(page.window.to_front)

        watching = asyncio.create_task(links.watch(opened))

        async def stop(_event: Any) -> None:
            watching.cancel()
            receiving.close()
            await home.close()

        page.on_close = stop

    return start


def page_starter(server_url: str, directory: Path) -> Callable[["ft.Page"], Any]:
    """Flet's `main`: opens the app for a page and mounts its screens."""

    async def start(page: "ft.Page") -> None:
        from mirabelle.client.ui.shell import Shell

        app = await open_app(page, server_url, directory)
        await Shell(page, app).mount()
        syncing = asyncio.create_task(app.keep_in_sync(lambda: page.session.connection is not None))

        async def stop(_event: Any) -> None:
            syncing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await syncing
            await app.close()

        page.on_close = stop

    return start


def web_app(server_url: str, directory: Path) -> Any:
    """The app for browsers, as an ASGI application whose API is at `server_url`."""
    import flet_web.fastapi as flet_fastapi

    from mirabelle.client.ui.shared import fixes

    fixes.apply()  # before there are sessions: what is there by then is held to be here for good
    fixes.stop_session_leak()
    fixes.make_web_client_lean()
    application = flet_fastapi.app(
        page_starter(server_url, directory),
        assets_dir=str(assets_directory()),
        app_name="Mirabelle",
        app_short_name="Mirabelle",
        no_cdn=True,
        session_timeout_seconds=WEB_SESSION_SECONDS,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        await flet_fastapi.app_manager.start()  # without it sessions of closed pages are never evicted (Flet 1.0.5)
        await _sweep(directory / WEB)
        sweeping = asyncio.create_task(_keep_sweeping(directory / WEB))
        _web_apps.add(application)
        yield
        _web_apps.discard(application)
        sweeping.cancel()
        if not _web_apps:  # it takes the files of all web apps of this process away, not only of this one
            await flet_fastapi.app_manager.shutdown()

    application.router.lifespan_context = lifespan
    return application


async def _keep_sweeping(directory: Path) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await _sweep(directory)


async def _sweep(directory: Path) -> None:
    """Remove what browsers that never came back have left; no fault of the disk keeps the server from serving."""
    from mirabelle.client.use_cases.sweep_web import sweep_web

    try:
        if gone := await asyncio.to_thread(sweep_web, directory, datetime.now(UTC)):
            log.info("removed what %d browsers left that did not come back", gone)
    except OSError as fault:
        log.warning("what browsers left could not be removed: %s", type(fault).__name__)


def run(link: str = "") -> None:
    """Open the app in a window, with `link` where it was opened by one; else the demo in a browser, else say where it
    is. A window that is open already takes the link over."""
    from mirabelle.client import embedded

    data = data_directory()
    links = OpenedLinks(data)
    if link and links.hand_over(link):
        return
    with embedded.Demo(data / "demo", web_app) as demo:
        embedded.open_app(demo, installed_starter(data, demo.start, links), link)
