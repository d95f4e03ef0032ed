"""A till that is killed at any point: what it said it accepted is there, and is told to the programme once."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backend import Backend
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.wire import Wire

ROOT = Path(__file__).parents[2]
# The statements of accepting without network, in their order; "" is after all of them, with the verdict told.
ACCEPTING = ("BEGIN IMMEDIATE", "INSERT INTO offline_scans", "INSERT INTO uses", "DELETE FROM outbox", "COMMIT", "")
SENDING = (
    "UPDATE offline_scans SET state = 'unknown'",
    "DELETE FROM offline_scans",
    "INSERT OR REPLACE INTO scans",
    "",
)


class MortalTill(TillDevice):
    """A till whose app also runs in a process that is killed."""

    def die(self, url: str, mark: str, frame: str = "") -> str:
        """Let a process scan `frame`, or sync, until it meets `mark`; what it said before."""
        secrets = dict(self.secrets._values)
        told = {"directory": str(self.directory), "url": url, "mark": mark, "frame": frame}
        done = subprocess.run(
            [sys.executable, "-m", "tests.client.killed_till"],
            input=json.dumps({**told, "secrets": json.dumps(secrets)}),
            cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'app'}{os.pathsep}{ROOT}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        return done.stdout.strip()


def known(backend: Backend, scan: str) -> tuple[int, int]:
    """How often the programme has a scan as a use, and as a conflict."""
    with sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True) as database:
        uses = database.execute("SELECT count(*) FROM uses WHERE scan = ?", (scan,)).fetchone()[0]
        conflicts = database.execute("SELECT count(*) FROM conflicts WHERE scan = ?", (scan,)).fetchone()[0]
    return uses, conflicts


@pytest.mark.parametrize("mark", ACCEPTING)
async def test_killed_while_it_accepts_a_till_has_the_scan_or_never_said_so(
    wire: Wire, backend: Backend, tmp_path: Path, mark: str
) -> None:
    customer, device = Customer(backend), MortalTill(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
    wire.cut()
    said = device.die(wire.url, mark, customer.frame())
    assert said == ("" if mark else "accepted")
    async with device.on(wire.url) as app:
        again = await judged(app, customer.frame())
        assert again.verdict == ("accepted" if mark else "already_used")
        [scan] = app.offline_scans.unsent()
        wire.mend()
        await app.sync()
        assert app.offline_scans.unsent() == []
        assert known(backend, scan.scan) == (1, 0)


@pytest.mark.parametrize("mark", SENDING)
async def test_killed_while_it_sends_a_till_sends_again_and_the_programme_counts_once(
    wire: Wire, backend: Backend, tmp_path: Path, mark: str
) -> None:
    customer, device = Customer(backend), MortalTill(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        wire.cut()
        scan = await judged(app, customer.frame())
    wire.mend()
    device.die(wire.url, mark)
    async with device.on(wire.url) as app:
        await app.sync()
        assert app.offline_scans.unsent() == []
        assert known(backend, scan.id) == (1, 0)
        assert [(kept.id, kept.verdict) for kept in app.scans.list()] == [(scan.id, "accepted")]
