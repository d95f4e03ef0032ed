"""Runs the simulator: `python -m tests.sim --seed N` replays one history, `--seeds N` runs that many."""

import argparse
import sys
import time

from tests.sim.simulation import Failure, run


def main() -> int:
    """Run what was asked for; 1 where a history went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--seed", type=int, help="replay this history and print its steps")
    asked.add_argument("--seeds", type=int, help="run the histories 0 to N - 1")
    words = parser.parse_args()
    began = time.process_time()
    try:
        if words.seed is not None:
            print("\n".join(run(words.seed)))
            return 0
        steps = sum(len(run(seed)) for seed in range(words.seeds))
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    seconds = time.process_time() - began
    each = 1000 * seconds / words.seeds
    print(f"{words.seeds} histories of {steps} steps agree: {seconds:.0f} s of one core, {each:.0f} ms each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
