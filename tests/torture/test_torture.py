"""Tortured from outside: nothing is used twice, nothing that was answered is missing, no balance is ever negative."""

from pathlib import Path

import pytest

from tests.server.conftest import postgresql, postgresql_url, with_tables  # noqa: F401
from tests.torture.plans import SHORT
from tests.torture.run import Plan, torture


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plan", SHORT, ids=["one server on SQLite", "two on PostgreSQL"])
def test_servers_that_are_killed_again_and_again_keep_their_word(
    plan: Plan, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = "" if plan.servers == 1 else request.getfixturevalue("postgresql_url")
    figures = torture(plan, tmp_path, url)
    assert figures.wrong == [], figures.told()
    assert figures.counts["sum of the postings"] == figures.counts["accepted late"] == 0
    assert figures.counts["kills"] == plan.kills + plan.servers
    happened = ("accepted", "already_used", "cancelled", "out_of_stock", "replies lost", "connections that broke")
    assert all(figures.counts[what] for what in happened), figures.told()
