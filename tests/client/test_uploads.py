"""What a till accepted without network reaches the programme once, and what comes of it is told in words."""

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mirabelle.client.api import LostAnswer, NoAnswer, Refusal
from mirabelle.client.app import App
from mirabelle.client.ui.till.scans import read_history
from mirabelle.client.use_cases.sign_in import ScansWait
from mirabelle.contract import endpoints
from mirabelle.contract.till_messages import Scan
from tests.backend import Backend
from tests.client.tills import Customer, TillDevice, forge, judged, till_in_sync
from tests.faults.proxy import BadLine
from tests.wire import Wire

SCAN, UPLOAD, TRUST = ("POST /api/v1/scans", "POST /api/v1/scans/uploads", "GET /api/v1/till/trust")


async def accepted_offline(app: App, wire: Wire, customer: Customer) -> Scan:
    """A scan that the till accepted while the wire was cut."""
    wire.cut()
    scan = await judged(app, customer.frame())
    assert (scan.verdict, scan.offline) == ("accepted", True)
    wire.mend()
    return scan


def uses(backend: Backend, scan: str) -> int:
    """How often the programme has the scan as a use."""
    with sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True) as database:
        return int(database.execute("SELECT count(*) FROM uses WHERE scan = ?", (scan,)).fetchone()[0])


async def test_a_scan_leaves_the_till_on_the_programmes_receipt(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, customer)
        await app.sync()
        assert not app.offline_scans.unsent() and uses(backend, scan.id) == 1
        [kept] = app.scans.list()
        assert (kept.id, kept.verdict, kept.offline, kept.conflict) == (scan.id, "accepted", True, None)
        assert (await judged(app, customer.frame())).verdict == "already_used"


async def test_a_lost_receipt_is_asked_for_again_and_counts_once(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, customer)
        wire.lose_reply(UPLOAD)
        with pytest.raises(NoAnswer):
            await app.sync()
        assert [one.state for one in app.offline_scans.unsent()] == ["unknown"]
        await app.sync()
        assert not app.offline_scans.unsent() and uses(backend, scan.id) == 1


async def test_a_scan_that_another_window_may_have_sent_is_not_taken_back_by_one_that_could_not(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, customer)
        [waiting] = app.offline_scans.unsent()
        async with device.on(backend.url) as other:
            for window in (app, other):
                assert window.offline_scans.claim(waiting.key) is not None
            app.offline_scans.put_back(waiting.key)
            assert [one.state for one in other.offline_scans.unsent()] == ["unknown"]
            undone = await app.undo_scan(scan.id)
            assert isinstance(undone, Scan) and undone.undone_at is not None and wire.requests[UPLOAD] == 1
            assert not app.offline_scans.unsent() and not await other.sync()


async def test_a_scan_that_gets_no_answer_keeps_neither_the_others_nor_the_trust_waiting(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    amina = backend.participant()
    customers = [Customer(backend, amina, "croissant", 110) for _ in range(4)]
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        scans = [await judged(app, customer.frame()) for customer in customers]
        wire.mend()
        stuck = {f"u-{scan.key}" for scan in app.offline_scans.unsent()[:2]}
        call = app.api.call

        async def breaks_off(endpoint: Any, **words: Any) -> Any:
            if words.get("key") in stuck:
                raise LostAnswer
            return await call(endpoint, **words)

        app.api.call = breaks_off  # type: ignore[method-assign]
        asked = wire.requests[TRUST]
        for _round in range(2):
            with pytest.raises(LostAnswer):
                await app.sync()
        assert [uses(backend, scan.id) for scan in scans] == [0, 0, 1, 1]
        assert wire.requests[TRUST] == asked + 2
        stuck.clear()
        await app.sync()
        assert [uses(backend, scan.id) for scan in scans] == [1, 1, 1, 1]


async def test_an_accept_whose_answer_was_lost_is_no_conflict_with_itself(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        scan = await judged(app, customer.frame())
        assert scan.offline and uses(backend, scan.id) == 1
        await app.sync()
        assert not app.offline_scans.unsent() and uses(backend, scan.id) == 1
        assert [kept.conflict for kept in app.scans.list()] == [None]


async def test_two_tills_that_took_one_voucher_are_both_told_when_where_and_what_it_cost(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend, None, "croissant", 110)
    async with TillDevice(tmp_path / "1").on(wire.url) as first, TillDevice(tmp_path / "2").on(wire.url) as second:
        for app in (first, second):
            await till_in_sync(app)
        wire.cut()
        here, there = [await judged(app, customer.frame()) for app in (first, second)]
        wire.mend()
        for app in (first, second, first):
            await app.sync()
        [mine], [other] = first.scans.list(), second.scans.list()
        assert mine.conflict is not None and mine.conflict.other is not None
        assert (mine.conflict.is_first, mine.conflict.points_lost, mine.conflict.other.at) == (True, 110, there.at)
        assert other.conflict is not None and other.conflict.other is not None
        assert (other.conflict.is_first, other.conflict.points_lost, other.conflict.other.at) == (False, 110, here.at)
        assert not first.offline_scans.unsent() and not second.offline_scans.unsent()


async def test_a_scan_that_the_programme_does_not_take_stays_until_staff_have_seen_it(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    spoiled, good = Customer(backend), Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, spoiled)
        later = await accepted_offline(app, wire, good)
        forge(app, scan.id)
        await app.sync()
        [refused] = app.offline_scans.list("refused")
        assert (refused.scan, refused.reason) == (scan.id, "bad_holder_signature")
        assert uses(backend, scan.id) == 0 and uses(backend, later.id) == 1  # it keeps nobody else waiting
        with pytest.raises(ScansWait):
            await app.sign_in.sign_out()
        await app.sync()
        assert app.offline_scans.list("refused") == [refused]
        app.offline_scans.see(refused.key)
        assert not app.offline_scans.list("refused")
        await app.sign_in.sign_out()


async def test_a_till_whose_scans_wait_is_neither_signed_out_nor_wiped(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, Customer(backend))
        with pytest.raises(ScansWait):
            await app.sign_in.sign_out()
        assert app.session is not None and [one.scan for one in app.offline_scans.unsent()] == [scan.id]
        await app.sync()
        await app.sign_in.sign_out()
        assert app.session is None and device.files() == []


async def test_a_scan_is_undone_by_the_programme_and_its_voucher_is_good_again(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await judged(app, customer.frame())
        assert scan.undo_until is not None
        undone = await app.undo_scan(scan.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None
        assert await app.undo_scan(scan.id) == undone
        assert (await judged(app, customer.frame())).verdict == "already_used"  # the old code stays used
        renewed = customer.renewed()
        assert (await judged(app, renewed)).verdict == "accepted"


async def test_after_the_minutes_of_the_policy_a_scan_stays(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        scan = await judged(app, Customer(backend).frame())
        device.move(minutes=6)
        refusal = await app.undo_scan(scan.id)
        assert isinstance(refusal, Refusal) and refusal.reason == "too_late"


async def test_the_minutes_to_undo_a_scan_are_the_tills_own_and_no_wall_clocks(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        late, early = [await judged(app, Customer(backend).frame()) for _ in range(2)]
        device.wall += timedelta(seconds=50)  # a little fast, as clocks are
        device.move(minutes=4, seconds=20)
        assert read_history(app).undoable == {late.id, early.id}  # what the button goes by
        undone = await app.undo_scan(early.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None
        assert undone.undone_at - early.at < timedelta(minutes=5)
        assert [one.undone_at for one in app.offline_scans.unsent()] == [None, undone.undone_at]
        device.wall -= timedelta(seconds=50)
        device.move(hours=3)
        assert not read_history(app).undoable
        refusal = await app.undo_scan(late.id)
        assert isinstance(refusal, Refusal) and refusal.reason == "too_late"
        device.wall -= timedelta(hours=3)
        assert read_history(app).undoable == {late.id}
        with pytest.raises(NoAnswer):  # who puts the clock back leaves it to the programme
            await app.undo_scan(late.id)


async def test_a_scan_that_may_have_been_sent_is_undone_by_the_programme_and_not_here(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, Customer(backend))
        wire.lose_reply(UPLOAD)
        with pytest.raises(NoAnswer):
            await app.sync()
        wire.cut()
        with pytest.raises(NoAnswer):
            await app.undo_scan(scan.id)
        wire.mend()
        undone = await app.undo_scan(scan.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None
        assert not app.offline_scans.unsent()


async def test_a_scan_undone_before_it_was_sent_uses_nothing_up(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await accepted_offline(app, wire, customer)
        undone = await app.undo_scan(scan.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None
        await app.sync()
        assert not app.offline_scans.unsent() and uses(backend, scan.id) == 0
        assert (await judged(app, customer.frame())).verdict == "accepted"


class Replaying(BadLine):
    """A line on which somebody answers for the programme: with what it said before, or with a letter changed."""

    said: bytes = b""
    how = ""

    async def _asked(self, request: bytes) -> bytes:
        if not request.startswith(b"GET /api/v1/till/trust "):
            return await super()._asked(request)
        answer = await super()._asked(request.replace(b"gzip", b"none"))  # what is packed cannot be changed
        self.said = self.said or answer
        if self.how == "replayed":
            return self.said
        return answer.replace(rb"hours_since_sync\":24", rb"hours_since_sync\":99") if self.how == "changed" else answer


@pytest.mark.parametrize(("how", "reason"), [("replayed", "rollback"), ("changed", "bad_signature")])
async def test_what_the_programme_did_not_say_now_is_not_believed(
    backend: Backend, tmp_path: Path, how: str, reason: str
) -> None:
    with Replaying(backend.url, seed=1) as line:
        async with TillDevice(tmp_path).on(line.url) as app:
            await till_in_sync(app)
            customer = Customer(backend)
            await judged(app, customer.frame())  # what tills are told is another thing from now on
            await app.sync()
            before = app.trust.held()
            line.how = how
            await app.sync()
            held = app.trust.held()
            assert held is not None and before is not None
            assert (held.bundle, held.refused) == (before.bundle, reason)
            line.how = ""
            await app.sync()
            held = app.trust.held()
            assert held is not None and held.refused == ""


async def test_nothing_is_accepted_while_a_till_is_signed_out(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        told, goes_on, call = asyncio.Event(), asyncio.Event(), app.api.call

        async def slow(endpoint: Any, **words: Any) -> Any:
            if endpoint is endpoints.SIGN_OUT:  # a line that takes its time
                told.set()
                await goes_on.wait()
            return await call(endpoint, **words)

        app.api.call = slow  # type: ignore[method-assign]
        leaving = asyncio.ensure_future(app.sign_in.sign_out())
        await told.wait()
        assert device.files() == []  # before the server is told, which may be when the app is ended
        with pytest.raises(NoAnswer):
            await app.scan.frame(Customer(backend).frame())
        goes_on.set()
        await leaving
        assert device.files() == []


async def test_nothing_is_accepted_into_a_file_that_another_window_took_away(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as one, device.on(wire.url) as two:
        await till_in_sync(one)
        await two.restore()
        await two.sync()
        assert two.trust.held() is not None and two.store.path == one.store.path
        await one.sign_in.sign_out()
        assert device.files() == []
        wire.cut()
        with pytest.raises(NoAnswer):
            await two.scan.frame(Customer(backend).frame())


async def test_what_another_window_accepted_keeps_the_file_of_a_till_that_is_signed_out(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as one, device.on(wire.url) as two:
        await till_in_sync(one)
        await two.restore()
        await two.sync()
        accepted: list[Scan] = []
        forget = one._sessions.forget

        async def slow() -> str | None:
            two.offline_scans.reopen()  # as a window does that opens now
            await two.sync()
            accepted.append(await accepted_offline(two, wire, Customer(backend)))
            return await forget()

        one._sessions.forget = slow  # type: ignore[method-assign]
        file = one.store.path
        await one.sign_in.sign_out()
        assert one.session is None and [str(kept) for kept in device.files() if kept.suffix == ".sqlite"] == [file]
        assert [scan.scan for scan in two.offline_scans.unsent()] == [scan.id for scan in accepted]


async def test_what_a_till_has_pinned_outlives_what_it_keeps(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    with Replaying(backend.url, seed=1) as line:
        async with TillDevice(tmp_path).on(line.url) as app:
            await till_in_sync(app)
            await judged(app, Customer(backend).frame())
            await app.sync()
            with app.store.write("trust") as connection:  # as a version leaves it that keeps bundles otherwise
                connection.execute("UPDATE documents SET body = '{}' WHERE name = 'trust'")
            line.how = "replayed"
            await app.sync()
            assert app.trust.held() is None
            line.how = ""
            await app.sync()
            assert app.trust.held() is not None
