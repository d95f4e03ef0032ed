"""Double entry: every posting sums to zero, time posts once and in order, and a changed posting breaks its chain."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Entry, Moves, Posting, PostingKind, accrue, post, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
hours = st.integers(0, 100)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """An account with some lots, earned at the start, that arrive and expire at hours to come."""
    account = Account("amina")
    for number in range(1, draw(st.integers(0, 6)) + 1):
        arrives, expires = draw(st.none() | hours), draw(st.none() | hours)
        lot = Lot(
            number,
            START,
            at(arrives) if arrives is not None else None,
            at(expires) if expires is not None else None,
            points=draw(st.integers(1, 50)),
            remaining=0,
        )
        account, _ = accrue(account, lot._replace(remaining=lot.points), START)
    return account


def balances(account: Account) -> tuple[int, int, int]:
    return account.available, account.held, account.pending


@given(accounts(), hours)
def test_settling_leaves_what_has_arrived_and_not_expired(account: Account, hour: int) -> None:
    settled, postings = settle(account, at(hour))
    living = [lot for lot in account.lots.values() if not lot.has_expired(at(hour))]
    arrived = [lot for lot in living if lot.has_arrived(at(hour))]
    assert settled.available == sum(lot.points for lot in arrived)
    assert settled.pending == sum(lot.points for lot in living) - settled.available
    assert all(posting.moves.total() == 0 for posting in postings)


@given(accounts(), hours)
def test_settling_again_posts_nothing(account: Account, hour: int) -> None:
    settled, _ = settle(account, at(hour))
    assert settle(settled, at(hour))[1] == []


@given(accounts(), st.lists(hours, max_size=5).map(sorted), hours)
def test_settling_on_the_way_posts_the_same_as_settling_at_the_end(
    account: Account, stops: list[int], last: int
) -> None:
    at_once, expected = settle(account, at(last))
    postings: list[Posting] = []
    for hour in [*(stop for stop in stops if stop <= last), last]:
        account, more = settle(account, at(hour))
        postings += more
    assert postings == expected
    assert (account.digest, balances(account)) == (at_once.digest, balances(at_once))


@given(accounts(), hours)
def test_what_time_does_is_posted_in_time_order_each_at_its_own_moment(account: Account, hour: int) -> None:
    _, postings = settle(account, at(hour))
    moments = [posting.at for posting in postings]
    assert moments == sorted(moments) and all(moment <= at(hour) for moment in moments)


def test_points_that_expire_before_they_arrive_are_never_available() -> None:
    account, _ = accrue(Account("amina"), Lot(1, START, at(9), at(5), 10, 10), START)
    settled, postings = settle(account, at(20))
    assert [posting.kind for posting in postings] == [PostingKind.EXPIRY]
    assert balances(settled) == (0, 0, 0)


def test_a_chain_links_each_posting_to_the_one_before() -> None:
    account, first = accrue(Account("amina"), Lot(1, START, None, None, 10, 10), START)
    _, second = accrue(account, Lot(2, START, None, None, 10, 10), START)
    assert (second.previous, second.sequence) == (first.digest, 2)
    assert second.digest == second.expected_digest()


CHANGES = {
    "participant": "basil", "sequence": 7, "at": START + timedelta(microseconds=1), "kind": PostingKind.BURN,
    "source": "other", "reward": "cup", "moves": Moves(available=11, issued=-11), "lots": ((1, 11),),
    "previous": b"\x01" * 32,
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_a_posting_that_was_changed_in_any_field_does_not_match_its_digest(field: str) -> None:
    _, posting = accrue(Account("amina"), Lot(1, START, None, None, 10, 10), START)
    assert posting._replace(**{field: CHANGES[field]}).expected_digest() != posting.digest


def test_the_same_moment_told_in_another_zone_has_the_same_digest() -> None:
    _, posting = accrue(Account("amina"), Lot(1, START, None, None, 10, 10), START)
    elsewhere = START.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00+05:45").tzinfo)
    assert posting._replace(at=elsewhere).expected_digest() == posting.digest


@pytest.mark.parametrize(
    ("moves", "fault"),
    [
        (Moves(available=1), "sum to zero"),
        (Moves(available=-1, burned=1), "below zero"),
        (Moves(held=-1, burned=1), "below zero"),
    ],
)
def test_a_posting_that_cannot_be_is_a_fault_of_the_caller(moves: Moves, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        post(Account("amina"), Entry(START, PostingKind.BURN, "x", moves))
