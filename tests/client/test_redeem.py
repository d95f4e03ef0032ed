"""Redeeming from a device: one draft is one redemption, whatever the network does."""

import asyncio
from pathlib import Path

import pytest

from mirabelle.client.use_cases.redeem import Pending, Refused
from mirabelle.contract.messages import Details
from mirabelle.contract.reasons import Reason
from tests.backend import Backend
from tests.client.devices import Device, balance, confirm, redeemed, signed_in
from tests.wire import Wire

REDEEM = "POST /api/v1/redemptions"
CHEAP = "croissant"  # 110 points, as many as one likes
FOR_SOMEONE = "teddy-bear"  # 950 points, and a name


async def test_a_redemption_brings_wallet_activity_and_voucher_along(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        before = balance(app)
        redemption = redeemed(await confirm(app, CHEAP))
        assert balance(app) == before - redemption.points == redemption.available_after
        assert sum(share.points for share in redemption.paid_by) == redemption.points
        assert app.wallet.activity()[0].reward == CHEAP
        assert [voucher.redemption for voucher in app.vouchers.list() if voucher.state == "ready"] == [redemption.id]
        assert app.outbox.entries() == []


async def test_a_lost_reply_never_spends_twice(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before, key = balance(app), app.redeem.draft(CHEAP).key
        wire.lose_reply(REDEEM, times=3)
        assert await confirm(app, CHEAP) == Pending("unknown")
        assert app.redeem.waiting(key) == "unknown"
        assert app.alerts.current(app.now())[0].kind == "redemption_unknown"
        assert await confirm(app, CHEAP) == Pending("unknown")
        assert await app.redeem.retry(key) == Pending("unknown")
        redemption = redeemed(await app.redeem.retry(key))
        assert wire.requests[REDEEM] == 4
        assert balance(app) == before - redemption.points
        assert sum(one.reward == CHEAP for one in app.redemptions.list()) == 2  # the demo's own past has one


async def test_the_next_sync_finds_the_answer_that_was_lost(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before = balance(app)
        wire.lose_reply(REDEEM)
        assert await confirm(app, CHEAP) == Pending("unknown")
        await app.sync()
        assert app.outbox.entries() == []
        assert balance(app) == before - 110
        assert app.alerts.count == 1  # only the points that expire soon


async def test_confirming_twice_at_once_is_one_redemption(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before = balance(app)
        first, second = await asyncio.gather(confirm(app, CHEAP), confirm(app, CHEAP))
        assert redeemed(first) == redeemed(second)
        assert wire.requests[REDEEM] == 1
        assert balance(app) == before - 110


async def test_two_windows_confirming_one_draft_are_one_redemption(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as one:
        await signed_in(one)
        before, key = balance(one), one.redeem.draft(CHEAP).key
        async with device.on(wire.url) as other:
            assert other.redeem.draft(CHEAP).key == key
            outcomes = await asyncio.gather(confirm(one, CHEAP), confirm(other, CHEAP))
            assert redeemed(outcomes[0]).id == redeemed(outcomes[1]).id
        await one.sync()
        assert balance(one) == before - 110


async def test_what_was_confirmed_outlives_the_app(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    app = await device.start(wire.url)
    await signed_in(app)
    before = balance(app)
    app.redeem.save_draft(FOR_SOMEONE, Details(recipient="Nour"))
    key = app.redeem.draft(FOR_SOMEONE).key
    wire.lose_reply(REDEEM)
    assert await confirm(app, FOR_SOMEONE) == Pending("unknown")
    await app.api.close()  # and no farewell: the app was killed
    async with device.on(wire.url) as app:
        assert app.redeem.draft(FOR_SOMEONE).key == key
        assert app.redeem.draft(FOR_SOMEONE).details.recipient == "Nour"
        assert app.redeem.waiting(key) == "unknown"
        redemption = redeemed(await app.redeem.retry(key))
        assert redemption.details.recipient == "Nour"
        await app.sync()
        assert balance(app) == before - 950
        assert app.redeem.draft(FOR_SOMEONE).key != key


async def test_a_page_that_closes_waits_for_the_answer_under_way(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    app = await device.start(wire.url)
    await signed_in(app)
    confirming = asyncio.ensure_future(confirm(app, CHEAP))
    await asyncio.sleep(0)
    confirming.cancel()
    await app.close()
    async with device.on(wire.url) as app:
        assert app.outbox.entries() == []
        assert app.redemptions.list()[0].reward == CHEAP


async def test_what_was_surely_not_sent_can_be_taken_back(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before, key = balance(app), app.redeem.draft(CHEAP).key
        wire.cut()
        assert await confirm(app, CHEAP) == Pending("not_sent")
        assert app.redeem.waiting(key) == "not_sent"
        assert app.connection == "offline"
        app.redeem.discard(key)
        assert app.outbox.entries() == []
        wire.mend()
        await app.sync()
        assert balance(app) == before
        assert app.redeem.draft(CHEAP).key != key


async def test_what_was_not_sent_goes_out_once_the_network_is_back(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        before = balance(app)
        wire.cut()
        assert await confirm(app, CHEAP) == Pending("not_sent")
        wire.mend()
        await app.sync()
        assert app.outbox.entries() == []
        assert balance(app) == before - 110


async def test_what_may_have_been_done_cannot_be_taken_back(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        key = app.redeem.draft(CHEAP).key
        wire.lose_reply(REDEEM)
        await confirm(app, CHEAP)
        wire.cut()
        assert await app.redeem.retry(key) == Pending("unknown")  # not sent this time, but it was before
        app.redeem.discard(key)
        assert [entry.key for entry in app.outbox.entries()] == [key]


@pytest.mark.parametrize(
    ("reward", "reason"), [("sea-night", Reason.NOT_ENOUGH_POINTS), ("no-such-reward", Reason.NOT_FOUND)]
)
async def test_a_refusal_that_was_seen_leaves_nothing_behind(
    backend: Backend, tmp_path: Path, reward: str, reason: Reason
) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        app.redeem.save_draft(reward, Details(date="2027-05-01"))
        before, key = balance(app), app.redeem.draft(reward).key
        outcome = await confirm(app, reward)
        assert isinstance(outcome, Refused) and outcome.refusal.reason == reason
        assert [(entry.key, entry.reason) for entry in app.outbox.entries()] == [(key, reason)]
        app.redeem.seen(key)
        assert app.outbox.entries() == []
        assert balance(app) == before
        if reason != Reason.NOT_FOUND:  # which this device knew without asking
            assert app.redeem.draft(reward).key != key
