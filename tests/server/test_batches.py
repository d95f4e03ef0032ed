"""The queue before the ledger: whoever comes is served, also one right after the other."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirabelle.rules.commands import Outcome, Redeem
from mirabelle.server.application import open_context
from mirabelle.server.hosting import open_store
from mirabelle.server.ledger.batches import Answer, KeyForgotten, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Settings
from mirabelle.server.services.keys import may_be_forgotten

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def at(**later: float) -> str:
    """A moment that much later than now, as a device says it."""
    return str(int((NOW + timedelta(**later)).timestamp()))


def answer(_outcome: Outcome, _names: Names) -> Answer:
    return Answer(404, b"no such reward")


async def test_a_command_that_comes_the_moment_its_forerunner_is_answered_is_answered(
    tmp_path: Path, database_url: str
) -> None:
    database = await open_store(tmp_path, database_url, None, NOW)
    context = await open_context(Settings(tmp_path), database)
    for number in range(20):
        key = f"key-{number}"
        command = Redeem("amina", f"r-{number}", "nothing", NOW)
        told = await context.ledger.submit(Submission("amina", key, b"asked", command, NOW, answer))
        assert told.body == b"no such reward"
    await database.close()


async def test_what_may_have_been_done_under_a_forgotten_key_is_not_done_and_what_is_known_is_told(
    tmp_path: Path, database_url: str
) -> None:
    database = await open_store(tmp_path, database_url, None, NOW)
    context = await open_context(Settings(tmp_path), database)
    command = Redeem("amina", "r-1", "nothing", NOW)
    late = Submission("amina", "key-of-old", b"asked", command, NOW, answer, only_known=True)
    for _ in range(2):
        with pytest.raises(KeyForgotten):
            await context.ledger.submit(late)
    neighbours = [Submission("amina", f"key-{number}", b"asked", command, NOW, answer) for number in range(3)]
    told = await asyncio.gather(*map(context.ledger.submit, [*neighbours, late]), return_exceptions=True)
    assert [type(one) for one in told] == [Answer, Answer, Answer, KeyForgotten]
    await context.ledger.submit(replace(late, only_known=False))
    assert (await context.ledger.submit(late)).body == b"no such reward"
    await database.close()


@pytest.mark.parametrize(
    ("since", "forgotten"),
    [
        ("", False), (at(days=0), False), (at(days=-89), False), (at(days=-91), True), (at(hours=23), False),
        (at(days=2), True), ("0", True), ("-5", True), ("yesterday", True), ("9" * 400, True), ("\u0661", True),
    ],
)  # fmt: skip
def test_only_what_was_first_asked_within_the_time_that_keys_are_kept_may_be_done(since: str, forgotten: bool) -> None:
    assert may_be_forgotten(since, NOW) == forgotten
