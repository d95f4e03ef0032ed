"""Redemptions that more than one window or version of the app sends, and what is asked about too late."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.app import App
from mirabelle.client.use_cases.redeem import Pending, Refused, Superseded
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.limits import IDEMPOTENCY_KEY_DAYS, REQUEST_DAYS
from mirabelle.contract.reasons import Reason
from tests.backend import Backend
from tests.client.devices import REDEMPTION, Device, balance, confirm, redeemed, signed_in, taken_up
from tests.client.test_redeem import CHEAP, REDEEM
from tests.client.test_send_points import BASIL, TRANSFER
from tests.clock import MovableClock
from tests.wire import Wire


async def test_a_redemption_that_another_window_sent_cannot_be_taken_back_by_one_that_could_not(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        key = app.redeem.draft(CHEAP).key
        wire.cut()
        assert await confirm(app, CHEAP) == Pending("not_sent")
        async with device.on(backend.url) as other:
            retry = asyncio.ensure_future(app.redeem.retry(key))
            await taken_up(app)
            assert other.outbox.claim(key) is not None and not retry.done()  # and its answer is lost
            assert await retry == Pending("unknown")
            app.redeem.discard(key)
            assert [entry.state for entry in app.outbox.entries()] == ["unknown"]
            redeemed(await other.redeem.retry(key))
            assert await app.redeem.confirm(CHEAP, key, 110) == Superseded()


async def test_what_an_earlier_version_wrote_down_is_sent_as_it_stands(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        key, request = app.redeem.draft(CHEAP).key, msgspec.json.decode(REDEMPTION)
        request["holder_key"] = app._sessions._keys.holder_public(key.encode())
        del request["more_holder_keys"]
        body = msgspec.json.format(msgspec.json.encode(request))
        first = await app.api.call(e.REDEEM, body=body, key=key)  # whose answer is lost
        app.outbox.add(key, "redemption", CHEAP, body, app.now())
        app.outbox.claim(key)
        assert redeemed(await app.redeem.retry(key)) == first


async def test_what_was_done_under_a_key_in_other_words_is_found_among_the_redemptions(
    backend: Backend, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        key = app.redeem.draft(CHEAP).key
        done = await app.api.call(e.REDEEM, body=request_of(app, key), key=key)
        app.outbox.add(key, "redemption", CHEAP, msgspec.json.format(request_of(app, key)), app.now())
        app.outbox.claim(key)
        assert isinstance(done, m.Redemption)
        assert redeemed(await app.redeem.retry(key)).id == done.id and app.outbox.is_empty


async def test_past_the_time_that_keys_are_kept_nothing_is_done_again_and_what_was_done_is_found(
    backend: Backend, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        await signed_in(app)
        key, before = app.redeem.draft(CHEAP).key, len(app.redemptions.list())
        done = await app.api.call(e.REDEEM, body=request_of(app, key), key=key)
        app.outbox.add(key, "redemption", CHEAP, request_of(app, key), app.now())
        app.outbox.claim(key)
        was_asked_since(app, app.now() - timedelta(days=IDEMPOTENCY_KEY_DAYS + 1))
        with closing(sqlite3.connect(backend.data / "mirabelle.sqlite")) as connection, connection:
            connection.execute("DELETE FROM answers WHERE key = ?", (key,))  # as the server does when it closes a day
        await app.sync()
        assert isinstance(done, m.Redemption) and app.redemptions.list()[0].id == done.id
        assert app.outbox.is_empty and len(app.redemptions.list()) == before + 1


@pytest.mark.parametrize("since", ["1970-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "9999-01-01T00:00:00Z"])
async def test_what_may_be_as_old_as_keys_are_kept_is_asked_for_and_not_done_and_is_the_persons_to_decide(
    wire: Wire, tmp_path: Path, since: str
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        key, before = app.redeem.draft(CHEAP).key, balance(app)
        app.outbox.add(key, "redemption", CHEAP, request_of(app, key), app.now())
        app.outbox.claim(key)
        app.outbox.add("a-transfer", "transfer", BASIL, b'{"recipient":"basil@example.org","points":9}', app.now())
        app.outbox.claim("a-transfer")
        was_asked_since(app, datetime.fromisoformat(since))
        wire.cut()
        assert await app.redeem.retry(key) == Pending("unknown")
        wire.mend()
        outcome = await app.redeem.retry(key)
        assert isinstance(outcome, Refused) and outcome.refusal.reason == Reason.OUTCOME_UNKNOWN
        await app.sync()
        assert wire.requests[REDEEM] == wire.requests[TRANSFER] == 1 and balance(app) == before
        assert {entry.reason for entry in app.outbox.entries()} == {Reason.OUTCOME_UNKNOWN}
        assert "redemption_unclear" in [alert.kind for alert in app.alerts.current(app.now())]
        again = redeemed(await confirm(app, CHEAP))  # the person looked, and asks anew
        assert again.voucher is not None and again.voucher.key_salt != key


async def test_a_clock_that_jumps_ahead_gives_nothing_up_and_has_nothing_done_twice(wire: Wire, tmp_path: Path) -> None:
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(REDEEM)
        before = len(app.redemptions.list())
        assert await confirm(app, CHEAP) == Pending("unknown")
        clock.move(days=4 * 365)
        await app.sync()
        assert app.outbox.is_empty and app.alerts.current(app.now()) == []
        assert wire.requests[REDEEM] == 2 and len(app.redemptions.list()) == before + 1


async def test_a_request_whose_date_is_damaged_is_settled_by_the_answer_that_is_kept(
    wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(REDEEM)
        assert await confirm(app, CHEAP) == Pending("unknown")
        with app.store.write("outbox") as connection:  # as it comes out of a file that was put together anew
            connection.execute("UPDATE outbox SET asked_since = NULL, created_at = '1970-01-01T00:00:00+00:00'")
        await app.sync()
        assert app.outbox.is_empty and app.redemptions.list()[0].reward == CHEAP


async def test_how_long_ago_something_was_sent_is_told_by_what_the_server_said_and_by_no_clock_of_the_device(
    wire: Wire, tmp_path: Path
) -> None:
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app)
        wire.cut()
        clock.move(days=500)
        assert await confirm(app, CHEAP) == Pending("not_sent")
        [waiting] = app.outbox.entries()
        claimed, wallet = app.outbox.claim(waiting.key), app.wallet._store.document("wallet", m.Wallet)
        [asked] = app.outbox.entries()
        assert claimed is not None and wallet is not None
        assert (waiting.since, claimed.since, asked.since) == (None, None, wallet.as_of)
        again = app.outbox.claim(waiting.key)
        assert again is not None and again.since == wallet.as_of


async def test_what_was_surely_not_sent_is_sent_however_late(wire: Wire, tmp_path: Path) -> None:
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app)
        wire.cut()
        assert await confirm(app, CHEAP) == Pending("not_sent")
        clock.move(days=REQUEST_DAYS + 1)
        wire.mend()
        await app.sync()
        assert wire.requests[REDEEM] == 1 and app.outbox.is_empty


def was_asked_since(app: App, at: datetime) -> None:
    """All that is in the outbox was sent since `at`."""
    with app.store.write("outbox") as connection:
        connection.execute("UPDATE outbox SET asked_since = ?", (at.isoformat(),))


def request_of(app: App, key: str) -> bytes:
    """A redemption's request, written down."""
    request = msgspec.json.decode(REDEMPTION, type=m.RedemptionRequest)
    holder_key = app._sessions._keys.holder_public(key.encode())
    return msgspec.json.encode(msgspec.structs.replace(request, holder_key=holder_key))
