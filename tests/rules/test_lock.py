"""The app lock: what wrong tries cost, whatever the device's clocks and its owner do meanwhile."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import lock
from mirabelle.rules.lock import Cost, Lock, Moment

CHEAP = Cost(2, 1, 1)
NEW = Lock(b"salt", b"hash", CHEAP, 5)
DAY = 24 * 3600.0

times = st.floats(0, 1e9)


class Thief:
    """Somebody who has the device, and does with it what they like."""

    def __init__(self) -> None:
        self.kept, self.elapsed, self.start, self.tried, self.waited = NEW, 0.0, "a", 0, 0.0

    def do(self, what: str | float) -> None:
        if what == "try" and not lock.is_spent(self.kept) and lock.wait(self.kept, self.elapsed) == 0:
            self.kept = lock.counted(self.kept, self.elapsed, self.start)
            self.tried += 1
        elif what == "start anew":
            self.elapsed, self.start = 1.0, self.start + "a"
            self.kept = lock.resumed(self.kept, self.elapsed, self.start)
        elif what == "open again":
            self.kept = lock.resumed(self.kept, self.elapsed, self.start)
        elif isinstance(what, float):
            self.elapsed += what
            self.waited += what


@given(st.lists(st.sampled_from(["try", "start anew", "open again"]) | st.floats(0, 1000), max_size=80))
def test_no_restart_buys_a_try_and_each_wait_is_waited_in_full(deeds: list[str | float]) -> None:
    thief = Thief()
    for deed in deeds:
        thief.do(deed)
    assert thief.tried == thief.kept.tries <= lock.MOST_TRIES
    assert thief.waited >= sum(lock.WAITS[: thief.tried]) - 1e-3  # the tries before the last one were waited for


@given(st.integers(0, 30), times, times)
def test_a_wait_ends_and_never_is_longer_than_it_was_said_to_be(tries: int, tried_at: float, elapsed: float) -> None:
    kept = replace(NEW, tries=tries, tried_at=tried_at)
    whole = lock.WAITS[min(tries, lock.MOST_TRIES - 1)]
    assert 0 <= lock.wait(kept, elapsed) <= whole
    assert lock.wait(kept, tried_at + whole) == pytest.approx(0, abs=1e-6)


def test_waits_only_grow() -> None:
    assert list(lock.WAITS) == sorted(lock.WAITS) and lock.WAITS[-1] > lock.WAITS[0]


@given(st.floats(0, 1e6), st.floats(-1e6, 1e6), st.sampled_from(lock.AWAY_MINUTES))
def test_a_wall_clock_that_is_set_back_keeps_no_lock_open(forward: float, wall: float, minutes: int) -> None:
    left = Moment(100.0, 1e9)
    is_over = lock.is_over(left, Moment(100.0 + forward, 1e9 + wall), minutes)
    assert is_over or (forward < minutes * 60 + 1e-3 and wall < minutes * 60 + 1e-3)
    assert lock.is_over(left, Moment(100.0 + minutes * 60, 0.0), minutes)
    assert lock.is_over(left, Moment(100.0, 1e9 + minutes * 60), minutes)  # one clock slept with the device


@pytest.mark.parametrize("pin", ["", "12345", "000000", "123456", "7890123", "987654321", "٠٠٠٠٠٠"])
def test_a_pin_that_anybody_would_try_first_is_not_taken(pin: str) -> None:
    assert lock.pin_fault(lock.digits(pin)) is not None


@given(st.text("0123456789", min_size=6, max_size=12))
def test_of_all_pins_of_six_digits_and_more_hardly_any_is_refused(pin: str) -> None:
    assert lock.pin_fault(pin) in (None, "easy")
    if lock.pin_fault(pin) == "easy":
        assert len({(int(a) - int(b)) % 10 for a, b in pairwise(pin)}) == 1


def test_a_pin_is_the_same_one_in_the_digits_of_every_keyboard() -> None:
    assert lock.digits("٢٨ ٤١-٩٣") == lock.digits("284193") == "284193"


def test_only_its_pin_opens_a_lock_and_one_that_cannot_be_read_opens_to_nobody() -> None:
    kept = replace(NEW, hash=lock.hash_pin("284193", NEW.salt, CHEAP))
    assert lock.fits(kept, "284193") and not lock.fits(kept, "284194") and not lock.fits(kept, "")
    assert lock.is_spent(lock.SPENT) and not lock.fits(lock.SPENT, "")
