"""Participants are locked in the order in which they ask."""

import pytest

from mirabelle.server.ledger import sqlite
from mirabelle.server.ledger.sqlite import Keys
from mirabelle.server.storage.steps import Statement

_participants = sqlite.participants


def plant(patch: pytest.MonkeyPatch) -> None:
    def participants(keys: Keys) -> Statement:
        return _participants(sorted(keys, key=lambda key: key[1]))

    patch.setattr(sqlite, "participants", participants)
