"""How long the app waits between its rounds: longer where nothing came of the last, and no two devices alike."""

from hypothesis import given
from hypothesis import strategies as st

from mirabelle.client.use_cases.sync import FIRST_PAUSE_SECONDS, PAUSE_SECONDS, pause_after

CHANCES = st.floats(0, 1, exclude_max=True)


def test_the_first_failure_is_followed_sooner_than_an_ordinary_round() -> None:
    assert pause_after(1, 0.5) < pause_after(2, 0.5) < pause_after(0, 0.5)


@given(st.integers(0, 10**6), CHANCES)
def test_however_often_it_failed_a_pause_is_within_its_bounds(failures: int, chance: float) -> None:
    assert FIRST_PAUSE_SECONDS / 2 <= pause_after(failures, chance) <= PAUSE_SECONDS


@given(st.integers(1, 10**6), CHANCES)
def test_each_failure_makes_it_as_long_or_longer(failures: int, chance: float) -> None:
    assert pause_after(failures, chance) <= pause_after(failures + 1, chance)


@given(st.integers(0, 50))
def test_devices_that_failed_together_do_not_come_back_together(failures: int) -> None:
    pauses = [pause_after(failures, step / 100) for step in range(100)]
    assert len(set(pauses)) == 100
    assert max(pauses) - min(pauses) >= 0.45 * max(pauses)
