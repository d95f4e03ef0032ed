"""Answers are kept by the next transaction, if the server lives to see it."""

import pytest

from mirabelle.server.ledger import sqlite
from mirabelle.server.ledger.records import Row
from mirabelle.server.ledger.writes import Writes
from mirabelle.server.storage.steps import Statement

_save = sqlite.save


def plant(patch: pytest.MonkeyPatch) -> None:
    kept: list[Row] = []

    def save(writes: Writes) -> list[Statement]:
        statements = _save(writes._replace(answers=list(kept)))
        kept[:] = writes.answers
        return list(statements)

    patch.setattr(sqlite, "save", save)
