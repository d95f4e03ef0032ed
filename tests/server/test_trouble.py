"""When the database cannot serve, whoever asks is told to come back, and nothing is half done."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from mirabelle.server.storage import database
from tests.backend import Backend, new_key


def test_while_another_process_holds_the_database_the_answer_is_busy_and_the_same_key_works_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PRAGMAS", (*database._PRAGMAS, "PRAGMA busy_timeout = 0"))
    with Backend(tmp_path) as server:
        amina, key = server.participant(), new_key()
        before, ask = amina.available(), amina.redemption_request("croissant", 110, key)
        holder = sqlite3.connect(tmp_path / "mirabelle.sqlite", isolation_level=None)
        holder.execute("begin immediate")
        refused = amina.post("/redemptions", ask, key)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert amina.available() == before  # reading goes on
        holder.execute("rollback")
        holder.close()
        assert amina.post("/redemptions", ask, key).status_code == 201
        assert amina.available() == before - 110


def test_connections_that_the_database_ended_are_busy_not_a_fault_and_are_made_again(
    tmp_path: Path, postgresql: Any, postgresql_url: str
) -> None:
    with Backend(tmp_path, database_url=postgresql_url) as server:
        amina = server.participant()
        postgresql.psql(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            f"where datname = '{make_url(postgresql_url).database}'"
        )
        answers = [amina.get("/wallet") for _ in range(database.POSTGRESQL_CONNECTIONS + 1)]
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert answers[-1].status_code == 200


def test_a_fault_tells_nothing_of_its_cause(tmp_path: Path) -> None:
    with Backend(tmp_path) as server:
        amina = server.participant()
        connection = sqlite3.connect(tmp_path / "mirabelle.sqlite")
        connection.execute("update rewards set document = '[]' where id = 'croissant'")
        connection.commit()
        connection.close()
        answer = amina.redeem("croissant", 110)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (500, "fault", "")
