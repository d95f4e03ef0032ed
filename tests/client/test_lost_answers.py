"""Answers that a till did not get, and what it is shown next: one presentation is one scan, and nobody else's."""

from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer
from mirabelle.client.app import App
from mirabelle.contract.till_messages import Scan
from mirabelle.rules.frame import Frame, parse
from tests.backend import Backend
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.wire import Wire

SCAN = "POST /api/v1/scans"


def forged(frame: str) -> str:
    """Another text that names the same voucher."""
    voucher = _voucher(frame)
    others = (frame[:at] + letter + frame[at + 1 :] for at in range(200, 300) for letter in "0123")
    return next(other for other in others if other != frame and _voucher(other) == voucher)


def _voucher(text: str) -> bytes | None:
    read = parse(text)
    return read.voucher if isinstance(read, Frame) else None


async def typed(app: App, code: str) -> Scan:
    """The verdict on a typed code."""
    answer = await app.scan.code(code)
    assert isinstance(answer, Scan), answer
    return answer


async def test_what_was_accepted_by_its_typed_code_is_not_accepted_again_without_network(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        first = await typed(app, customer.code)
        assert (first.verdict, first.voucher) == ("accepted", customer.voucher["id"])
        wire.cut()
        again = await judged(app, customer.frame())
        assert (again.verdict, again.offline) == ("already_used", True)
        assert again.first_use is not None and again.first_use.at == first.at


async def test_a_lost_typed_code_and_its_voucher_scanned_without_network_are_one_scan(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await app.scan.code(customer.code)
        wire.cut()
        accepted = await judged(app, customer.frame())
        assert (accepted.verdict, accepted.offline) == ("accepted", True)
        wire.mend()
        await app.sync()
        assert not app.offline_scans.unsent()
        [kept] = app.scans.list()
        assert (kept.verdict, kept.conflict) == ("accepted", None)
        wire.cut()
        assert (await judged(app, customer.frame())).verdict == "already_used"
        wire.mend()
        undone = await app.undo_scan(kept.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None


async def test_a_lost_typed_code_that_came_to_be_another_voucher_takes_nothing_from_the_one_scanned(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer, next_one = Customer(backend), Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await app.scan.code(customer.code)
        wire.cut()
        accepted = await judged(app, next_one.frame())
        wire.mend()
        await app.sync()
        assert {scan.verdict for scan in app.scans.list()} == {"accepted"} and len(app.scans.list()) == 2
        kept = app.scans.get(accepted.id)
        assert kept is not None and kept.conflict is None


async def test_a_lost_typed_code_is_not_accepted_again_once_its_voucher_was_scanned_without_network(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        with pytest.raises(LostAnswer):
            await app.scan.code(customer.code)
        wire.cut()
        assert (await judged(app, customer.frame())).verdict == "accepted"
        wire.mend()
        assert (await typed(app, customer.code)).verdict == "already_used"
        await app.sync()
        assert [(scan.verdict, scan.conflict) for scan in app.scans.list()] == [("accepted", None)]


async def test_a_forged_code_does_not_get_the_acceptance_that_was_lost(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend, None, "gift-card-cafe", 550, recipient="Lina")  # no till decides it without network
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        good = customer.frame()
        wire.lose_reply(SCAN, times=2)
        assert (await judged(app, good)).verdict == "offline_not_allowed"
        assert (await judged(app, forged(good))).verdict.startswith("bad_")
        assert (await judged(app, good)).verdict == "accepted"


async def test_the_same_holder_gets_the_acceptance_that_was_lost_with_a_newer_code(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer, device = Customer(backend, None, "gift-card-cafe", 550, recipient="Lina"), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        assert (await judged(app, customer.frame())).verdict == "offline_not_allowed"
        device.move(seconds=40)
        stale, newer = customer.frame(-2 * device.wall), customer.frame(device.wall)
        assert (await judged(app, stale)).verdict != "accepted"
        assert (await judged(app, newer)).verdict == "accepted"
