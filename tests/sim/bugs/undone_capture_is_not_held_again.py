"""A scan that is undone makes its voucher ready, but what it had captured stays spent."""

import pytest

from mirabelle.rules import capturing
from mirabelle.rules.redemption import ValueClass


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(capturing, "ValueClass", type("Classes", (), {"C": ValueClass.A}))
