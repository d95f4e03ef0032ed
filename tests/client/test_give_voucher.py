"""A voucher given from the device: once, whatever becomes of the request; the recipient's device shows it."""

import secrets
from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.contract import messages as m
from mirabelle.contract.wire import API_PREFIX
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, sign_in_by_mail, signed_in, voucher_of
from tests.wire import Wire


def an_address() -> str:
    return f"basil-{secrets.token_hex(4)}@example.org"


async def with_voucher(app: App) -> m.Voucher:
    await signed_in(app)
    return voucher_of(redeemed(await confirm(app, "croissant")))


def kept(app: App, voucher: m.Voucher) -> m.Voucher:
    found = app.vouchers.get(voucher.id)
    assert found is not None
    return found


async def test_the_recipients_device_makes_its_own_key_and_the_till_takes_the_gift(
    backend: Backend, tmp_path: Path
) -> None:
    address, till = an_address(), backend.till()
    async with Device(tmp_path).on(backend.url) as giver, Device(tmp_path).on(backend.url) as recipient:
        await sign_in_by_mail(recipient, backend, address)
        voucher = await with_voucher(giver)
        assert isinstance(await giver.give_voucher(voucher.id, address), m.Redemption)
        gone = kept(giver, voucher)
        assert (gone.state, gone.given_to, gone.code) == ("given", address, "")
        assert not giver.show_voucher.is_here(gone)
        await recipient.sync()
        came = kept(recipient, voucher)
        assert came.given_by and recipient.show_voucher.is_here(came)
        frame = recipient.show_voucher.frame(came, recipient.now())
        assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"
        await giver.sync()
        assert kept(giver, voucher).state == "used"


async def test_a_lost_answer_is_settled_by_the_next_sync_and_until_then_no_code_is_shown(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    address = an_address()
    async with Device(tmp_path).on(wire.url) as giver, Device(tmp_path).on(backend.url) as recipient:
        await sign_in_by_mail(recipient, backend, address)
        voucher = await with_voucher(giver)
        wire.lose_reply(f"POST {API_PREFIX}/vouchers/{voucher.id}/gifts")
        with pytest.raises(LostAnswer):
            await giver.give_voucher(voucher.id, address)
        assert giver.give_voucher.is_open(voucher.id)
        assert await giver.give_voucher(voucher.id, "somebody@example.org") is None
        await giver.sync()
        assert not giver.give_voucher.is_open(voucher.id) and kept(giver, voucher).given_to == address


async def test_what_was_surely_not_sent_is_not_given(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as giver:
        voucher = await with_voucher(giver)
        wire.cut()
        with pytest.raises(NotSent):
            await giver.give_voucher(voucher.id, an_address())
        assert giver.give_voucher.last(voucher.id) is None and kept(giver, voucher).state == "ready"


async def test_a_refusal_leaves_the_voucher_as_it_was(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as giver:
        voucher = await with_voucher(giver)
        refused = await giver.give_voucher(voucher.id, an_address())
        assert isinstance(refused, Refusal) and refused.reason == "no_such_recipient"
        assert giver.give_voucher.last(voucher.id) is None and giver.show_voucher.is_here(kept(giver, voucher))
