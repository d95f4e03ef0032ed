"""A database that lost its end, after a kill: it is whole as far as anybody was answered, or it says so in one line."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirabelle.server.storage.database import FILE_NAME
from mirabelle.server.storage.mark import WriteMark, following, is_behind
from tests.backend import Backend, Person
from tests.eventually import eventually
from tests.server.commands import PROGRAMME, Shop
from tests.server_process import ServerProcess

REWARD = """
[[rewards]]
id = "tea"
kind = "discount"
points = 5
title = { en = "Tea" }
"""
FILES = (FILE_NAME, f"{FILE_NAME}-wal")
CUTS = 100  # of each file


@dataclass(frozen=True)
class Killed:
    """What a server left behind that was killed, and the redemptions that it had answered."""

    folder: Path
    answered: frozenset[str]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    programme = folder / "programme.toml"
    programme.write_text(PROGRAMME + REWARD, encoding="utf-8")
    with ServerProcess(folder / "data", programme) as server:
        person = Person(server.url).demo("participant")
        answers = [person.redeem("tea", 5) for _ in range(80)]
        server.kill()
        person.http.close()
    assert {answer.status_code for answer in answers} == {201}
    return Killed(folder / "data", frozenset(answer.json()["id"] for answer in answers))


def redemptions(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute("select id from redemptions")}


def copy(killed: Killed, to: Path) -> Path:
    """A copy of what was left behind, as it would lie in a data directory."""
    data = to / "data"
    data.mkdir()
    for name in (*FILES, f"{FILE_NAME}-mark"):
        shutil.copy(killed.folder / name, data / name)
    return data


def test_what_a_killed_server_had_answered_is_there(killed: Killed, shop: Shop) -> None:
    data = copy(killed, shop.folder)
    assert all((killed.folder / name).stat().st_size > 100_000 for name in FILES)  # both have something to lose
    shop.audit("2100-01-01T00:00:00Z")
    assert killed.answered <= redemptions(data / FILE_NAME)


@pytest.mark.parametrize("name", FILES)
def test_wherever_a_file_is_cut_the_rest_is_whole_or_is_refused_in_one_line(
    killed: Killed, shop: Shop, name: str
) -> None:
    offsets = random.Random(f"cuts of {name}")
    opened = 0  # where the cut loses nothing, or what nobody was answered
    for _ in range(CUTS):
        data = copy(killed, shop.folder)
        os.truncate(data / name, offsets.randrange((data / name).stat().st_size))
        said = shop.run("audit", *shop.store(), "--as-of", "2100-01-01T00:00:00Z")
        if said.code == 0:
            assert killed.answered <= redemptions(data / FILE_NAME)
            opened += 1
        else:
            assert (said.code, said.out, said.err.count("\n")) == (2, "", 1), said
            assert "mirabelle restore" in said.err
            again = shop.run("audit", *shop.store())
            assert again.code == 2  # what was refused once is not taken the next time
        shutil.rmtree(data)
    assert opened < CUTS


def test_whoever_goes_on_without_the_lost_writes_removes_the_mark(killed: Killed, shop: Shop) -> None:
    data = copy(killed, shop.folder)
    os.truncate(data / FILES[1], 0)
    said = shop.run("audit", *shop.store())
    assert said.code == 2 and "remove mirabelle.sqlite-mark" in said.err
    (data / "mirabelle.sqlite-mark").unlink()
    assert shop.run("audit", *shop.store()).code in (0, 1)
    assert not killed.answered <= redemptions(data / FILE_NAME)


@pytest.mark.parametrize("left", ["gone", "empty"])
def test_a_log_without_its_database_is_refused_and_kept(killed: Killed, shop: Shop, left: str) -> None:
    data = copy(killed, shop.folder)
    (data / FILE_NAME).unlink()
    if left == "empty":
        (data / FILE_NAME).touch()
    said = shop.run("audit", *shop.store())
    assert said.code == 2 and "pages are missing" in said.err and "mirabelle restore" in said.err
    assert (data / FILES[1]).read_bytes() == (killed.folder / FILES[1]).read_bytes()


def test_each_write_is_noted_before_it_is_answered(tmp_path: Path) -> None:
    mark = WriteMark(tmp_path / FILE_NAME)
    with Backend(tmp_path) as server:
        person = server.participant()
        for _ in range(5):
            before = mark.noted()
            assert person.redeem("croissant", 110).status_code == 201
            assert is_behind(before, mark.noted())


def closed_days(file: Path) -> int:
    with closing(sqlite3.connect(file, timeout=10)) as database:
        return int(database.execute("SELECT count(*) FROM closes").fetchone()[0])


def test_looking_is_no_write(tmp_path: Path) -> None:
    mark = WriteMark(tmp_path / FILE_NAME)
    with Backend(tmp_path):
        eventually(lambda: closed_days(tmp_path / FILE_NAME) > 0)  # which a server writes by itself, once
    before = mark.noted()
    with Backend(tmp_path):
        pass
    assert mark.noted() == before


def test_notes_that_come_at_once_or_are_torn_leave_the_newest(tmp_path: Path) -> None:
    mark = WriteMark(tmp_path / FILE_NAME)
    for number in (1, 2, 4, 3, 130, 128, 129):
        mark.note(number)
    assert mark.noted() == 130
    notes = bytearray(mark.path.read_bytes())
    notes[130 % 64 * 8 + 7] ^= 1
    mark.path.write_bytes(notes)
    assert mark.noted() == 129
    mark.path.write_bytes(notes[:-5])
    assert mark.noted() == 129
    mark.close()


def test_numbers_go_on_after_the_last(tmp_path: Path) -> None:
    mark = WriteMark(tmp_path / FILE_NAME)
    last = 2**31 - 1
    assert following(last) == 1
    for number in (last - 1, last, 1, 2):
        mark.note(number)
    mark.close()
    assert mark.noted() == 2
    assert (
        is_behind(last, 2) and is_behind(0, 2) and not is_behind(3, 2) and not is_behind(2, 2) and not is_behind(5, 0)
    )
