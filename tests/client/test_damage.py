"""A store that is damaged: opened all the same, with all of it that is readable, and the person is told."""

import random
import sqlite3
from pathlib import Path

import pytest

from mirabelle.client.repositories.offline_scans import OfflineScans, Uses
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store
from mirabelle.client.store.pages import PAGE_BYTES
from tests.backend import Backend
from tests.client import damage
from tests.client.devices import TRANSFER, Device, KeptSecrets, confirm, redeemed, signed_in, voucher_of
from tests.client.test_kept_tills import accepted_offline
from tests.client.test_sealed_store import on_disk, plain_file
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.wire import Wire

TRIALS = 10


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("how", ["flip", "cut"])
def test_whatever_is_spoiled_what_is_readable_is_kept_and_nothing_is_lost_without_a_word(
    tmp_path: Path, how: damage.How, is_closed: bool
) -> None:
    content = damage.made(tmp_path / "made.sqlite", is_closed=is_closed)
    chance = random.Random(f"{how} {is_closed}")
    wrong = [damage.trial(tmp_path / "damaged.sqlite", content, how, chance)[0] for _ in range(TRIALS)]
    assert not any(wrong), wrong


def spoil(file: str, *pages: int) -> None:
    """Write over the beginnings of pages; from the first on, where none are named."""
    with open(file, "r+b") as opened:
        for page in pages:
            opened.seek((page - 1) * PAGE_BYTES)
            opened.write(b"\xff" * 16)


def pages_of(file: str, table: str) -> list[int]:
    with sqlite3.connect(file) as connection:
        [root] = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    connection.close()
    return [int(root)]


async def test_a_participants_vouchers_and_outbox_outlive_the_damage_and_the_rest_comes_back(
    wire: Wire, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        voucher = voucher_of(redeemed(await confirm(app, "croissant")))
        wire.cut()
        await confirm(app, "coffee-and-cake")
        [waiting] = app.outbox.entries()
        file, rewards = app.store.path, app.catalog.total()
    spoil(file, 1)  # not even SQLite's own list of tables is left
    async with device.on(wire.url) as app:
        assert app.mishap == "rebuilt"
        assert app.vouchers.get(voucher.id) == voucher
        [kept] = app.outbox.entries()
        assert (kept.key, kept.subject, kept.body) == (waiting.key, waiting.subject, waiting.body)
        assert app.redeem.draft("coffee-and-cake").key == waiting.key
        wire.mend()
        assert await app.sync() is None
        assert app.outbox.entries() == [] and app.catalog.total() == rewards and app.wallet.activity()
        await app.sign_in.sign_out()
        assert device.files() == []  # nor what was set aside


async def test_a_tills_unsent_scans_outlive_the_damage_and_no_use_is_taken_twice(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    online, offline = Customer(backend), Customer(backend)
    device = TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        assert (await judged(app, online.frame())).verdict == "accepted"
        scan = await accepted_offline(app, wire, offline)
        wire.cut()
        file = app.store.path
    spoil(file, 1, *pages_of(file, "uses"))
    async with device.on(wire.url) as app:
        assert app.mishap == "rebuilt"
        assert [one.scan for one in app.offline_scans.unsent()] == [scan.id]
        for customer in (online, offline):
            assert (await judged(app, customer.frame())).verdict == "already_used"
        wire.mend()
        assert await app.sync() is None
        assert app.offline_scans.kept() == 0


async def test_damage_that_is_met_later_is_mended_then_in_all_windows(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
        file = app.store.path
    spoil(file, *pages_of(file, "rewards_bodies"))
    async with device.on(wire.url) as one, device.on(wire.url) as two:
        assert (one.mishap, two.mishap) == (None, None)
        assert one.catalog.get("teapot") is None
        assert (one.mishap, two.mishap) == ("rebuilt", "rebuilt")
        two.outbox.add("l", "transfer", "friend@example.org", TRANSFER, two.now())
        assert {entry.key for entry in one.outbox.entries()} == {"k", "l"}
        assert await one.catalog.refresh() is None
        assert two.catalog.total() > 0


@pytest.mark.parametrize(("name", "scans", "entries"), [("till", 1, 0), ("participant", 0, 2)])
def test_what_was_never_sealed_is_saved_too_and_sealed(tmp_path: Path, name: str, scans: int, entries: int) -> None:
    file = plain_file(name, tmp_path)
    spoil(str(file), 1)
    store = Store()
    assert store.switch(str(file), damage.KEY) == "rebuilt"
    kept = OfflineScans(store).unsent()
    assert (len(kept), len(Outbox(store).entries())) == (scans, entries)
    assert all(scan.frame.startswith("MV1:") and Uses(store).at(scan.voucher, scan.use) for scan in kept)
    store.close()
    assert b"MV1:" not in on_disk(tmp_path) and b"somebody@example.org" not in on_disk(tmp_path)


async def test_damage_that_is_met_in_writing_is_mended_for_the_next_try(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
        file = app.store.path
    spoil(file, *pages_of(file, "dismissed"))
    async with device.on(wire.url) as app:
        with pytest.raises(sqlite3.DatabaseError):
            app.alerts.dismiss("an alert")
        assert app.mishap == "rebuilt" and app.outbox.get("k") is not None
        app.alerts.dismiss("an alert")


async def test_a_damaged_file_without_its_key_is_set_aside(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        file = app.store.path
    spoil(file, 1)
    assert isinstance(device.secrets, KeptSecrets)
    device.secrets.forget_stores()
    async with device.on(wire.url) as app:
        assert (app.session, app.cannot_open) == (None, "set_aside")


def test_what_was_settled_stays_so_and_a_saved_draft_is_another_one(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "x.sqlite"), damage.KEY)
    for key in ("settled", "waiting"):
        Outbox(store).add(key, "transfer", "friend@example.org", TRANSFER, damage.AT)
    with store.write() as connection:
        for key in ("settled", "waiting", "begun"):
            connection.execute("INSERT INTO drafts VALUES (?1, ?1, sealed('drafts', ?1, '{}'))", (key,))
    store.read.execute("PRAGMA wal_checkpoint(PASSIVE)")  # as SQLite does by itself now and then
    with store.write() as connection:
        Outbox.settle(connection, "settled")
        connection.execute("DELETE FROM drafts WHERE key = 'settled'")
        connection.execute("INSERT INTO drafts VALUES ('x', 'y', 'not sealed')")
    again = Store()
    assert again.switch(store.path, damage.KEY) == "rebuilt"
    assert [entry.key for entry in Outbox(again).entries()] == ["waiting"]
    drafts = dict(again.read.execute("SELECT reward, key FROM drafts"))
    assert drafts.keys() == {"waiting", "begun"}
    assert drafts["waiting"] == "waiting" and drafts["begun"] != "begun"
    again.close()
    store.close()
