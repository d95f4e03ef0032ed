"""Gift cards on the screens: the till asks how much, takes it, and both ends see what is left."""

from contextlib import AsyncExitStack

import flet as ft
import pytest

from mirabelle.client.ui.till.state import amount_in
from tests.client.ui.visiting import Visitor, visitor
from tests.wire import Wire

DESKTOP = {"platform": "windows", "width": 1440, "height": 900}
CAPTURE = "POST /api/v1/holds/*/captures"


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.5", "EUR", 1250),
        (" 12,50 ", "EUR", 1250),
        ("١٢٫٥٠", "EUR", 1250),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1234),
        ("1.234,00", "EUR", None),
        ("12.505", "EUR", None),
        ("-1", "EUR", None),
        ("²", "EUR", None),
        ("", "EUR", None),
    ],
)
def test_an_amount_is_read_in_any_digits_and_with_either_sign(typed: str, currency: str, minor: int | None) -> None:
    assert amount_in(typed, currency) == minor


async def card_of(someone: Visitor):
    return (await someone.redeem("gift-card-any", recipient="Lina")).voucher


async def show(window, someone: Visitor, voucher) -> None:
    frame = someone.app.show_voucher.frame(voucher, someone.now())
    await window.type(window.one(ft.TextField, key="wedge"), frame, submit=True)
    await window.until(lambda: window.all(key="balance"))


async def test_the_till_asks_for_an_amount_takes_it_and_both_see_what_is_left(backend, tmp_path):
    async with (
        visitor(backend.url, tmp_path / "a") as someone,
        visitor(backend.url, tmp_path / "b", "staff") as staff,
        staff.window("/till", **DESKTOP) as window,
    ):
        voucher = await card_of(someone)
        await show(window, someone, voucher)
        assert {"€50", "left of €50"} <= set(window.texts())
        for typed, words in (("50.01", "That is more than is left"), ("x", "That is not an amount")):
            await window.type(window.one(ft.TextField, key="amount"), typed)
            assert window.one(ft.TextField, key="amount").error == words and window.one(key="take").disabled
        await window.type(window.one(ft.TextField, key="amount"), "12.50")
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="verdict-accepted"))
        assert {"ACCEPTED", "€12.50 taken, €37.50 left"} <= set(window.texts())
        await someone.app.sync.quietly()
        async with someone.window(f"/vouchers/{voucher.id}") as phone:
            assert "€37.50 left of €50" in phone.texts() and "€12.50" in phone.texts(phone.one(key="takings"))
        async with someone.window("/vouchers") as phone:
            assert "€37.50 left of €50" in phone.texts()
        async with staff.window("/till/report", **DESKTOP) as report:
            assert "€12.50" in report.texts(report.one(key="numbers"))


async def test_all_that_is_left_is_one_tap_and_then_the_card_is_used_up(backend, tmp_path):
    async with (
        visitor(backend.url, tmp_path / "a") as someone,
        visitor(backend.url, tmp_path / "b", "staff", "ar") as staff,
        staff.window("/till", **DESKTOP) as window,
    ):
        voucher = await card_of(someone)
        await show(window, someone, voucher)
        await window.tap(window.one(key="all-of-it"))
        assert window.one(ft.TextField, key="amount").value == "٥٠٫٠٠"
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="verdict-accepted"))
        await someone.app.sync.quietly()
        async with someone.window(f"/vouchers/{voucher.id}") as phone:
            assert {"Used up", "Nothing is left of €50."} <= set(phone.texts()) and phone.one(key="is-used")


async def test_without_an_answer_staff_are_told_to_ask_again_and_it_is_taken_once(backend, tmp_path):
    async with AsyncExitStack() as stack:
        wire = stack.enter_context(Wire(backend.url))
        someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "a"))
        staff = await stack.enter_async_context(visitor(wire.url, tmp_path / "b", "staff"))
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        voucher = await card_of(someone)
        await show(window, someone, voucher)
        wire.lose_reply(CAPTURE, times=2)
        await window.type(window.one(ft.TextField, key="amount"), "20")
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="error"))
        assert any(words.startswith("Nobody knows yet whether €20 was taken") for words in window.texts())
        assert not window.all(key="amount")
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="verdict-accepted"))
        assert "€20 taken, €30 left" in window.texts() and staff.app.outbox.entries() == []


async def test_whoever_goes_on_without_an_answer_is_told_what_was_taken_before_anything_else(backend, tmp_path):
    async with AsyncExitStack() as stack:
        wire = stack.enter_context(Wire(backend.url))
        someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "a"))
        staff = await stack.enter_async_context(visitor(wire.url, tmp_path / "b", "staff"))
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        voucher = await card_of(someone)
        await show(window, someone, voucher)
        wire.lose_reply(CAPTURE, times=2)
        await window.type(window.one(ft.TextField, key="amount"), "20")
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="error"))
        await window.tap(window.one(key="next"))
        await window.until(lambda: window.all(key="verdict-accepted"))
        assert "€20 taken, €30 left" in window.texts() and staff.app.outbox.entries() == []
        assert any("€20 taken, €30 left" in str(told) for _, name, told in window.window.calls if "announce" in name)
        await window.tap(window.one(key="next"))
        assert window.one(ft.TextField, key="wedge")


async def test_without_network_nothing_is_taken_and_the_till_says_so(backend, tmp_path):
    async with AsyncExitStack() as stack:
        wire = stack.enter_context(Wire(backend.url))
        someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "a"))
        staff = await stack.enter_async_context(visitor(wire.url, tmp_path / "b", "staff"))
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        voucher = await card_of(someone)
        await show(window, someone, voucher)
        wire.cut()
        await window.type(window.one(ft.TextField, key="amount"), "20")
        await window.tap(window.one(key="take"))
        await window.until(lambda: window.all(key="error"))
        assert "Nothing was taken. Money on a voucher needs the shop's network." in window.texts()
        await window.tap(window.one(key="next"))
        assert window.one(ft.TextField, key="wedge")
