"""The list of accounts outlives windows, spoiled files and other versions of the app."""

import sqlite3
from contextlib import closing
from pathlib import Path

from mirabelle.client.repositories.accounts import Account, Accounts

AMINA = Account("https://one.example", "participant", "p-1", "Amina")
SAMI = Account("https://two.example", "staff", "till-1", "Sami", "Two")


async def test_what_one_window_adds_or_removes_another_neither_loses_nor_brings_back(tmp_path: Path) -> None:
    file = tmp_path / "list"
    first, second = Accounts(file), Accounts(file)
    await first.use(AMINA.server, AMINA)
    await second.use(SAMI.server, SAMI)
    await first.change(Account(AMINA.server, AMINA.role, AMINA.subject, "Amina", "One"))
    assert [one.id for one in Accounts(file).all] == [AMINA.id, SAMI.id]
    await first.remove(AMINA)
    await second.change(Account(SAMI.server, SAMI.role, SAMI.subject, "Sami", "Two", is_over=True))
    assert [one.id for one in first.all] == [SAMI.id]
    assert (first.current, second.current) == (None, second.all[0])


async def test_what_another_version_wrote_differently_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "list"
    await Accounts(file).use(AMINA.server, AMINA)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("INSERT INTO accounts (id, content) VALUES ('newer', ?)", (b'{"whose": 1}',))
    accounts = Accounts(file)
    await accounts.use(SAMI.server, SAMI)
    assert list(accounts.all) == [AMINA, SAMI]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (3,)


async def test_a_list_out_of_reach_is_not_written_over_and_a_spoiled_one_is_put_aside(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.mkdir()
    accounts = Accounts(file)
    await accounts.use(AMINA.server, AMINA)
    assert accounts.current == AMINA and file.is_dir()

    spoiled = tmp_path / "spoiled.sqlite"
    spoiled.write_bytes(b"no list, and more than a page of it. " * 200)
    await Accounts(spoiled).use(AMINA.server, AMINA)
    assert Accounts(spoiled).current == AMINA
    assert spoiled.with_suffix(".spoiled").read_bytes().startswith(b"no list")
