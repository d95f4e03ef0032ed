"""Joining programmes and going from one account to another, at the screens of an installed app."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import flet as ft
import pytest

from mirabelle.client import home as home_module
from mirabelle.client.repositories.opened_links import OpenedLinks
from mirabelle.client.ui.accounts.phone import address_of
from mirabelle.client.wiring import installed_starter
from mirabelle.contract.server_address import link_to
from tests.backend import Backend
from tests.headless import HeadlessApp


@pytest.fixture
def installed(backend: Backend, device, tmp_path: Path):
    """Starts the installed app on the phone; its demo is the shared server, and so is every other programme."""

    def at(route: str = "/", **window: Any) -> HeadlessApp:
        starter = installed_starter(tmp_path, lambda: backend.url, OpenedLinks(tmp_path))
        return HeadlessApp(starter, route=route, device=device, **window)

    return at


async def agree(app: HeadlessApp) -> None:
    """Join whoever was found, and stand before the ways in there."""
    await app.tap(await app.until(lambda: app.all(key="join") and app.one(key="join")))
    await app.until(lambda: app.all(key="sign-in"))


async def try_it(app: HeadlessApp, role: str = "participant") -> None:
    await app.tap(await app.until(lambda: app.all(key=f"try-{role}") and app.one(key=f"try-{role}")))
    await app.until(lambda: app.page.route in ("/guide", "/wallet", "/till"))


async def test_an_address_is_asked_who_it_is_and_joined_only_on_a_yes(installed, backend: Backend):
    async with installed() as app:
        await app.tap(app.one(key="add"))
        await app.type(app.one(ft.TextField, key="address"), "http://shop.example")
        await app.tap(app.one(key="look"))
        assert "This is not the address of a server" in app.texts()
        await app.type(app.one(ft.TextField, key="address"), f" {backend.url}/ ", submit=True)
        await app.until(lambda: "Join Mirabelle?" in app.texts())
        await app.tap(app.one(key="not-now"))
        assert app.all(ft.TextField, key="address")
        await app.type(app.one(ft.TextField, key="address"), backend.url, submit=True)
        await agree(app)
    async with installed() as app:
        await app.until(lambda: app.all(key="sign-in"))
        await app.tap(app.one(key="add"))
        await app.tap(app.one(key="to-demo"))
        await try_it(app)


async def test_a_link_that_starts_the_app_and_one_that_comes_while_it_runs_only_ask(
    installed, backend: Backend, tmp_path: Path
):
    link = link_to(backend.url)
    async with installed(link) as app:
        await app.until(lambda: "Join Mirabelle?" in app.texts())
        await agree(app)
        await try_it(app)
        session = app.page.session
        await app.go(link)
        await app.until(lambda: "Join Mirabelle?" in app.texts())
        await app.tap(app.one(key="back"))
        await app.until(lambda: app.page.route == "/settings")
        OpenedLinks(tmp_path).hand_over("mirabelle://add?server=http%3A%2F%2Fpoints.example")
        await app.until(lambda: "This is not the address of a server" in app.texts())
        assert app.page.session is session


async def test_accounts_change_places_in_the_settings_and_on_the_first_page(installed, backend: Backend):
    async with installed() as app:
        await try_it(app)
        await app.go("/settings")
        await app.tap(app.one(key="add-account"))
        await app.type(app.one(ft.TextField, key="address"), backend.url, submit=True)
        await agree(app)
        await try_it(app, "staff")
        await app.go("/settings")
        rows = await app.until(lambda: rows if len(rows := accounts(app)) == 2 else None)
        assert "Demo on this device" in " ".join(app.texts(rows[0])) and rows[1].on_click is None
        await app.tap(rows[0])
        await app.until(lambda: app.page.route == "/wallet" and app.all(ft.Text, key="balance"))
        await app.go("/settings")
        await app.tap(app.one(key="sign-out"))
        await app.tap(app.one(key="leave", root=app.dialog))
        await app.until(lambda: "Go on as" in app.texts())
        [row] = accounts(app)
        await app.tap(row)
        await app.until(lambda: app.page.route == "/till")


async def test_who_has_more_than_one_account_changes_it_from_the_head_of_the_wallet_and_of_the_till(
    installed, backend: Backend
):
    async with installed() as app:
        await try_it(app)
        await app.go("/wallet")
        assert not app.all(key="change-account")
        await app.go("/add")
        await app.type(app.one(ft.TextField, key="address"), backend.url, submit=True)
        await agree(app)
        await try_it(app, "staff")
        for there in ("/wallet", "/till"):
            change = await app.until(lambda: app.all(key="change-account"))
            await app.tap(change[0])
            await app.until(lambda: app.dialog)
            [row] = accounts(app, root=app.dialog)
            await app.tap(row)
            await app.until(lambda there=there: app.page.route == there and app.dialog is None)


async def test_an_account_whose_session_is_over_is_told_so_at_the_start_and_can_be_removed(installed, device):
    async with installed() as app:
        await try_it(app)
    for name in [name for name in device.secrets if name.startswith("mirabelle.session.")]:
        del device.secrets[name]
    async with installed() as app:
        await app.until(lambda: "Your session has ended" in app.texts())
        assert "Session ended. Sign in again." in app.texts()
        [row] = accounts(app)
        await app.tap(app.one(ft.IconButton, root=row))
        await app.until(lambda: not accounts(app))


async def test_an_account_that_is_over_is_removed_with_what_waits_only_on_a_yes(installed, device, tmp_path: Path):
    async with installed() as app:
        await try_it(app)
    for name in [name for name in device.secrets if name.startswith("mirabelle.session.")]:
        del device.secrets[name]
    [file] = (tmp_path / "demo" / "app").glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection, connection:
        row = ("k", "redemption", b"", b"", "waiting", "2026-01-01T00:00:00+00:00")
        connection.execute("INSERT INTO outbox (key, kind, subject, body, state, created_at) VALUES (?,?,?,?,?,?)", row)
    async with installed() as app:
        await app.until(lambda: "Your session has ended" in app.texts())
        [row] = accounts(app)
        await app.tap(app.one(ft.IconButton, root=row))
        assert "1 request is kept only here and would be lost" in app.texts()
        await app.tap(app.one(key="keep-account"))
        await app.tap(app.one(ft.IconButton, root=accounts(app)[0]))
        await app.tap(app.one(key="remove-anyway"))
        await app.until(lambda: not accounts(app))


def accounts(app: HeadlessApp, root: Any = None) -> list[ft.Container]:
    """The rows of the list of accounts."""
    return app.all(
        ft.Container, root=root, where=lambda row: str(getattr(row.key, "value", row.key)).startswith("account-")
    )


async def test_the_app_in_a_browser_joins_no_other_server_and_leads_to_the_phone(start, start_signed_in):
    await start_signed_in()
    async with start("/add") as app:
        assert "There is nothing at this address" in app.texts()
    async with start("/settings", web=True) as app:
        await app.until(lambda: app.all(ft.Image, key="phone-code"))
        assert app.one(ft.Text, key="address").value == "https://test"


def test_the_address_for_the_phone_is_the_one_that_the_browser_has() -> None:
    assert address_of("ws://127.0.0.1:8550") == "http://127.0.0.1:8550"
    assert address_of("wss://points.example/shop") == "https://points.example/shop"
    assert address_of("ws://points.example") == "https://points.example"
    assert address_of(None) is None


async def test_who_changes_account_does_not_land_where_somebody_elses_session_ended(
    installed,
    monkeypatch: pytest.MonkeyPatch,
):
    homes = []
    real = home_module.Home.begin
    monkeypatch.setattr(home_module.Home, "begin", lambda self, seen: (homes.append(self), real(self, seen))[1])
    async with installed() as app:
        await try_it(app)
        home = homes[0]
        first = home.accounts.current
        await home.try_demo("participant")
        await app.settle()
        await app.go("/settings/delete")
        await app.until(lambda: app.page.route == "/settings/delete")
        home.app._sessions.drop()
        await home.app._session_over(is_for_good=False)
        await app.settle()
        await home.switch(home.accounts.get(first.id))
        await app.settle()
        await app.settle()
        assert app.page.route in ("/wallet", "/guide")
