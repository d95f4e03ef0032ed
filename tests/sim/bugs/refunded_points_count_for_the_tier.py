"""A tier is kept by points whose purchase was given back."""

import pytest

from mirabelle.server.ledger import sqlite


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sqlite, "_EARNED", sqlite._EARNED.replace("l.points - l.refunded", "l.points"))
