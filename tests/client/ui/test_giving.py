"""Giving a voucher on its page: to whom, are you sure, done; and the gift on its recipient's page."""

import secrets

import flet as ft

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


async def test_a_recipient_whom_nobody_knows_is_told_in_words(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as giver:
        voucher = (await giver.redeem("croissant")).voucher
        async with giver.window(f"/vouchers/{voucher.id}/give") as window:
            await window.type(window.one(ft.TextField, key="recipient"), "nobody@example.org", submit=True)
            await window.tap(window.one(key="confirm"))
            await window.until(lambda: "Nobody here has that address" in window.texts())
        assert giver.app.vouchers.get(voucher.id).state == "ready"
