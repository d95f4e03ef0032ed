"""Sync cycles on a bad line: no scan is lost, none comes twice. `python -m tests.faults` runs more of them."""

from pathlib import Path

import pytest

from tests.backend import Backend
from tests.faults.cycles import run
from tests.faults.proxy import FAULTS

CYCLES, PARTS = 300, 3


@pytest.mark.parametrize("seed", range(PARTS))
@pytest.mark.timeout(300)
async def test_with_a_fifth_of_the_requests_spoiled_no_scan_is_lost_and_none_comes_twice(
    tmp_path: Path, seed: int
) -> None:
    with Backend(tmp_path / "server") as backend:
        outcome = await run(backend, tmp_path / "tills", CYCLES // PARTS, seed)
    assert (outcome.lost, outcome.twice, outcome.unheard, outcome.waiting) == (0, 0, 0, 0), outcome.told()
    assert outcome.offline and set(outcome.faults) >= set(FAULTS), outcome.told()
