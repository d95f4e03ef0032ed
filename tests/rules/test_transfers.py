"""Points that change hands: one posting with an end in each history, and nothing renewed by it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules.commands import Cancel, Close, Declined, Earn, Redeem, Refund, Transfer, Transferred
from mirabelle.rules.programme import RefundPolicy, Transfers
from mirabelle.rules.redemption import NewVoucher
from tests.rules.ledger_world import RULES, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALLOWED = replace(RULES, transfers=Transfers(allowed=True, from_points=5))


def two_people(rules: object = ALLOWED) -> World:
    world = World(["amina", "basil"], rules)
    world.do(Earn("amina", "p1", 20, START), Earn("amina", "p2", 20, START + DAY))
    return world


def test_a_transfer_is_one_posting_with_an_end_in_each_history() -> None:
    world = two_people()
    assert world.do(Transfer("amina", "basil", "t1", 25, START + DAY)) == [Transferred("t1", 25, 15)]
    ends = [posting for posting in world.postings if posting.source == "t1"]
    assert [(end.participant, end.moves.available) for end in ends] == [("amina", -25), ("basil", 25)]
    assert [sum(column) for column in zip(*(end.moves for end in ends), strict=True)] == [0] * 8


def test_transferred_points_end_when_they_would_have_ended() -> None:
    world = two_people()
    world.do(Transfer("amina", "basil", "t1", 25, START + DAY))
    given = list(world.account("amina").lots.values())
    got = list(world.account("basil").lots.values())
    assert [lot.expires_at for lot in got] == [lot.expires_at for lot in given]
    assert [lot.remaining for lot in got] == [20, 5] and [lot.remaining for lot in given] == [0, 15]


def test_transferred_points_count_for_no_tier() -> None:
    world = two_people()
    world.do(Earn("amina", "p3", 60, START), Transfer("amina", "basil", "t1", 70, START + DAY))
    [asked] = world.do(Redeem("basil", "r1", "silver-only", START + DAY))
    assert isinstance(asked, Declined) and asked.reason == "tier_too_low"


def test_a_refund_of_points_that_were_given_away_takes_the_givers_others() -> None:
    world = two_people()
    world.do(Transfer("amina", "basil", "t1", 20, START + DAY), Refund("amina", "f1", "p1", 20, START + DAY))
    assert (world.account("amina").available, world.account("basil").available) == (0, 20)


def test_who_owes_points_pays_with_those_that_are_given_to_them() -> None:
    world = two_people(replace(ALLOWED, refunds=RefundPolicy.NEVER_BELOW_ZERO))
    voucher = NewVoucher(bytes(16), "code", b"k" * 32, "salt", 1)
    world.do(Earn("basil", "p9", 20, START), Redeem("basil", "r1", "mug", START, voucher=voucher))
    world.do(Refund("basil", "f1", "p9", 20, START), Transfer("amina", "basil", "t1", 25, START + DAY))
    assert (world.account("basil").available, world.account("basil").owed) == (5, 0)
    world.do(Cancel("basil", "r1", START + DAY))
    assert world.account("basil").available == 25


@pytest.mark.parametrize(
    ("rules", "recipient", "points", "reason"),
    [
        (RULES, "basil", 10, "transfers_not_allowed"),
        (ALLOWED, "amina", 10, "no_such_recipient"),
        (ALLOWED, "nobody", 10, "no_such_recipient"),
        (ALLOWED, "basil", 4, "too_few_points"),
        (ALLOWED, "basil", 41, "not_enough_points"),
    ],
)
def test_a_transfer_that_cannot_be_says_why_and_changes_nothing(
    rules: object, recipient: str, points: int, reason: str
) -> None:
    world = two_people(rules)
    before = list(world.postings)
    [declined] = world.do(Transfer("amina", recipient, "t1", points, START + DAY))
    assert isinstance(declined, Declined) and declined.reason == reason
    assert world.postings == before


def test_points_given_just_before_they_ended_are_given_even_where_their_end_was_posted_already() -> None:
    world = two_people()
    end = ALLOWED.end_of_day(START, 10)
    world.do(Close("amina", end))
    given = Transfer("amina", "basil", "t1", 30, end - timedelta(microseconds=1))
    assert world.do(given) == [Transferred("t1", 30, 10)]
    assert world.account("basil").available == 30
    world.do(Close("basil", end))
    assert world.account("basil").available == 10


def test_giving_points_away_and_refunding_the_purchase_leaves_the_giver_owing_them() -> None:
    world = two_people()
    for round_ in range(3):
        at = START + (2 + round_) * DAY
        world.do(Earn("amina", f"q{round_}", 20, at), Transfer("amina", "basil", f"t{round_}", 20, at))
        world.do(Refund("amina", f"f{round_}", f"q{round_}", 20, at))
    everything = sum(world.account(who).available - world.account(who).owed for who in ("amina", "basil"))
    assert everything == 40


def test_points_that_are_given_back_pay_what_their_refund_left_owed() -> None:
    world = two_people()
    world.do(Transfer("amina", "basil", "t1", 40, START + DAY))
    world.do(Refund("amina", "f1", "p1", 20, START + DAY), Transfer("basil", "amina", "t2", 40, START + DAY))
    assert (world.account("amina").available, world.account("amina").owed) == (20, 0)


def test_received_points_pay_for_nothing_that_came_before_them() -> None:
    world = two_people()
    world.do(Transfer("amina", "basil", "t1", 25, START + 5 * DAY))
    [late] = world.do(Redeem("basil", "r1", "mug", START + 2 * DAY))
    assert isinstance(late, Declined)
