"""The queue before the ledger: whoever comes is served, also one right after the other."""

from datetime import UTC, datetime
from pathlib import Path

from mirabelle.rules.commands import Outcome, Redeem
from mirabelle.server.application import open_context
from mirabelle.server.hosting import open_store
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Settings

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


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
