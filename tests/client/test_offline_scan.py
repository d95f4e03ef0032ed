"""A till without network: what it accepts it keeps, what it cannot know it does not accept, and it says which."""

import socket
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.api import NoAnswer
from mirabelle.client.use_cases.scan_voucher import ONLINE_SECONDS
from mirabelle.rules.trusted_time import ClockRefusal
from tests.backend import Backend
from tests.client.devices import signed_in
from tests.client.tills import Customer, TillDevice, judged, stopped, till_in_sync
from tests.wire import Wire

SCAN = "POST /api/v1/scans"


async def test_without_network_a_voucher_is_accepted_once_and_the_till_says_that_it_was_offline(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        first = await judged(app, customer.frame())
        assert (first.verdict, first.offline, first.reward) == ("accepted", True, "coffee-and-cake")
        assert first.title.en and first.value_minor and first.undo_until
        again = await judged(app, customer.frame())
        assert again.verdict == "already_used" and again.offline
        assert again.first_use is not None and again.first_use.at == first.at
        assert [scan.verdict for scan in app.scans.list()] == ["already_used", "accepted"]
        assert [scan.scan for scan in app.offline_scans.unsent()] == [first.id]


async def test_what_was_accepted_with_network_is_not_accepted_again_without(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        assert not (await judged(app, customer.frame())).offline
        wire.cut()
        again = await judged(app, customer.frame())
        assert (again.verdict, again.offline) == ("already_used", True)


async def test_what_was_accepted_outlives_the_app_and_the_device(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        accepted = await judged(app, customer.frame())
    device.restart()
    async with device.on(wire.url) as app:
        assert (await judged(app, customer.frame())).verdict == "already_used"
        assert [scan.scan for scan in app.offline_scans.unsent()] == [accepted.id]


async def test_it_is_on_the_disk_before_anybody_is_told(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        assert app.store.read.execute("PRAGMA synchronous").fetchone()[0] == 2
        seen: list[int] = []
        file = app.store.path

        def look() -> None:
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as other:
                seen.append(other.execute("SELECT count(*) FROM offline_scans").fetchone()[0])

        app.subscribe(("offline_scans",), look)
        await judged(app, customer.frame())
        assert seen[0] == 1


async def test_a_server_that_keeps_silent_is_waited_for_only_a_moment(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with device.on(f"http://127.0.0.1:{silent.getsockname()[1]}") as app:
            began = time.monotonic()
            answer = await judged(app, customer.frame())
            assert answer.offline and answer.verdict == "accepted"
            assert time.monotonic() - began >= ONLINE_SECONDS  # it did ask; how much longer is the machine's affair


async def test_a_lost_answer_and_an_accept_without_network_are_one_scan(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.lose_reply(SCAN, times=2)
        accepted = await judged(app, customer.frame())
        assert (accepted.verdict, accepted.offline) == ("accepted", True)
        assert app.outbox.entries("scan") == []
        waiting = app.offline_scans.unsent()
        assert [scan.scan for scan in waiting] == [accepted.id]


async def test_a_typed_code_needs_the_network(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        with pytest.raises(NoAnswer):
            await app.scan.code(customer.code)


async def test_a_till_that_never_heard_from_its_programme_accepts_nothing_without_network(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer = Customer(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await signed_in(app, "staff")
        with sqlite3.connect(app.store.path) as other:
            other.execute("DELETE FROM documents WHERE name = 'trust'")
        wire.cut()
        with pytest.raises(NoAnswer):
            await app.scan.frame(customer.frame())


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_wall_clock_that_was_moved_stops_it_until_the_clock_is_right_again(
    wire: Wire, backend: Backend, tmp_path: Path, minutes: int
) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        device.wall += timedelta(minutes=minutes)
        assert await stopped(app, customer.frame()) == ClockRefusal.WRONG
        assert app.scans.list() == [] and not app.offline_scans.unsent()
        device.wall -= timedelta(minutes=minutes)
        assert (await judged(app, customer.frame())).verdict == "accepted"


async def test_a_restarted_till_believes_no_clock_that_went_back(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
    device.restart()
    device.wall -= timedelta(minutes=10)
    async with device.on(wire.url) as app:
        assert await stopped(app, customer.frame()) == ClockRefusal.WRONG


async def test_hours_without_network_and_without_scans_count_too_when_a_clock_is_put_back(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        device.move(hours=30)
        await app.sync.quietly()  # a round as any other, that reaches nobody
    device.restart()
    device.wall = timedelta(minutes=1)
    async with device.on(wire.url) as app:
        assert await stopped(app, customer.frame(device.wall)) == ClockRefusal.WRONG


async def test_hours_without_contact_end_it(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        held = app.trust.held()
        assert held is not None
        assert abs(held.ends_at - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
        wire.cut()
        device.move(hours=23)
        assert (await judged(app, customer.frame(device.wall))).verdict == "accepted"
        device.move(hours=2)
        other = Customer(backend)
        assert (await judged(app, other.frame(device.wall))).verdict == "over_cap"


async def test_old_keys_end_it(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer, device = Customer(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        device.move(days=15)
        assert (await judged(app, customer.frame(device.wall))).verdict == "keyset_expired"


async def test_the_caps_of_a_class_are_counted_from_what_is_on_the_disk(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    device, amina = TillDevice(tmp_path), backend.participant()
    customers = [Customer(backend, amina, "croissant", 110) for _ in range(3)]
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        for customer in customers[:2]:
            assert (await judged(app, customer.frame())).verdict == "accepted"
        taken = app.offline_scans.taken()
        [(class_, cap)] = taken.items()
        held = app.trust.held()
        assert held is not None and cap.count == 2 and cap.value_minor
        most = held.trust.caps[class_].count
        with app.store.write() as connection:  # as many as may be, but for one
            for number in range(most - 3):
                more = msgspec.structs.replace(
                    app.offline_scans.unsent()[0], key=f"key-{number}", scan=f"scan-{number}", use=100 + number,
                    value_minor=0,
                )  # fmt: skip
                app.offline_scans.add(connection, more)
    async with device.on(wire.url) as app:
        assert (await judged(app, customers[2].frame())).verdict == "accepted"
        another = Customer(backend, amina, "croissant", 110)
        assert (await judged(app, another.frame())).verdict == "over_cap"


async def test_a_voucher_of_the_highest_class_needs_the_network(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    customer = Customer(backend, None, "gift-card-cafe", 550, recipient="Lina")
    assert customer.voucher["value_class"] == "C"
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        assert (await judged(app, customer.frame())).verdict == "offline_not_allowed"
