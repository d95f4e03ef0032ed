"""A voucher is called used, but its use is not written."""

import pytest

from mirabelle.server.ledger import sqlite

_save = sqlite.save


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite, "save", lambda writes: _save(writes._replace(uses=())))
