"""A store that another process removes: nothing is kept any more where nobody would find it again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store, erase_file, put_document
from mirabelle.client.store.gone import ERASE, FileGone
from mirabelle.client.store.opening import MEMORY, remove
from tests.backend import Backend
from tests.client.devices import TRANSFER, Device, signed_in
from tests.client.test_store_keys import AT

KEY = b"k" * 32


class Process:
    """A store's file as one process has it open: it knows nothing of who else does, since they call it differently."""

    def __init__(self, path: str) -> None:
        self.store, self.told = Store(path, KEY), 0
        self.store.on_gone = self.tell

    def tell(self) -> None:
        self.told += 1

    def accept(self) -> None:
        Outbox(self.store).add("k", "transfer", "friend@example.org", TRANSFER, AT)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    one, two = Process(f"{tmp_path}/x.sqlite"), Process(f"{tmp_path}/./x.sqlite")
    yield one, two
    one.store.close()
    two.store.close()


def test_nothing_is_accepted_into_a_file_that_another_process_removed(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    one, two = processes
    one.store.erase()
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileGone):
        two.accept()
    assert (two.store.path, two.told, Outbox(two.store).is_empty) == (MEMORY, 1, True)
    two.accept()
    assert two.told == 1 and not list(tmp_path.iterdir())


def test_a_round_finds_that_another_process_removed_the_file(processes: tuple[Process, Process]) -> None:
    one, two = processes
    two.store.notice_others()
    assert two.told == 0
    one.store.erase()
    two.store.notice_others()
    assert (two.store.path, two.told) == (MEMORY, 1)


def test_a_file_that_another_one_took_the_place_of_takes_nothing(processes: tuple[Process, Process]) -> None:
    one, two = processes
    remove(one.store.path)  # by hand, so that the file itself says nothing of it
    anew = Process(one.store.path)
    with pytest.raises(FileGone):
        two.accept()
    assert Outbox(anew.store).is_empty
    anew.store.close()


def test_a_file_that_somebody_began_to_remove_is_a_new_one_when_it_is_opened(tmp_path: Path) -> None:
    path = str(tmp_path / "x.sqlite")
    ended = Process(path)
    ended.accept()
    ended.store.connection.execute(ERASE)
    with pytest.raises(FileGone):
        ended.accept()
    again = Process(path)
    assert Outbox(again.store).is_empty
    again.accept()
    again.store.close()
    ended.store.close()


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [file.name for file in folder.iterdir()]


def note(connection: sqlite3.Connection) -> None:
    """What a page of the catalog writes, as far as a file minds."""
    put_document(connection, "programme", "written beside")


@pytest.mark.parametrize("is_open", [False, True])
async def test_nothing_is_written_beside_into_a_file_that_another_process_removed(
    processes: tuple[Process, Process], tmp_path: Path, is_open: bool
) -> None:
    one, two = processes
    if is_open:
        await two.store.write_beside(note)
    one.store.erase()
    with pytest.raises(FileGone):
        await two.store.write_beside(note)
    assert (two.store.path, two.told) == (MEMORY, 1) and not names(tmp_path)


@pytest.mark.parametrize("by_hand", [False, True])
async def test_what_is_being_written_beside_while_another_process_removes_the_file_is_not_kept(
    processes: tuple[Process, Process], tmp_path: Path, by_hand: bool
) -> None:
    one, two = processes
    before = two.store.connection

    def overtaken(connection: sqlite3.Connection) -> None:
        if by_hand:
            remove(one.store.path)
        else:
            connection.execute(ERASE)  # as it stands once the other one has its turn
        note(connection)

    with pytest.raises(FileGone):
        await two.store.write_beside(overtaken)
    assert two.store.path == MEMORY and two.told == 1 and not before.is_open
    assert one.store.document("programme", str) is None and bool(names(tmp_path)) != by_hand


async def test_a_file_that_took_the_place_of_another_takes_nothing_from_beside_it(
    processes: tuple[Process, Process],
) -> None:
    one, two = processes
    remove(one.store.path)
    anew = Process(one.store.path)
    with pytest.raises(FileGone):
        await two.store.write_beside(note)
    assert two.told == 1 and anew.store.document("programme", str) is None
    anew.store.close()


async def test_a_file_is_written_beside_whatever_its_folder_is_called(tmp_path: Path) -> None:
    named = Process(f"{tmp_path}/what? #1 100%41/x.sqlite")
    await named.store.write_beside(note)
    assert named.store.document("programme", str) == "written beside"
    named.store.close()
    assert names(tmp_path) == ["what? #1 100%41"]


async def test_who_signs_out_in_one_process_is_signed_out_in_the_other(backend: Backend, tmp_path: Path) -> None:
    device = Device(tmp_path)
    app = await device.start(backend.url)
    await signed_in(app)
    device.directory = device.directory / ".." / device.directory.name
    other = await device.start(backend.url)
    assert other.session is not None
    await app.sign_in.sign_out()
    await other.sync.quietly()  # the round finds it, and is broken off
    assert other.session is None and other.store.path == MEMORY and not device.files()
    await app.close()
    await other.close()


def test_a_file_that_is_erased_without_its_key_is_gone_for_the_windows_that_have_it_open(
    processes: tuple[Process, Process], tmp_path: Path
) -> None:
    for process in processes:
        erase_file(process.store.path)
        assert (process.store.path, process.told) == (MEMORY, 1) and not list(tmp_path.iterdir())
