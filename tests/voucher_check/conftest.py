"""A shell for each test."""

from pathlib import Path

import pytest

from tests.voucher_check.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)
