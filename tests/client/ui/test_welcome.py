"""The first minutes: a language, a way in, a guide that can be left."""

import json
import socket

import flet as ft
import pytest

from mirabelle.contract import limits
from tests.backend import Backend
from tests.mails import mailed_code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_the_first_page_offers_each_language_as_its_readers_write_it(start):
    async with start() as app:
        assert {"English", "Français", "العربية"} <= set(app.texts())
        assert app.page.rtl is False


async def test_choosing_arabic_turns_the_whole_app_around_and_is_remembered(start):
    async with start() as app:
        await app.tap(app.one(ft.Container, where=lambda chip: chip.on_click and "العربية" in app.texts(chip)))
        assert app.page.rtl is True and "جرّب كمشارك" in app.texts()
        assert app.page.theme.font_family == "Noto Sans Arabic Regular"
    async with start() as app:
        assert app.page.rtl is True and "جرّب كمشارك" in app.texts()


async def test_one_tap_and_the_guide_lead_a_newcomer_to_a_wallet_with_points(start):
    async with start() as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.page.route == "/guide")
        for title in ("Earn", "Choose", "Confirm"):
            assert title in app.texts()
            await app.tap(app.one(key="next"))
        assert "Show" in app.texts() and "Let’s go" in app.texts()
        await app.tap(app.one(key="next"))
        balance = app.one(ft.Text, key="balance").value
        assert int(balance.replace(",", "")) > 0


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_the_guide_can_be_left_at_any_step_and_does_not_come_back(start, steps):
    async with start() as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.page.route == "/guide")
        for _ in range(steps):
            await app.tap(app.one(key="next"))
        await app.tap(app.one(key="skip"))
        assert app.one(ft.Text, key="balance")
        await app.go("/settings")
        await app.tap(app.one(key="sign-out"))
        await app.tap(app.one(key="leave", root=app.dialog))
        await app.until(lambda: app.all(key="try-participant"))
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.all(ft.Text, key="balance"))


@pytest.mark.parametrize("calm", [False, True])
async def test_the_dots_of_the_guide_move_only_for_those_who_did_not_ask_for_less_motion(start, device, calm):
    device.calm = calm
    async with start("/guide") as app:
        dots = await app.until(lambda: app.all(ft.Container, where=lambda dot: dot.height == 8))
        assert all((dot.animate is None) == calm for dot in dots)


async def test_staff_come_in_at_the_till(start):
    async with start() as app:
        await app.tap(app.one(key="try-staff"))
        await app.until(lambda: app.page.route == "/till")


async def test_what_was_wanted_before_signing_in_is_there_afterwards(start):
    async with start("/rewards/tea-blend") as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: [view.route for view in app.views][-1] == "/rewards/tea-blend")


async def test_a_session_that_the_server_ended_is_said_to_have_ended(start, start_signed_in, device, backend: Backend):
    await start_signed_in()
    kept = json.loads(device.secrets["mirabelle.session.participant"])
    answer = backend.somebody().post("/sign-in/sign-outs", {"refresh_token": kept["refresh_token"]})
    assert answer.is_success
    async with start("/rewards/tea-blend") as app:
        await app.until(lambda: "Your session has ended" in app.texts())
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.page.route == "/wallet")  # somebody else: what the one before wanted is theirs


async def test_a_mailed_code_signs_in(start, backend: Backend):
    address = "newcomer@shop.example"
    async with start("/sign-in") as app:
        field = app.one(ft.TextField, key="email")
        assert app.one(key="send").disabled
        await app.type(field, address)
        await app.tap(app.one(key="send"))
        await app.until(lambda: app.all(ft.TextField, key="code"))
        assert any(address in words for words in app.texts())
        await app.type(app.one(ft.TextField, key="code"), mailed_code(backend.data, address))
        await app.tap(app.one(key="enter"))
        await app.until(lambda: app.page.route == "/guide")


async def test_a_wrong_code_says_what_happened_what_is_safe_and_what_to_do(start):
    async with start("/sign-in") as app:
        await app.type(app.one(ft.TextField, key="email"), "someone@shop.example", submit=True)
        await app.until(lambda: app.all(ft.TextField, key="code"))
        await app.type(app.one(ft.TextField, key="code"), "000000", submit=True)
        card = await app.until(lambda: app.all(key="error"))
        assert app.texts(card[0]) == [
            "That code does not match",
            "Your account is safe.",
            "Check the newest e-mail, or ask for a new code.",
        ]


async def test_after_too_many_codes_the_limit_is_told_by_the_hour(start, backend: Backend):
    request = {"email": "eager@shop.example", "language": "en"}
    for _ in range(limits.SIGN_IN_CODES_PER_HOUR):
        assert backend.somebody().post("/sign-in/codes", request).is_success
    hint = "One address gets 6 codes an hour at most. Any that came in the last ten minutes will do. Ask again later."
    async with start("/sign-in") as app:
        await app.type(app.one(ft.TextField, key="email"), request["email"], submit=True)
        await app.until(lambda: "Too many codes for this address" in app.texts())
        assert hint in app.texts()


async def test_without_a_server_the_demo_says_so_and_can_be_tried_again(start):
    async with start(server=f"http://127.0.0.1:{free_port()}") as app:
        await app.tap(app.one(key="try-participant"))
        await app.until(lambda: app.all(key="error"))
        assert "There is no connection" in app.texts()
        assert not app.one(key="try-participant").disabled


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (1440, 900)])
async def test_wide_windows_keep_the_poster_beside_signing_in(start, width, height):
    async with start(route="/sign-in", width=width, height=height) as app:
        assert {"Sign in", "Small things, well earned", "E-mail address"} <= {*app.texts(), *app.labels()}
        await app.tap(app.one(key="back"))
        await app.until(lambda: app.page.route == "/welcome")


async def test_a_device_that_starts_again_is_asked_once_for_each_thing_and_told_nothing(start):
    async with start() as first:
        assert ("SecureStorage", "set") in [call[:2] for call in first.window.calls]
    async with start() as again:
        asked = [call for call in again.window.calls if call[0] in ("SecureStorage", "SharedPreferences")]
        assert {method for _kind, method, _arguments in asked} == {"get"}
        assert len({str(call) for call in asked}) == len(asked)
