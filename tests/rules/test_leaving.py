"""Leaving, as a decision: every obstacle, and an account in which nothing is left."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules.leaving import Belongings, leave, losses, obstacle
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, accrue
from mirabelle.rules.redemption import ValueClass, VoucherRecord, VoucherState
from mirabelle.rules.refusals import Obstacle

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
VOUCHER = VoucherRecord(
    id=bytes(16),
    participant="amina",
    redemption="r-1",
    reward="card",
    code="",
    store=0,
    value_class=ValueClass.C,
    holder_key=bytes(32),
    key_salt="",
    epoch=1,
    lease_start=NOW,
    issued_at=NOW - DAY,
    expires_at=NOW + DAY,
    value_minor=1000,
)


def with_lots(*lots: Lot) -> Account:
    account = Account("amina")
    for lot in lots:
        account, _ = accrue(account, lot, lot.earned_at)
    return account


def lot(number: int, points: int, **more: datetime) -> Lot:
    return Lot(number, NOW - 9 * DAY, more.get("arrives"), more.get("ends"), points, points, f"p{number}")


def test_nothing_is_left_of_points_of_any_kind_and_every_posting_balances() -> None:
    account = with_lots(
        lot(1, 10), lot(2, 20, ends=NOW + DAY), lot(3, 30, arrives=NOW + DAY), lot(4, 40, ends=NOW - DAY)
    )
    mine = Belongings(account, [], [VOUCHER])
    assert losses(mine, NOW).points == 60
    left = leave(mine, NOW)
    assert (left.account.available, left.account.pending, left.account.held) == (0, 0, 0)
    assert not any(one.remaining for one in left.account.lots.values())
    assert sum(posting.moves.expired for posting in left.postings) == 100
    assert [voucher.state for voucher in left.vouchers] == [VoucherState.CANCELLED]


@pytest.mark.parametrize(
    "kept",
    [
        replace(VOUCHER, state=VoucherState.USED),
        replace(VOUCHER, expires_at=NOW),
        replace(VOUCHER, given_to="basil"),
    ],
    ids=["used", "over", "given away"],
)
def test_a_voucher_that_is_no_longer_theirs_to_use_stays_as_it_is(kept: VoucherRecord) -> None:
    assert leave(Belongings(Account("amina"), [], [kept]), NOW).vouchers == []


def test_money_that_a_till_holds_stands_in_the_way_of_its_holder_alone() -> None:
    held = replace(VOUCHER, held_minor=100)
    assert obstacle(Belongings(Account("amina"), [], [held])) is Obstacle.MONEY_HELD
    assert obstacle(Belongings(Account("amina"), [], [replace(held, given_to="basil")])) is None
    assert obstacle(Belongings(Account("basil"), [], [replace(held, given_to="basil")])) is Obstacle.MONEY_HELD
