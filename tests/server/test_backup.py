"""Backups: taken while people redeem, brought back on either database, and refused where they are not whole."""

import gzip
import hashlib
import json
import os
import random
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirabelle.server.services.backup_file import BackupReader
from mirabelle.server.storage.database import FILE_NAME
from mirabelle.server.storage.schema import metadata
from tests.backend import Backend, Person
from tests.server.commands import Said, Shop, purchase, redemption
from tests.server.conftest import fresh_database
from tests.server_process import ServerProcess

NOW = "2100-01-01T00:00:00Z"
EVENTS = [purchase("p1", "150.00"), purchase("p2", "20.00", who="basil"), redemption("r1")]


@pytest.fixture
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes the URL of a database beside the shop's."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'other.sqlite'}"
        context = fresh_database(request.getfixturevalue("postgresql"))
        url = context.__enter__()
        request.addfinalizer(lambda: context.__exit__(None, None, None))
        return url

    return make


def back_up(shop: Shop, name: str = "ledger.backup") -> Path:
    """A new backup of the shop's ledger."""
    file = shop.folder / name
    said = shop.run("backup", file, *shop.store())
    assert said.code == 0, said
    return file


def restore(shop: Shop, file: Path, *words: object, url: str = "") -> Said:
    """Restore `file` into the folder "there", or to `url`."""
    return shop.run("restore", file, "--data", shop.folder / "there", "--database", url, *words)


def there(shop: Shop, url: str = "") -> Shop:
    """The shop as it was restored."""
    folder = shop.folder / "restored"
    folder.mkdir(exist_ok=True)
    return Shop(folder, url or f"sqlite:///{shop.folder / 'there' / FILE_NAME}", shop.capsys)


def contents(file: Path) -> dict[str, list[str]]:
    """All rows of a backup by table, in an order of their own."""
    rows: dict[str, list[str]] = {}
    for head, some in BackupReader(file).tables(100):
        rows.setdefault(head.table, []).extend(repr(row) for row in some)
    return {table: sorted(rows) for table, rows in rows.items()}


def is_refused(said: Said, why: str) -> bool:
    """Whether a command ended with exit code 2 and one line that says why."""
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said
    return said.err.startswith("mirabelle: ") and why in said.err


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_one_database_gave_either_takes(any_shop: Shop, kind: str, other_url: Callable[[str], str]) -> None:
    any_shop.imported(EVENTS)
    file, url = back_up(any_shop), other_url(kind)
    said = restore(any_shop, file, url=url)
    assert said.code == 0 and "the audit passes" in said.out
    restored = there(any_shop, url)
    assert restored.audit(NOW) == any_shop.audit(NOW)
    assert contents(back_up(restored)) == contents(file)
    restored.imported([purchase("p3", "10.00")])  # what was restored goes on
    assert restored.audit(NOW)["issued"] == any_shop.audit(NOW)["issued"] + 10


def test_every_table_and_every_kind_of_value_comes_back(
    shop: Shop, postgresql_url: str, other_url: Callable[[str], str]
) -> None:
    with Backend(shop.folder / "data", database_url=postgresql_url) as server:
        person, till = server.participant(), server.till()
        shown = person.redeem("croissant", 110).json()["voucher"]
        frame, at = person.show(shown, int(time.time())), datetime.now(UTC).isoformat()
        assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"
        late = server.till().post("/scans/uploads", {"key": "a-key-of-its-own", "frame": frame, "at": at})
        assert late.json()["outcome"] == "conflict"
        broken = till.post("/scans/uploads", {"key": "another-key", "frame": "MV1:BROKEN", "at": at})
        assert broken.json()["code"] == "bad_proof"
        till.post("/scans", {"code": shown["code"]})
        person.post("/sign-in/codes", {"email": "amina@example.org"})
        card = person.redeem("gift-card-any", 2700, recipient="Lina").json()["voucher"]
        scan = till.post("/scans", {"frame": person.show(card, int(time.time()))}).json()["id"]
        assert till.post("/holds", {"scan": scan, "amount_minor": 100}).status_code == 201
        chosen = {"days": [7], "every_days": 1, "quiet_from": 0, "quiet_to": 0}
        assert person.post("/reminders", {"choices": chosen, "version": 0}).is_success
        assert person.post("/reminders/claims", {"due": [{"id": "points:x:7"}]}).json()["yours"]
    served = Shop(shop.folder, postgresql_url, shop.capsys)
    assert served.run("till", "enrol", *served.store(), "--store", "cafe-lumiere", "--name", "Bar").code == 0
    file = back_up(served)
    assert {table for table, rows in contents(file).items() if rows} >= set(metadata.tables) - NOT_IN_THE_DEMO
    restore(shop, file)
    assert contents(back_up(there(shop), "again.backup")) == contents(file)


NOT_IN_THE_DEMO = {"devices", "closes", "trust", "catalog"}


def test_while_people_redeem_a_backup_is_of_one_moment_and_vouchers_stay_good(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop(tmp_path, database_url, capsys)
    stopped = threading.Event()
    with Backend(tmp_path / "data", database_url=database_url) as server:
        people = [server.participant() for _ in range(2)]
        before = people[0].redeem("croissant", 110).json()

        def keep_redeeming(person: Person) -> None:
            while not stopped.is_set():
                person.redeem("tea-blend", 1)
                person.redeem("croissant", 110)

        threads = [threading.Thread(target=keep_redeeming, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        files = [back_up(shop, f"{number}.backup") for number in range(2)]
        stopped.set()
        for thread in threads:
            thread.join()
        seed, session = people[0].seed, people[0].session
    assert contents(files[0]) != contents(files[1])
    restored = restore(shop, files[0])
    assert restored.code == 0 and "the audit passes" in restored.out
    with Backend(tmp_path / "there") as server:
        person, till = server.somebody(), server.till()
        person.seed, person.session = seed, session  # still signed in: the keys came back as well
        vouchers = {one["id"]: one["voucher"] for one in person.get("/redemptions").json()["redemptions"]}
        frame = person.show(vouchers[before["id"]], int(time.time()))
        assert vouchers[before["id"]]["issued"][:12] == before["voucher"]["issued"][:12]  # by the same key
        assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"


def test_a_backup_and_its_keys_are_for_one_user_alone(shop: Shop) -> None:
    with Backend(shop.folder / "data"):
        pass
    file = back_up(shop)
    assert restore(shop, file).code == 0
    files = [file, *(shop.folder / "there" / "secrets").iterdir()]
    assert len(files) == 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert is_refused(shop.run("backup", file, *shop.store()), "is there already")


@pytest.mark.parametrize("damage", ["cut", "changed", "of another kind", "newer", "gone"])
def test_a_backup_that_is_not_whole_is_refused_and_changes_nothing(any_shop: Shop, damage: str) -> None:
    any_shop.imported(EVENTS)
    file = back_up(any_shop)
    before, whole = any_shop.audit(NOW), file.read_bytes()
    for offset in random.Random(damage).sample(range(30, len(whole) - 10), 8):
        spoil(file, whole, damage, offset)
        said = any_shop.run("restore", file, *any_shop.store(), "--replace")
        assert is_refused(said, str(file))
    assert any_shop.audit(NOW) == before


def spoil(file: Path, whole: bytes, damage: str, offset: int) -> None:
    """Damage a backup."""
    if damage == "cut":
        file.write_bytes(whole[:offset])
    elif damage == "changed":
        file.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
    elif damage == "of another kind":
        file.write_bytes(random.Random(offset).choice([b"", b"no backup", gzip.compress(b"{}\n[1, 2]\n")]))
    elif damage == "newer":
        was = b'"mirabelle_backup":1' if offset % 2 else b'"revision":"'
        *lines, _end = gzip.decompress(whole).replace(was, was + b"9", 1).splitlines(keepends=True)
        content = b"".join(lines)
        end = {"lines": len(lines), "sha256": hashlib.sha256(content).hexdigest()}
        file.write_bytes(gzip.compress(content + json.dumps(end).encode()))
    else:
        file.unlink(missing_ok=True)


def test_what_is_there_already_gives_way_only_when_told(any_shop: Shop) -> None:
    any_shop.imported(EVENTS)
    file, before = back_up(any_shop), any_shop.audit(NOW)
    any_shop.imported([purchase("p3", "10.00")], "more.ndjson")
    assert is_refused(any_shop.run("restore", file, *any_shop.store()), "--replace")
    assert any_shop.audit(NOW) != before
    assert any_shop.run("restore", file, *any_shop.store(), "--replace").code == 0
    assert any_shop.audit(NOW) == before


def test_other_keys_give_way_only_when_told(shop: Shop) -> None:
    with Backend(shop.folder / "data"):
        pass
    file = back_up(shop)
    with Backend(shop.folder / "there"):
        pass
    (shop.folder / "there" / FILE_NAME).unlink()
    assert is_refused(restore(shop, file), "--replace")
    assert restore(shop, file, "--replace").code == 0
    keys = [(shop.folder / folder / "secrets" / "issuer.key").read_bytes() for folder in ("data", "there")]
    assert keys[0] == keys[1]


def test_a_damaged_database_is_replaced_and_kept(shop: Shop) -> None:
    shop.imported(EVENTS)
    file, before = back_up(shop), shop.audit(NOW)
    database = shop.folder / "data" / FILE_NAME
    os.truncate(database, database.stat().st_size // 2)
    damaged = database.read_bytes()
    assert shop.run("audit", *shop.store()).code == 2
    assert is_refused(shop.run("restore", file, *shop.store()), "--replace")
    said = shop.run("restore", file, *shop.store(), "--replace")
    assert said.code == 0 and "mirabelle.sqlite.replaced" in said.out
    assert (shop.folder / "data" / f"{FILE_NAME}.replaced").read_bytes() == damaged
    assert shop.audit(NOW) == before


def test_a_database_in_use_is_not_replaced(any_shop: Shop) -> None:
    any_shop.imported(EVENTS)
    file = back_up(any_shop)
    with ServerProcess(any_shop.folder / "data", any_shop.programme, any_shop.database_url):
        said = any_shop.run("restore", file, *any_shop.store(), "--replace")
    assert is_refused(said, "in use")


def test_a_backup_of_wrong_rows_is_restored_as_it_is_and_the_audit_says_so(shop: Shop) -> None:
    shop.imported(EVENTS)
    with closing(sqlite3.connect(shop.folder / "data" / FILE_NAME)) as connection:
        connection.execute("update participants set available = available + 1 where participant = 'amina'")
        connection.commit()
    said = restore(shop, back_up(shop))
    assert said.code == 1 and "the audit FAILS" in said.out


def test_a_backup_of_earlier_tables_is_brought_up_to_date(shop: Shop, other_url: Callable[[str], str]) -> None:
    file = Path(__file__).parents[1] / "data" / "first-tables.backup"
    for url in ("", other_url("postgresql")):
        assert restore(shop, file, url=url).code == 0
        told = there(shop, url).audit(NOW)
        assert (told["participants"], told["issued"], told["burned"]) == (2, 170, 100)


def test_where_there_is_nothing_to_back_up_is_one_line(shop: Shop) -> None:
    said = shop.run("backup", shop.folder / "file", "--data", shop.folder / "nowhere")
    assert is_refused(said, "no data directory") and not (shop.folder / "nowhere").exists()
    shop.imported([])
    assert is_refused(shop.run("backup", shop.folder / "no" / "folder", *shop.store()), "No such file")
