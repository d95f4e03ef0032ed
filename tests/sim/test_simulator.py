"""The simulator: histories agree with the model, seeds replay exactly, and bugs that are planted do not get through."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.sim.simulation import Failure, run

SEEDS = 500
PARTS = 10
ROOT = Path(__file__).parents[2]
BUGS = sorted(path.stem for path in (Path(__file__).parent / "bugs").glob("*.py"))


def run_seeds(seeds: range) -> None:
    for seed in seeds:
        run(seed)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories_agree_with_the_model(part: int) -> None:
    run_seeds(range(part, SEEDS, PARTS))


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import_module(f"tests.sim.bugs.{bug}").plant(monkeypatch)
    with pytest.raises(Failure):
        run_seeds(range(SEEDS))


def test_a_failing_history_tells_its_seed_and_its_last_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    import_module("tests.sim.bugs.lost_idempotency_row").plant(monkeypatch)
    with pytest.raises(Failure, match=r"seed 3: kept answers: (.|\n)* server \d: ") as first:
        run(3)
    with pytest.raises(Failure) as again:
        run(3)
    assert str(first.value) == str(again.value)


def test_there_are_at_least_fifteen_planted_bugs() -> None:
    assert len(BUGS) >= 15


def test_a_seed_replays_exactly_whatever_order_sets_have() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-m", "tests.sim", "--seed", "7"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT / "app")},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1] and told[0].count(b"\n") > 50
