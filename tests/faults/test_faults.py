"""On a bad line nothing is lost and nothing comes twice. `python -m tests.faults` goes through more of it."""

from pathlib import Path

import pytest

from tests.backend import Backend
from tests.faults import cycles, redemptions
from tests.faults.proxy import FAULTS

CYCLES, PARTS = 150, 2
REDEMPTIONS = 10


@pytest.mark.parametrize("seed", range(PARTS))
@pytest.mark.timeout(300)
async def test_with_a_fifth_of_the_requests_spoiled_no_scan_is_lost_and_none_comes_twice(
    tmp_path: Path, seed: int
) -> None:
    with Backend(tmp_path / "server") as backend:
        outcome = await cycles.run(backend, tmp_path / "tills", CYCLES // PARTS, seed)
    assert outcome.is_clean, outcome.told()
    assert outcome.offline and set(outcome.faults) >= set(FAULTS), outcome.told()


@pytest.mark.timeout(300)
async def test_with_the_device_killed_as_well_no_redemption_is_lost_none_comes_twice_and_each_is_told_of(
    tmp_path: Path,
) -> None:
    with Backend(tmp_path / "server", programme=redemptions.programme()) as backend:
        count = await redemptions.run(backend, tmp_path / "devices", REDEMPTIONS, seed=1)
    assert count.is_clean and count.pressed >= REDEMPTIONS, count.told()
    assert count.done and count.refused and count.kills and count.faults.total() > count.faults["none"], count.told()
