"""Runs sync cycles on a bad line, and says what became of the scans: `python -m tests.faults [CYCLES [SEED]]`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.backend import Backend
from tests.faults.cycles import run


def main(cycles: int = 10_000, seed: int = 1) -> int:
    """0 where no scan was lost or came twice."""
    with tempfile.TemporaryDirectory() as directory, Backend(Path(directory) / "server") as backend:
        outcome = asyncio.run(run(backend, Path(directory) / "tills", cycles, seed))
    print(outcome.told())
    return 1 if outcome.lost or outcome.twice or outcome.waiting else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
