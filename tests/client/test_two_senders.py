"""Redemptions that more than one window or version of the app sends, and what is asked about too late."""

import asyncio
from pathlib import Path

import msgspec

from mirabelle.client.app import App
from mirabelle.client.use_cases.redeem import Pending, Refused, Superseded
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.limits import REQUEST_DAYS
from mirabelle.contract.reasons import Reason
from tests.backend import Backend
from tests.client.devices import REDEMPTION, Device, confirm, redeemed, signed_in, taken_up
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


async def test_past_the_time_that_keys_are_kept_nothing_is_sent_again_and_what_was_done_is_found(
    wire: Wire, tmp_path: Path
) -> None:
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app)
        wire.lose_reply(REDEEM)
        assert await confirm(app, CHEAP) == Pending("unknown")
        clock.move(days=REQUEST_DAYS + 1)
        await app.sync()
        assert wire.requests[REDEEM] == 1 and app.outbox.is_empty
        assert app.redemptions.list()[0].reward == CHEAP


async def test_past_the_time_that_keys_are_kept_what_is_found_nowhere_is_the_persons_to_decide(
    wire: Wire, tmp_path: Path
) -> None:
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app)
        key = app.redeem.draft(CHEAP).key
        app.outbox.add(key, "redemption", CHEAP, request_of(app, key), app.now())
        app.outbox.claim(key)
        app.outbox.add("a-transfer", "transfer", BASIL, b'{"recipient":"basil@example.org","points":9}', app.now())
        app.outbox.claim("a-transfer")
        clock.move(days=REQUEST_DAYS + 1)
        wire.cut()
        assert await app.redeem.retry(key) == Pending("unknown")
        wire.mend()
        outcome = await app.redeem.retry(key)
        assert isinstance(outcome, Refused) and outcome.refusal.reason == Reason.OUTCOME_UNKNOWN
        await app.sync()
        assert not wire.requests[REDEEM] and not wire.requests[TRANSFER]
        assert {entry.reason for entry in app.outbox.entries()} == {Reason.OUTCOME_UNKNOWN}
        assert "redemption_unclear" in [alert.kind for alert in app.alerts.current(app.now())]
        again = redeemed(await confirm(app, CHEAP))  # the person looked, and asks anew
        assert again.voucher is not None and again.voucher.key_salt != key


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


def request_of(app: App, key: str) -> bytes:
    """A redemption's request, written down."""
    request = msgspec.json.decode(REDEMPTION, type=m.RedemptionRequest)
    holder_key = app._sessions._keys.holder_public(key.encode())
    return msgspec.json.encode(msgspec.structs.replace(request, holder_key=holder_key))
