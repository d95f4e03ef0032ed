"""Showing a voucher: made on the device, good without network, leased to the device that shows it."""

import time
from datetime import timedelta
from pathlib import Path

from mirabelle.contract.messages import Voucher
from mirabelle.rules import frame
from mirabelle.rules.voucher import CheckContext, check
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.services.secrets_file import open_issuer
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, sign_in_by_mail, signed_in, voucher_of
from tests.clock import MovableClock
from tests.people import people_with_points
from tests.wire import Wire

CAFE = 1  # the reference of the store that the demo's vouchers of the café are for


def checked(backend: Backend, text: str, now: float, *, online: bool = False) -> VoucherCode:
    """What a till says that knows the issuer's key and nothing else."""
    issuer = open_issuer(backend.data / "secrets")
    read = frame.parse(text)
    store = read.scope if isinstance(read, frame.Frame) else CAFE
    keys = {issuer.key_id: issuer.public_key}
    caps = dict.fromkeys(range(1, 4), 1)
    return check(text, CheckContext(keys, 2**32, int(now), store, online, caps_left=caps)).code


async def test_a_voucher_shown_without_network_is_good_now_and_accepted_later(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    till = backend.till()
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        voucher = voucher_of(redeemed(await confirm(app, "coffee-and-cake")))
    wire.cut()
    async with device.on(wire.url) as app:
        kept = app.vouchers.get(voucher.id)
        assert kept is not None and kept.state == "ready"
        text = app.show_voucher.frame(kept, app.now())
        assert checked(backend, text, time.time()) == VoucherCode.ACCEPTED
        assert till.post("/scans", {"frame": text}).json()["verdict"] == "accepted"
        wire.mend()
        await app.sync()
        used = app.vouchers.get(voucher.id)
        assert used is not None and used.state == "used" and used.use is not None


async def test_each_window_of_thirty_seconds_has_its_own_text(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        voucher = voucher_of(redeemed(await confirm(app, "croissant")))
        now = app.now()
        left = app.show_voucher.seconds_left(now)
        assert 0 < left <= 30
        text = app.show_voucher.frame(voucher, now)
        assert app.show_voucher.frame(voucher, now + timedelta(seconds=left - 0.01)) == text
        next_text = app.show_voucher.frame(voucher, now + timedelta(seconds=left + 0.01))
        assert next_text != text
        assert checked(backend, text, now.timestamp() + left + 60) == VoucherCode.STALE_CODE


async def test_a_lease_is_renewed_once_half_of_it_is_gone(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", clock=clock) as backend:
        async with Device(tmp_path, now=clock).on(backend.url) as app:
            await signed_in(app)
            issued = voucher_of(redeemed(await confirm(app, "croissant")))
            clock.move(hours=35)
            await app.sync()
            assert _kept(app.vouchers.list(), issued).lease_ends_at == issued.lease_ends_at
            clock.move(hours=2)
            await app.sync()
            renewed = _kept(app.vouchers.list(), issued)
            assert renewed.lease_ends_at - issued.lease_ends_at > timedelta(hours=36)
            text = app.show_voucher.frame(renewed, app.now())
            assert checked(backend, text, app.now().timestamp()) == VoucherCode.ACCEPTED


async def test_a_lease_that_ends_with_its_voucher_is_let_be(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", clock=clock) as backend, Wire(backend.url) as wire:
        async with Device(tmp_path, now=clock).on(wire.url) as app:
            await signed_in(app)
            issued = voucher_of(redeemed(await confirm(app, "croissant")))  # good for 30 days
            clock.move(days=29)
            await app.sync()
            lease = f"POST /api/v1/vouchers/{issued.id}/leases"
            assert wire.requests[lease] == 1
            assert _kept(app.vouchers.list(), issued).lease_ends_at <= issued.expires_at
            clock.move(hours=20)
            await app.sync()
            assert wire.requests[lease] == 1
            clock.move(days=2)
            assert _kept(app.vouchers.list(), issued).state == "expired"  # said by the device itself


async def test_the_device_signed_in_last_shows_the_voucher(tmp_path: Path) -> None:
    data = tmp_path / "server"
    people_with_points(data, "nour@example.org")
    with Backend(data) as backend:
        till = backend.till()
        async with Device(tmp_path).on(backend.url) as old, Device(tmp_path).on(backend.url) as new:
            await sign_in_by_mail(old, backend, "nour@example.org")
            issued = voucher_of(redeemed(await confirm(old, "croissant")))
            await sign_in_by_mail(new, backend, "nour@example.org")
            await old.sync()
            verdicts = []
            for app in (old, new):
                text = app.show_voucher.frame(_kept(app.vouchers.list(), issued), app.now())
                verdicts.append(till.post("/scans", {"frame": text}).json()["verdict"])
            assert verdicts == ["bad_holder_signature", "accepted"]


def _kept(vouchers: list[Voucher], issued: Voucher) -> Voucher:
    return next(voucher for voucher in vouchers if voucher.id == issued.id)
