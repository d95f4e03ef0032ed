"""The till's rarer pages: set up by a code, challenging a phone, and what the programme did not take."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import flet as ft
import pytest
from msgspec.structs import replace

from mirabelle.client.ui.till.bar import left_told
from mirabelle.client.ui.till.scanning import scanning_of
from mirabelle.contract.translation import LANGUAGES, Translator
from mirabelle.server.hosted import tills
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument
from tests.backend import Backend
from tests.client.tills import forge
from tests.client.ui.visiting import visitor

DESKTOP = {"platform": "windows", "width": 1440, "height": 900}
CHALLENGED = "croissant"


async def enter(window, text: str) -> None:
    await window.type(window.one(ft.TextField, key="wedge"), text, submit=True)


async def prepared(backend: Backend) -> str:
    """The code of a new till."""
    lines = await asyncio.to_thread(tills.enrol, backend.data, "", "cafe-lumiere", "Bar", "Lina", datetime.now(UTC))
    return lines[0].split()[0]


async def test_a_device_becomes_a_till_by_the_code_that_is_typed_and_no_other(start, backend):
    code = await prepared(backend)
    async with start("/enrol") as app:
        button = app.one(key="enrol")
        assert button.disabled
        await app.type(app.one(ft.TextField, key="code"), "0000-0000-0000", submit=True)
        await app.until(lambda: app.all(key="error"))
        await app.type(app.one(ft.TextField, key="code"), code.lower().replace("-", " "), submit=True)
        await app.until(lambda: app.page.route == "/till")
        await app.until(lambda: any("Bar" in words and "Lina" in words for words in app.texts()))


def wary() -> ProgrammeDocument:
    """The demo's programme, in which one of the till's own store's rewards asks for a challenge."""
    programme = demo_programme()
    rewards = [replace(reward, challenge=reward.id == CHALLENGED) for reward in programme.rewards]
    return replace(programme, rewards=rewards)


@pytest.mark.parametrize("network", ["with network", "without network"])
async def test_a_voucher_that_wants_it_is_challenged_and_its_own_phone_answers(tmp_path, network):
    async with AsyncExitStack() as stack:
        with Backend(tmp_path / "server", programme=wary()) as backend:
            someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "a"))
            staff = await stack.enter_async_context(visitor(backend.url, tmp_path / "b", "staff"))
            voucher = (await someone.redeem(CHALLENGED)).voucher
            if network == "with network":
                await is_challenged(stack, someone, staff, voucher)
        if network == "without network":
            challenge = await is_challenged(stack, someone, staff, voucher)
            [waiting] = staff.app.offline_scans.unsent()
            assert waiting.nonce == challenge.nonce.hex()


async def is_challenged(stack, someone, staff, voucher):
    """Shows the voucher, answers the till's challenge, and is accepted; returns the challenge."""
    window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
    await enter(window, someone.app.show_voucher.frame(voucher, someone.now()))
    await window.until(lambda: window.all(key="challenge"))
    assert {"ONE MORE STEP", "Needs an extra check"} <= set(window.texts())
    challenge = scanning_of(staff.app).challenge
    assert challenge is not None
    await enter(window, someone.app.show_voucher.frame(voucher, someone.now(), challenge))
    await window.until(lambda: window.all(key="verdict-accepted"))
    assert not window.all(key="challenge")
    return challenge


async def test_what_the_programme_did_not_take_is_shown_with_why_until_staff_put_it_away(backend, tmp_path):
    async with visitor(backend.url, tmp_path / "a") as someone, visitor(backend.url, tmp_path / "b", "staff") as staff:
        voucher = (await someone.redeem("croissant")).voucher
        frame = someone.app.show_voucher.frame(voucher, someone.now())
        scan = staff.app.scan._judge_offline(frame, "a-key-of-its-own")
        forge(staff.app, scan.id)
        await staff.app.sync()
        async with staff.window("/till", **DESKTOP) as window:
            assert "The programme did not take 1 scan" in window.texts()
            await window.tap(window.one(key="look"))
            card = window.one(key="refused-a-key-of-its-own")
            assert any("Not the owner's phone" in words for words in window.texts(card)), window.texts(card)
            await window.tap(window.one(key="seen-a-key-of-its-own"))
            await window.until(lambda: not window.all(key="refused-a-key-of-its-own"))
            await window.go("/till")
            assert "The programme did not take 1 scan" not in window.texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_how_long_a_till_goes_on_is_told_in_words(language):

    told = left_told(Translator(language), timedelta(hours=3, minutes=12, seconds=59))
    assert Translator(language).number(3) in told and Translator(language).number(12) in told


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_somebody_signs_in_it_is_told_whose_scans_wait_on_the_device(tmp_path, backend, language):
    async with visitor(backend.url, tmp_path, "staff", language) as someone:
        app = someone.app
        till = app.till.current()
        with app.store.write("offline_scans") as connection:
            connection.execute(
                "INSERT INTO offline_scans (key, scan, voucher, use, value_class, frame, nonce, at, state, reason)"
                " VALUES ('key', 's-1', x'00', 0, 1, '', '', '2026-01-01T00:00:00+00:00', 'refused', 'bad_proof')"
            )
        await app.sign_in.demo("participant")
        await app.sign_in.sign_out()
        for route in ("/sign-in", "/enrol"):
            async with someone.window(route, **DESKTOP) as window:
                await window.until(lambda: any(f"till enrol --again {till.id}" in words for words in window.texts()))
                assert any(till.name in words for words in window.texts())
