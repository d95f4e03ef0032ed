"""The wallet on the device: what time alone does to points is shown without asking the server."""

from pathlib import Path

import pytest

from mirabelle.contract import endpoints as e
from mirabelle.contract.messages import Wallet
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, signed_in
from tests.clock import MovableClock


async def test_the_wallet_left_alone_is_what_the_server_says_later(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", clock=clock) as backend:
        async with Device(tmp_path, now=clock).on(backend.url) as app:
            await signed_in(app)
            seen = []
            for days in (0, 2, 1, 8, 20, *[50] * 8):
                clock.move(days=days)
                projected = app.wallet.current()
                told = await app.api.call(e.WALLET)
                assert isinstance(told, Wallet) and projected is not None
                assert (projected.available, projected.pending, projected.held) == (
                    told.available, told.pending, told.held,
                )  # fmt: skip
                assert [(lot.number, lot.remaining, lot.available_at) for lot in projected.lots] == [
                    (lot.number, lot.remaining, lot.available_at) for lot in told.lots
                ]
                seen.append(told.available)
            assert seen[0] < max(seen) and seen[-1] == 0  # points arrived, and in the end all expired


async def test_the_timeline_adds_up_to_what_can_be_spent(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        wallet, bars, next_expiry = (
            app.wallet.current(),
            app.wallet.timeline(app.now()),
            app.wallet.next_expiry(app.now()),
        )
        assert wallet is not None and next_expiry is not None
        assert sum(bar.points for bar in bars) == wallet.available
        assert [bar.first for bar in bars] == [True] + [False] * (len(bars) - 1)
        months = [bar.month_start for bar in bars if bar.month_start is not None]
        assert months == sorted(months) and len(bars) <= 5
        assert next_expiry[0] <= bars[0].points


async def test_activity_reads_on_without_a_hole(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        for _ in range(3):
            await confirm(app, "croissant")
        rows = app.wallet.activity(limit=1000)
        assert [row.sequence for row in rows] == list(range(rows[0].sequence, rows[-1].sequence - 1, -1))
        assert rows[0].available_after == rows[1].available_after - 110
        older = app.wallet.activity(limit=5, before=rows[4].sequence)
        assert older == rows[5:10]
        assert app.wallet.has_older == (rows[-1].sequence > 1)


@pytest.mark.parametrize("dismissed", [False, True])
async def test_a_dismissed_alert_stays_away(backend: Backend, tmp_path: Path, dismissed: bool) -> None:
    device = Device(tmp_path)
    async with device.on(backend.url) as app:
        await signed_in(app)
        alerts = app.alerts.current(app.now())
        assert [alert.kind for alert in alerts] == ["points_expire"]
        if dismissed:
            app.alerts.dismiss(alerts[0].id)
    async with device.on(backend.url) as app:
        await app.sync()
        assert app.alerts.count == (0 if dismissed else 1)


async def test_a_servers_clock_that_is_set_right_does_not_freeze_the_wallet(tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path / "server", clock=clock) as server:
        clock.move(minutes=8)
        async with Device(tmp_path).on(server.url) as app:
            await signed_in(app)
            before = app.wallet.current()
            clock.move(minutes=-8)
            redeemed(await confirm(app, "croissant"))
            await app.sync()
            after = app.wallet.current()
            assert before is not None and after is not None
            assert after.available == before.available - 110 and after.as_of < before.as_of


@pytest.mark.parametrize(("seconds", "is_off"), [(50, False), (-50, False), (100, True), (-100, True)])
async def test_a_clock_that_is_off_by_more_than_a_minute_is_known_at_each_answer(
    tmp_path: Path, seconds: int, is_off: bool
) -> None:
    clock, own = MovableClock(), MovableClock()
    own.move(seconds=seconds)
    with Backend(tmp_path / "server", clock=clock) as server:
        async with Device(tmp_path, now=own).on(server.url) as app:
            await signed_in(app)
            assert app.wallet.clock_is_off == is_off
            own.move(seconds=-seconds)
            await app.sync()
            assert not app.wallet.clock_is_off
