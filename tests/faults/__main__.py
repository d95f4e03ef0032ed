"""Works on a bad line and says what got lost or doubled: `python -m tests.faults scans|redemptions [COUNT [SEED]]`."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.backend import Backend
from tests.faults import cycles, redemptions


def main() -> int:
    """0 where nothing was lost, nothing came twice, and nothing is left open."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("what", choices=["scans", "redemptions"])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    asked = parser.parse_args()
    run = cycles.run if asked.what == "scans" else redemptions.run
    with (
        tempfile.TemporaryDirectory() as directory,
        Backend(Path(directory) / "server", programme=redemptions.programme()) as backend,
    ):
        outcome = asyncio.run(run(backend, Path(directory) / "devices", asked.count, asked.seed))
    print(outcome.told())
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
