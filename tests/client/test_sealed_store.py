"""What is personal is sealed on the disk: opened by its own key in its own place, and by nothing else."""

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from mirabelle.client.device.secrets import MemorySecrets
from mirabelle.client.repositories.kept_tills import KeptTill, kept_tills
from mirabelle.client.repositories.offline_scans import OfflineScans
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.store.migrations import VERSION
from mirabelle.client.store.seal import Seal
from mirabelle.contract import messages as m
from mirabelle.contract import till_messages as tm
from tests.backend import Backend
from tests.client.devices import TRANSFER, Device, KeptSecrets, confirm, sign_in_by_mail, signed_in
from tests.wire import Wire

DATA = Path(__file__).parents[1] / "data"
KEY = b"k" * 32


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Backend]:
    """A server of this test's own, whose mail can be read."""
    with Backend(tmp_path / "server") as running:
        yield running


def plain_file(name: str, folder: Path) -> Path:
    """A file as the last version wrote it that sealed nothing."""
    file = folder / f"plain-{name}.sqlite"
    file.write_bytes(gzip.decompress((DATA / f"plain-{name}.sqlite.gz").read_bytes()))
    return file


def put_in_place_of(file: Path, other: Path) -> None:
    other.replace(file)


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_value_opens_only_with_its_key_in_its_row_and_its_table() -> None:
    seal = Seal(KEY)
    sealed = seal.sealed("outbox", "1", "secret")
    assert isinstance(sealed, bytes) and b"secret" not in sealed
    assert seal.opened("outbox", "1", sealed) == b"secret"
    assert seal.sealed("outbox", "1", "secret") != sealed
    others = [
        Seal(b"x" * 32).opened("outbox", "1", sealed),
        seal.opened("outbox", "2", sealed),
        seal.opened("drafts", "1", sealed),
        seal.opened("outbox", "1", sealed[:-1]),
        seal.opened("outbox", "1", bytes([*sealed[:-1], sealed[-1] ^ 1])),
        seal.opened("outbox", "1", "secret"),
        seal.opened("outbox", "1", b""),
    ]
    assert others == [None] * len(others)


def test_a_row_moved_to_another_key_is_not_believed(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "a.sqlite"), KEY)
    with store.write() as connection:
        put_document(connection, "wallet", 1)
        put_document(connection, "time", 2)
        connection.execute("UPDATE documents SET body = (SELECT body FROM documents WHERE name = 'time')")
    assert (store.document("time", int), store.document("wallet", int)) == (2, None)
    store.close()


async def test_of_a_participant_nothing_is_readable_in_the_file(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        who = await signed_in(app)
        app.redeem.save_draft("teddy-bear", m.Details(recipient="Somebody Dear"))
        await confirm(app, "croissant")
        [voucher, *_] = app.vouchers.list()
        app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
        assert [entry.subject for entry in app.outbox.entries()] == ["friend@example.org"]
        personal = [who.name, "Somebody Dear", "friend@example.org", voucher.code, voucher.issued]
        found = on_disk(device.directory)
        assert not [words for words in (*personal, "available_after") if words.encode() in found]
        assert b"teapot" in found  # the catalog is nobody's


def test_a_plain_file_is_sealed_in_place_with_all_that_it_held(tmp_path: Path) -> None:
    file = plain_file("participant", tmp_path)
    with closing(sqlite3.connect(file)) as before:
        query = "SELECT key, subject, CAST(body AS BLOB), state FROM outbox ORDER BY created_at"
        entries = before.execute(query).fetchall()
    assert b"somebody@example.org" in file.read_bytes()
    store = Store(str(file), KEY)
    assert [(one.key, one.subject, one.body, one.state) for one in Outbox(store).entries()] == entries != []
    wallet = store.document("wallet", m.Wallet)
    assert wallet is not None and wallet.lots
    [details] = store.read.execute(
        "SELECT opened('drafts', reward, details) FROM drafts WHERE reward = hidden('drafts', 'teddy-bear')"
    ).fetchone()
    assert msgspec.json.decode(details, type=m.Details).recipient == "Lina"
    store.close()
    held = file.read_bytes()
    for words in ("somebody@example.org", "Lina", wallet.name, "available_after", "remaining"):
        assert words.encode() not in held, words


def test_a_tills_plain_file_keeps_its_scans_and_tells_its_name_to_anybody(tmp_path: Path) -> None:
    file = plain_file("till", tmp_path)
    assert b"MV1:" in file.read_bytes()
    [before] = kept_tills(tmp_path, signed_in="")
    store = Store(str(file), KEY)
    till = store.document("till", tm.Till)
    [scan] = OfflineScans(store).unsent()
    assert scan.frame.startswith("MV1:") and scan.nonce == "" and till is not None
    store.close()
    assert b"MV1:" not in file.read_bytes() and till.staff.encode() not in file.read_bytes()
    assert kept_tills(tmp_path, signed_in="") == [before] == [KeptTill(till.id, till.name, 1)]


async def test_a_plain_file_of_whoever_is_signed_in_is_sealed_when_the_app_starts(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        who = await signed_in(app)
        file = Path(app.store.path)
    assert isinstance(device.secrets, KeptSecrets)
    device.secrets.forget_stores()
    wire.cut()
    put_in_place_of(file, plain_file("participant", tmp_path))
    async with device.on(wire.url) as app:
        assert app.session == who and app.cannot_open is None and app.mishap is None
        assert len(app.outbox.entries()) == 2 and app.wallet.current() is not None
    assert b"somebody@example.org" not in on_disk(device.directory)


async def test_without_its_key_a_file_is_set_aside_and_whoever_signs_in_again_is_told(
    own: Backend, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    async with device.on(own.url) as app:
        who = await sign_in_by_mail(app, own, "nour@example.org")
        kept = app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
    before = on_disk(device.directory)
    assert isinstance(device.secrets, KeptSecrets)
    device.secrets.forget_stores()
    async with device.on(own.url) as app:
        assert (app.session, app.cannot_open) == (None, "set_aside")
        assert app.wallet.current() is None
        assert before in on_disk(device.directory)
        assert await sign_in_by_mail(app, own, "nour@example.org") == who
        assert (app.mishap, app.cannot_open) == ("set_aside", None)
        assert app.wallet.current() is not None and app.outbox.get(kept.key) is None
    async with device.on(own.url) as app:
        assert app.session == who and app.mishap == "set_aside"  # until they say that they have seen it
        app.mishap_seen()
        assert app.mishap is None
        await app.sign_in.sign_out()
        assert device.files() == []


async def test_a_window_that_is_open_goes_on_with_the_file_in_use_when_another_sets_its_own_aside(
    own: Backend, tmp_path: Path
) -> None:
    secrets = KeptSecrets()
    device = Device(tmp_path, secrets)
    async with device.on(own.url) as one:
        await sign_in_by_mail(one, own, "nour@example.org")
        secrets.forget_stores()
        async with device.on(own.url) as two:
            assert two.cannot_open == "set_aside" and one.mishap is None  # left alone until somebody signs in
            await sign_in_by_mail(two, own, "nour@example.org")
            assert two.mishap == one.mishap == "set_aside"
        one.outbox.add("k", "transfer", "friend@example.org", TRANSFER, one.now())
        key = await secrets.get(f"store.{Path(one.store.path).stem}")
        again = Store(one.store.path, bytes.fromhex(key or ""))
        assert [entry.key for entry in Outbox(again).entries()] == ["k"]
        again.close()


async def test_a_file_of_a_newer_version_is_left_as_it_is_and_so_is_the_session(wire: Wire, tmp_path: Path) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        who = await signed_in(app)
        file = Path(app.store.path)
        app.store.read.execute(f"PRAGMA user_version = {VERSION + 1}")
    async with device.on(wire.url) as app:
        assert (app.session, app.cannot_open) == (None, "too_new")
    with closing(sqlite3.connect(file, isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION}")  # as if the app had been updated
    async with device.on(wire.url) as app:
        assert app.session == who and app.wallet.current() is not None


class Locked(KeptSecrets):
    """A secret store that gives nothing away but the session while it `is_locked`."""

    is_locked = False

    async def get(self, name: str) -> str | None:
        if self.is_locked and name.startswith("store."):
            raise OSError("the keyring is locked")
        return await super().get(name)


async def test_while_the_secret_store_is_locked_nothing_is_guessed_and_nothing_lost(wire: Wire, tmp_path: Path) -> None:
    locked = Locked()
    device = Device(tmp_path, locked)
    async with device.on(wire.url) as app:
        who = await signed_in(app)
    before, locked.is_locked = on_disk(device.directory), True
    async with device.on(wire.url) as app:
        assert (app.session, app.cannot_open) == (None, "out_of_reach")
    assert on_disk(device.directory) == before
    locked.is_locked = False
    async with device.on(wire.url) as app:
        assert app.session == who and app.wallet.current() is not None


async def test_nobody_is_signed_in_whose_file_could_not_be_sealed(wire: Wire, tmp_path: Path) -> None:
    locked = Locked()
    locked.is_locked = True
    device = Device(tmp_path, locked)
    async with device.on(wire.url) as app:
        with pytest.raises(OSError, match="locked"):
            await app.sign_in.demo("participant")
        assert app.session is None and app.wallet.current() is None
        assert device.files() == [] and await locked.get("session.participant") is None


async def test_on_a_device_that_keeps_no_secrets_what_waits_outlives_the_app(own: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path, MemorySecrets())
    async with device.on(own.url) as app:
        await sign_in_by_mail(app, own, "nour@example.org")
        app.outbox.add("k", "transfer", "friend@example.org", TRANSFER, app.now())
        [key] = [file for file in device.files() if file.suffix == ".key"]
        assert key.stat().st_mode & 0o777 == 0o600
    device.secrets = MemorySecrets()
    async with device.on(own.url) as app:
        assert app.session is None
        await sign_in_by_mail(app, own, "nour@example.org")
        assert [entry.key for entry in app.outbox.entries()] == ["k"] and app.mishap is None
        await app.sign_in.sign_out()
        assert device.files() == []
