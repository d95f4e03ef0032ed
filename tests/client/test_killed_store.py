"""A store whose app was killed, or that other processes have open: it opens whole, and nothing of it is lost."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirabelle.client.repositories.kept_tills import kept_tills
from mirabelle.client.repositories.offline_scans import OfflineScans, Uses
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store
from mirabelle.client.store.migrations import VERSION
from mirabelle.client.store.opening import MISHAP, Mishap, is_damage
from mirabelle.client.store.pages import PAGE_BYTES
from tests.client.old_stores import KEY, filled, killed, left_at

AT = datetime(2026, 1, 1, tzinfo=UTC)
_FRAME = 24 + PAGE_BYTES


def opened(path: Path, key: bytes = KEY) -> tuple[Store, Mishap | None]:
    store = Store()
    return store, store.switch(str(path), key)


@pytest.mark.parametrize("spoiled", [False, True])
@pytest.mark.parametrize("step", range(1, VERSION))
def test_a_file_of_each_older_version_that_was_killed_opens_with_all_that_waits(
    tmp_path: Path, step: int, spoiled: bool
) -> None:
    file = left_at(step, tmp_path)
    if spoiled:
        raw = bytearray(Path(f"{file}-wal").read_bytes())
        raw[32 + 24 + 100] ^= 1  # in the first page of the log
        Path(f"{file}-wal").write_bytes(raw)
    store, mishap = opened(file)
    assert mishap == ("rebuilt" if spoiled else None)
    [entry] = store.read.execute("SELECT key, opened('outbox', key, body), state FROM outbox").fetchall()
    assert tuple(entry) == ("k", b'{"reward":"coffee"}', "unknown" if spoiled else "waiting")
    draft = "SELECT key, opened('drafts', reward, details) FROM drafts WHERE reward = hidden('drafts', 'coffee')"
    assert tuple(store.read.execute(draft).fetchone()) == ("k", b'{"recipient":"Lina"}')
    scans = OfflineScans(store).unsent()
    assert [(scan.key, scan.frame, scan.undone_at) for scan in scans] == [("s", "MV1:A", None)] * (step >= 3)
    assert all(Uses(store).scan_of(b"\0", 1) == "s-1" for _ in scans)
    store.close()


def spoil_log(file: Path) -> bytes:
    """Change one bit of a page twenty from the end of the log; answers the log."""
    raw = bytearray(Path(f"{file}-wal").read_bytes())
    raw[32 + (len(raw) // _FRAME - 20) * _FRAME + 24 + 50] ^= 1
    Path(f"{file}-wal").write_bytes(raw)
    return bytes(raw)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_app_that_is_ended_while_it_puts_a_file_together_anew_loses_nothing_and_says_so_later(
    tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = filled(tmp_path / "x.sqlite", scans=8)
    file = killed(Path(whole.path), tmp_path / "killed")
    whole.close()
    spoil_log(file)
    replace, left = Path.replace, iter(range(steps - 1, -1, -1))

    def ended(source: Path, target: str | Path) -> None:
        replace(source, target)
        if not next(left, 1):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", ended)
        with pytest.raises(KeyboardInterrupt):
            opened(file)
    store, _ = opened(file)
    assert (OfflineScans(store).kept(), len(Outbox(store).entries())) == (8, 1)
    assert store.document(MISHAP, Mishap) == "rebuilt"
    store.close()
    assert not list(file.parent.glob("*.aside.*"))  # all of it was read


def test_counting_what_a_till_keeps_leaves_a_damaged_log_to_be_mended(tmp_path: Path) -> None:
    whole = filled(tmp_path / "x.sqlite", scans=8)
    file = killed(Path(whole.path), tmp_path / "killed")
    whole.close()
    raw = spoil_log(file)
    [till] = kept_tills(file.parent, "")
    assert 0 < till.scans < 8 and Path(f"{file}-wal").read_bytes() == raw
    store, mishap = opened(file)
    assert (mishap, OfflineScans(store).kept()) == ("rebuilt", 8)
    store.close()


_WRITER = """
import sys
from datetime import UTC, datetime
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store
store = Store(sys.argv[1], b"k" * 32)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    Outbox(store).add(f"k-{number}", "transfer", "f", b" " * 3000, datetime.now(UTC))
print("done", flush=True)
sys.stdin.read()
"""


def writer(path: Path, entries: int) -> subprocess.Popen[str]:
    """Another process, that has the file open and writes so many entries; it ends when its input does."""
    words = [sys.executable, "-c", _WRITER, str(path), str(entries)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_a_file_that_another_process_is_writing_is_not_called_damaged(tmp_path: Path) -> None:
    file, mishaps = tmp_path / "x.sqlite", set[Mishap | None]()
    with writer(file, 150) as other:
        for _ in range(40):
            store, mishap = opened(file)
            mishaps.add(mishap)
            store.close()
        other.communicate()
    store, mishap = opened(file)
    assert mishaps | {mishap} == {None} and Outbox(store).strange == 150
    store.close()


def test_a_damaged_file_that_another_process_has_open_stays_in_place(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    with writer(file, 1) as other:
        assert other.stdout is not None and other.stdout.readline() == "done\n"
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("INSERT INTO drafts VALUES ('x', 'y', 'not sealed')")
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                opened(file)
        other.communicate()
    store, mishap = opened(file)
    assert mishap == "rebuilt" and Outbox(store).strange == 1
    store.close()


def test_a_fault_of_the_machine_is_told_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    filled(file).close()
    before = file.read_bytes()
    Path(f"{file}-shm").symlink_to("x.sqlite-shm")  # leads nowhere
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        opened(file)
    Path(f"{file}-shm").unlink()
    store, mishap = opened(file)
    assert (mishap, file.read_bytes()) == (None, before)
    assert [entry.key for entry in Outbox(store).entries()] == ["k"]
    store.close()


def test_of_all_faults_only_two_say_that_a_file_is_damaged() -> None:
    def told(code: int) -> sqlite3.Error:
        fault = sqlite3.OperationalError("told")
        fault.sqlite_errorcode = code
        return fault

    codes = {getattr(sqlite3, name) for name in dir(sqlite3) if name.startswith("SQLITE_IOERR")}
    codes |= set(range(1, 27))  # of which some came after others, and the last is NOTADB
    assert {code & 0xFF for code in codes if is_damage(told(code))} == {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
