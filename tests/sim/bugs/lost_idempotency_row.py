"""The answer under a key is given, but not kept."""

import pytest

from mirabelle.server.ledger import sqlite

_save = sqlite.save


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite, "save", lambda writes: _save(writes._replace(answers=())))
