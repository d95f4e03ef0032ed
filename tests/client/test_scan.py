"""Scanning at the till: one presentation, one verdict, also when the answer gets lost."""

import time
from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer, NotSent
from mirabelle.client.app import App
from mirabelle.client.repositories.outbox import Entry
from mirabelle.contract.till_messages import Scan
from tests.backend import Backend
from tests.client.devices import Device, signed_in
from tests.clock import MovableClock
from tests.wire import Wire

SCAN = "POST /api/v1/scans"


def shown(backend: Backend) -> tuple[str, str]:
    """A new voucher: its frame of now and its typed code."""
    amina = backend.participant()
    voucher = amina.redeem("coffee-and-cake", 450).json()["voucher"]
    return amina.show(voucher, int(time.time())), voucher["code"]


async def verdict(app: App, *, frame: str = "", code: str = "") -> str:
    """What the till is told."""
    answer = await (app.scan.frame(frame) if frame else app.scan.code(code))
    assert isinstance(answer, Scan), answer
    return answer.verdict


async def test_a_voucher_is_accepted_once_and_both_scans_are_in_the_history(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    frame, code = shown(backend)
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app, "staff")
        assert await verdict(app, frame=frame) == "accepted"
        assert await verdict(app, frame=frame) == "already_used"
        assert await verdict(app, code=code) == "not_a_voucher"
        assert [scan.verdict for scan in app.scans.list()] == ["not_a_voucher", "already_used", "accepted"]


async def test_a_verdict_that_got_lost_is_asked_for_again_at_once(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    frame, _ = shown(backend)
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app, "staff")
        wire.lose_reply(SCAN)
        assert await verdict(app, frame=frame) == "accepted"
        assert wire.requests[SCAN] == 2
        assert app.outbox.entries() == []


async def test_a_code_whose_acceptance_got_lost_is_accepted_when_it_is_typed_again(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    _, code = shown(backend)
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app, "staff")
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await verdict(app, code=code)
        other, _ = shown(backend)
        assert await verdict(app, frame=other) == "accepted"  # the next customer is not kept waiting
        assert await verdict(app, code=code) == "accepted"
        assert await verdict(app, code=code) != "accepted"


async def test_a_scan_that_never_arrived_uses_nothing_up(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    _, code = shown(backend)
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app, "staff")
        wire.cut()
        with pytest.raises(NotSent):
            await verdict(app, code=code)
        assert app.outbox.entries() == []
        wire.mend()
        await app.sync()
        assert app.scans.list() == []
        assert await verdict(app, code=code) == "accepted"


async def test_what_may_have_been_accepted_is_not_taken_for_unsent_when_nobody_can_be_asked_again(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    _, code = shown(backend)
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app, "staff")
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await verdict(app, code=code)
        [lost] = app.outbox.entries("scan")
        wire.cut()
        for _ in range(2):
            with pytest.raises(NotSent):
                await verdict(app, code=code)
            assert [(entry.key, entry.state) for entry in app.outbox.entries("scan")] == [(lost.key, "unknown")]
        assert not app.outbox.drop(lost.key)
        wire.mend()
        assert await verdict(app, code=code) == "accepted"
        assert await verdict(app, code=code) != "accepted"


async def test_a_lost_verdict_that_another_window_heard_meanwhile_is_asked_for_no_more(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    _, code = shown(backend)
    device = Device(tmp_path)
    async with device.on(wire.url) as app, device.on(wire.url) as other:
        await signed_in(app, "staff")
        await other.restore()
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await verdict(app, code=code)
        asked, claim = wire.requests[SCAN], app.outbox.claim

        def overtaken(key: str) -> Entry | None:
            app.outbox.claim = claim  # type: ignore[method-assign]
            other.outbox.settle(other.store.connection, key)
            return claim(key)

        app.outbox.claim = overtaken  # type: ignore[method-assign]
        assert await verdict(app, code=code) != "accepted"
        assert wire.requests[SCAN] == asked + 1 and app.outbox.is_empty


async def test_a_lost_verdict_is_in_the_history_and_is_let_go_after_a_day(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    _, code = shown(backend)
    clock = MovableClock()
    async with Device(tmp_path, now=clock).on(wire.url) as app:
        await signed_in(app, "staff")
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await verdict(app, code=code)
        await app.sync()
        assert [scan.verdict for scan in app.scans.list()] == ["accepted"]
        assert wire.requests[SCAN] == 2
        assert len(app.outbox.entries()) == 1
        clock.move(hours=25)
        await app.sync()
        assert app.outbox.entries() == []
