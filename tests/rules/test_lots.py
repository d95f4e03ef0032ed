"""Lots pay soonest-expiring first, and exactly or not at all."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules.lots import Lot, spendable, take

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
around_now = st.integers(-50, 50).map(lambda hours: NOW + timedelta(hours=hours))


@st.composite
def lots(draw: st.DrawFn) -> list[Lot]:
    """Lots of all sorts: spent, pending, expired, earned in the future, never expiring."""
    return [
        Lot(
            number=number,
            earned_at=draw(around_now),
            available_at=draw(st.none() | around_now),
            expires_at=draw(st.none() | around_now),
            points=20,
            remaining=draw(st.integers(0, 20)),
        )
        for number in draw(st.permutations(range(draw(st.integers(0, 8)))))
    ]


def can_pay(lot: Lot) -> bool:
    arrived = lot.available_at is None or lot.available_at <= NOW
    lives = lot.expires_at is None or lot.expires_at > NOW
    return lot.remaining > 0 and lot.earned_at <= NOW and arrived and lives


@given(lots())
def test_what_can_pay_is_what_has_arrived_lives_and_is_not_spent(held: list[Lot]) -> None:
    assert {lot.number for lot in spendable(held, NOW)} == {lot.number for lot in held if can_pay(lot)}


@given(lots())
def test_the_soonest_to_expire_pays_first_and_what_never_expires_pays_last(held: list[Lot]) -> None:
    paying = spendable(held, NOW)
    for earlier, later in pairwise(paying):
        if earlier.expires_at is None:
            assert later.expires_at is None
        elif later.expires_at is not None:
            assert earlier.expires_at <= later.expires_at
        if earlier.expires_at == later.expires_at:
            assert (earlier.earned_at, earlier.number) < (later.earned_at, later.number)


@given(lots(), st.integers(0, 200))
def test_what_is_taken_is_exact_or_nothing(held: list[Lot], points: int) -> None:
    shares = take(held, points, NOW)
    enough = sum(lot.remaining for lot in held if can_pay(lot)) >= points
    assert (shares is not None) is enough
    if shares is not None:
        remaining = {lot.number: lot.remaining for lot in held}
        assert sum(share for _, share in shares) == points
        assert all(0 < share <= remaining[number] for number, share in shares)
        assert len({number for number, _ in shares}) == len(shares)


@given(lots(), st.integers(1, 200))
def test_a_lot_pays_only_when_those_before_it_are_spent(held: list[Lot], points: int) -> None:
    shares = take(held, points, NOW)
    paying = spendable(held, NOW)
    if shares is not None:
        assert [number for number, _ in shares] == [lot.number for lot in paying[: len(shares)]]
        assert all(share == lot.remaining for (_, share), lot in zip(shares[:-1], paying, strict=False))


def test_the_order_does_not_depend_on_how_the_lots_are_given() -> None:
    day = timedelta(days=1)
    never = Lot(1, NOW - 3 * day, None, None, 5, 5)
    late = Lot(2, NOW - 2 * day, None, NOW + 9 * day, 5, 5)
    soon = Lot(3, NOW - day, None, NOW + day, 5, 5)
    for held in ([never, late, soon], [soon, late, never], [late, never, soon]):
        assert take(held, 12, NOW) == [(3, 5), (2, 5), (1, 2)]
