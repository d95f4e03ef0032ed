"""Giving a voucher on its page: to whom, are you sure, done; and the gift on its recipient's page."""

import secrets

import flet as ft
import msgspec
import pytest

from mirabelle.client.repositories.redemptions import keep_redemption
from mirabelle.contract.reasons import Reason
from tests.client.devices import sign_in_by_mail
from tests.client.ui.visiting import Visitor, visitor


async def test_a_gift_is_confirmed_first_and_then_shown_on_both_sides(backend, tmp_path):
    address = f"basil-{secrets.token_hex(4)}@example.org"
    async with visitor(backend.url, tmp_path / "giver") as giver:
        recipient = Visitor(backend.url, tmp_path / "recipient")
        await sign_in_by_mail(recipient.app, backend, address)
        voucher = (await giver.redeem("croissant")).voucher
        async with giver.window(f"/vouchers/{voucher.id}") as window:
            await window.tap(window.one(key="give"))
            await window.until(lambda: window.all(key="recipient"))
            await window.type(window.one(ft.TextField, key="recipient"), address)
            await window.tap(window.one(key="continue"))
            assert giver.app.vouchers.get(voucher.id).state == "ready"
            await window.tap(window.one(key="confirm"))
            await window.until(lambda: f"Given to {address}" in window.texts())
        async with giver.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(key="is-given") and not window.all(ft.Image, key="code") and not window.all(key="more")
        await recipient.app.sync.quietly()
        name = giver.app.wallet.current().name
        async with recipient.window(f"/vouchers/{voucher.id}") as window:
            assert window.one(ft.Image, key="code") and f"A gift from {name}" in window.texts()
            assert window.all(key="calendar") and not window.all(key="give") and not window.all(key="cancel")
        async with recipient.window("/vouchers") as window:
            assert f"A gift from {name}" in window.texts()
        await recipient.app.close()


@pytest.mark.parametrize("is_given", [False, True])
async def test_what_is_known_of_a_gift_is_not_called_unclear_on_its_page(backend, tmp_path, is_given):
    async with visitor(backend.url, tmp_path) as giver:
        redemption = await giver.redeem("croissant")
        app, voucher = giver.app, redemption.voucher
        app.outbox.add("a-gift", "gift", voucher.id, b'{"recipient": "basil@example.org"}', giver.now())
        app.outbox.refuse("a-gift", Reason.OUTCOME_UNKNOWN)
        if is_given:
            given = msgspec.structs.replace(voucher, state="given", given_to="basil@example.org")
            with app.store.write("vouchers", "redemptions") as connection:
                keep_redemption(connection, msgspec.structs.replace(redemption, voucher=given))
        async with giver.window(f"/vouchers/{voucher.id}/give") as window:
            assert bool(window.all(key="seen")) is not is_given
            assert ("Given to basil@example.org" in window.texts()) is is_given


async def test_a_recipient_whom_nobody_knows_is_told_in_words(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as giver:
        voucher = (await giver.redeem("croissant")).voucher
        async with giver.window(f"/vouchers/{voucher.id}/give") as window:
            await window.type(window.one(ft.TextField, key="recipient"), "nobody@example.org", submit=True)
            await window.tap(window.one(key="confirm"))
            await window.until(lambda: "Nobody here has that address" in window.texts())
        assert giver.app.vouchers.get(voucher.id).state == "ready"
