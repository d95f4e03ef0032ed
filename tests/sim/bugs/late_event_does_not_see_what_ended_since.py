"""An event that is told late finds none of the points that have ended since, as if they had never been."""

import pytest

from mirabelle.server.ledger import sqlite


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite, "_LOTS_EXPIRED", f"{sqlite._LOTS_EXPIRED} AND FALSE")
