"""Sending points: to whom, how many, are you sure, done; and nothing of it where the programme allows none."""

from collections.abc import Iterator
from pathlib import Path

import flet as ft
import msgspec
import pytest

from mirabelle.client.ui.transfer.state import Sending
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import TransferRules
from tests.backend import Backend
from tests.client.devices import TRANSFER
from tests.client.ui.visiting import visitor
from tests.server.mailbox import sign_in

BASIL = "basil@example.org"


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A programme whose participants may give points to each other."""
    programme = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))
    with Backend(tmp_path_factory.mktemp("generous"), programme=programme) as backend:
        sign_in(backend, BASIL)
        yield backend


async def test_points_are_sent_after_a_second_look(generous: Backend, tmp_path: Path) -> None:
    async with visitor(generous.url, tmp_path) as someone:
        before = someone.app.wallet.current().available
        async with someone.window("/wallet") as window:
            await window.tap(window.one(key="send"))
            await window.until(lambda: window.page.route == "/send")
            assert window.one(key="continue").disabled
            await window.type(window.one(ft.TextField, key="recipient"), BASIL)
            await window.type(window.one(ft.TextField, key="points"), "100")
            await window.tap(window.one(key="continue"))
            assert f"Send 100 points to {BASIL}?" in window.texts()
            await window.tap(window.one(key="confirm"))
            await window.until(lambda: "100 points were sent" in window.texts())
        assert someone.app.wallet.current().available == before - 100


async def test_who_is_not_known_is_told_and_the_form_is_still_filled_in(generous: Backend, tmp_path: Path) -> None:
    async with visitor(generous.url, tmp_path) as someone, someone.window("/send") as window:
        await window.type(window.one(ft.TextField, key="recipient"), "nobody@example.org")
        await window.type(window.one(ft.TextField, key="points"), "100")
        await window.tap(window.one(key="continue"))
        await window.tap(window.one(key="confirm"))
        await window.until(lambda: window.all(key="error"))
        assert "Nobody here has that address" in window.texts()
        assert window.one(ft.TextField, key="recipient").value == "nobody@example.org"


async def test_a_transfer_that_was_refused_while_nobody_looked_is_told_of_and_put_away(
    generous: Backend, tmp_path: Path
) -> None:
    async with visitor(generous.url, tmp_path) as someone:
        app = someone.app
        app.outbox.add("key", "transfer", BASIL, TRANSFER, someone.now())
        app.outbox.refuse("key", "of a newer server")
        async with someone.window("/alerts") as window:
            assert f"Your points did not go to {BASIL}" in window.texts()
            await window.tap(window.one(ft.OutlinedButton, where=lambda button: str(button.key).startswith("act-tr")))
            await window.until(lambda: window.page.route == "/send")
            assert window.texts(window.one(key="error")) == [
                "The programme did not accept this",
                "Nothing was changed.",
                "Update the app to read why, or ask the programme.",
            ]
            await window.tap(window.one(key="seen"))
            await window.until(lambda: not window.all(key="error"))
        assert app.outbox.is_empty


async def test_a_programme_without_transfers_offers_none(backend: Backend, tmp_path: Path) -> None:
    async with visitor(backend.url, tmp_path) as someone:
        async with someone.window("/wallet") as window:
            assert window.all(key="send") == []
        async with someone.window("/send") as window:
            assert "Points cannot be sent here" in window.texts() and window.all(key="continue") == []


@pytest.mark.parametrize(
    ("typed", "obstacle"),
    [("", None), ("9", "too_few"), ("10", None), ("٥٠", None), ("51", "too_many"), ("x", "too_few")],
)
def test_what_stands_against_a_number_of_points(typed: str, obstacle: str | None) -> None:
    assert Sending(typed_points=typed).obstacle(available=50, at_least=10) == obstacle
