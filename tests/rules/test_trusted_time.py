"""A till without network knows what time it is, or knows that it does not."""

import itertools
from dataclasses import replace

import pytest

from mirabelle.rules import frame, holder
from mirabelle.rules.trusted_time import (
    SKEW_SECONDS,
    ClockRefusal,
    Told,
    TrustedTime,
    after_restart,
    passed,
    told_by_server,
    trusted_time,
)
from mirabelle.rules.voucher import VoucherCode, check
from tests.rules.faults import HOLDER, ISSUER, NOW
from tests.rules.test_voucher import CONTEXT, LEASE

TOLD = told_by_server(NOW, NOW, 500.0)


def test_nobody_told_anything_so_nobody_knows() -> None:
    assert trusted_time(None, NOW, 0) == ClockRefusal.UNKNOWN


def test_time_goes_on_from_what_the_server_said_and_not_from_the_wall() -> None:
    assert trusted_time(TOLD, NOW + 640, 1100.0) == TrustedTime(NOW + 600)


@pytest.mark.parametrize("off", [-600, -61, 61, 600])
def test_a_wall_clock_that_was_moved_while_the_till_ran_stops_it(off: int) -> None:
    assert trusted_time(TOLD, NOW + 600 + off, 1100.0) == ClockRefusal.WRONG


@pytest.mark.parametrize("off", [-SKEW_SECONDS, 0, SKEW_SECONDS])
def test_a_wall_clock_may_be_a_minute_off(off: int) -> None:
    assert trusted_time(TOLD, NOW + 600 + off, 1100.0) == TrustedTime(NOW + 600)


def test_a_clock_that_is_put_right_again_is_believed_again() -> None:
    assert trusted_time(TOLD, NOW - 3600, 500.0) == ClockRefusal.WRONG
    assert trusted_time(TOLD, NOW + 5, 505.0) == TrustedTime(NOW + 5)


def test_after_a_restart_the_wall_clock_is_believed_and_the_till_says_as_of_when() -> None:
    assert trusted_time(after_restart(TOLD), NOW + 3600, 3.0) == TrustedTime(NOW + 3600, as_of=NOW)


def test_after_a_restart_no_wall_clock_goes_back_behind_what_has_passed() -> None:
    later = trusted_time(TOLD, NOW + 3600, 4100.0)
    assert isinstance(later, TrustedTime)
    noted = after_restart(passed(TOLD, later, 4100.0))
    assert trusted_time(noted, NOW + 3599, 3.0) == ClockRefusal.WRONG
    assert trusted_time(noted, NOW + 3601, 3.0) == TrustedTime(NOW + 3601, as_of=NOW + 3600)


def test_after_a_restart_a_clock_that_was_wrong_before_is_not_believed() -> None:
    wrong = told_by_server(NOW, NOW + 61, 500.0)
    assert trusted_time(after_restart(wrong), NOW + 3600, 3.0) == ClockRefusal.WRONG


def test_a_wall_clock_that_was_believed_after_a_restart_may_not_jump_from_then_on() -> None:
    restarted = after_restart(TOLD)
    first = trusted_time(restarted, NOW + 3600, 3.0)
    assert isinstance(first, TrustedTime)
    noted = passed(restarted, first, 3.0)
    assert trusted_time(noted, NOW + 3610, 13.0) == TrustedTime(NOW + 3610, as_of=NOW)
    assert trusted_time(noted, NOW + 4210, 13.0) == ClockRefusal.WRONG
    assert trusted_time(after_restart(noted), NOW + 9000, 1.0) == TrustedTime(NOW + 9000, as_of=NOW)


def test_what_the_server_says_puts_a_till_right_that_believed_a_wrong_wall_clock() -> None:
    ahead = Told(at=NOW + 600, elapsed=10.0, skew=0, as_of=NOW)
    assert trusted_time(ahead, NOW + 600, 10.0) == TrustedTime(NOW + 600, as_of=NOW)
    assert trusted_time(told_by_server(NOW, NOW, 10.0), NOW, 10.0) == TrustedTime(NOW)


SKEWS = (-600, -90, -61, -60, -31, 0, 31, 60, 61, 90, 600)
WHEN = ("before the last contact", "since", "since, with a restart")
STANDINGS = {  # minutes into the lease of an hour
    VoucherCode.NOT_YET_VALID: -15,
    VoucherCode.ACCEPTED: 30,
    VoucherCode.LEASE_EXPIRED: 62,
}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("standing", STANDINGS)
def test_no_clock_on_either_side_leads_to_a_wrong_accept_and_the_reason_is_told(
    when: str, standing: VoucherCode
) -> None:
    """Every skew of the till with every skew of the phone, up to 10 minutes. Nothing is accepted out of its lease, and
    of what is leased nothing but a code of this very minute.

    One clock nobody can see through: that of a device that was off when it was put ahead. It can be told nothing but a
    code which its holder made for that later minute, and it says as of when it knows the time.
    """
    right = LEASE.lease_start + 60 * STANDINGS[standing]
    for till_off, phone_off in itertools.product(SKEWS, SKEWS):
        time = _till_time(when, right, till_off)
        if isinstance(time, ClockRefusal):
            assert time is ClockRefusal.WRONG and abs(till_off) > 30, (till_off, phone_off)
            continue
        code = check(_shown(right + phone_off), replace(CONTEXT, now=int(time.now), keyset_expires=right + 9999)).code
        if standing is not VoucherCode.ACCEPTED:
            assert code is standing, (till_off, phone_off)
        else:
            is_near = _is_near(right + phone_off, right + (till_off if when == WHEN[2] else 0))
            assert code is (VoucherCode.ACCEPTED if is_near else VoucherCode.STALE_CODE), (till_off, phone_off)
        assert (time.as_of is not None) == (when == WHEN[2])


def _shown(now: int) -> str:
    issued = frame.issue(LEASE, lambda message: holder.sign(ISSUER, message))
    return frame.show(issued, now, lambda message: holder.sign(HOLDER, message))


def _is_near(shown_at: int, judged_at: int) -> bool:
    return abs(frame.window_at(shown_at) - frame.window_at(judged_at)) <= 1


def _till_time(when: str, right: int, off: int) -> TrustedTime | ClockRefusal:
    """The time at a till that was last told two minutes ago, and noted half a minute ago that time has passed."""
    told = told_by_server(right - 120, right - 120 + (off if when == WHEN[0] else 0), 1000.0)
    if when != WHEN[2]:
        return trusted_time(told, right + off, 1120.0)
    noted = trusted_time(told, right - 30, 1090.0)
    assert isinstance(noted, TrustedTime)
    return trusted_time(after_restart(passed(told, noted, 1090.0)), right + off, 5.0)
