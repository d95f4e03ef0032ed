"""Vouchers that change hands: once, for good, and dead for whoever held them before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import Cancel, Declined, Earn, Give, Lapse, Redeem, Redeemed, Reverse, Scan
from mirabelle.rules.redemption import NewVoucher, VoucherState
from tests.rules.ledger_world import World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
VOUCHER = bytes(range(16))
OLD_CODE, NEW_CODE = (fallback_code.make(bytes([n] * fallback_code.RANDOM_BYTES)) for n in (1, 2))


def gift(giver: str = "amina", recipient: str = "basil", at: datetime = START + DAY) -> Give:
    return Give(giver, recipient, "g1", VOUCHER, NEW_CODE, b"n" * 32, at)


def with_a_voucher(reward: str = "mug") -> World:
    world = World(["amina", "basil", "chloe"])
    new = NewVoucher(VOUCHER, OLD_CODE, b"k" * 32, "salt", 3)
    world.do(Earn("amina", "p1", 100, START), Redeem("amina", "r1", reward, START, voucher=new))
    return world


def scanned(code: str, at: datetime = START + 2 * DAY) -> Scan:
    return Scan("s1", "till-1", 0, (), "", code, VOUCHER, at)


def test_a_gift_has_a_new_code_a_new_key_and_a_device_that_comes_after_the_givers() -> None:
    world = with_a_voucher()
    [given] = world.do(gift())
    assert isinstance(given, Redeemed) and given.voucher is not None
    voucher = world.snapshot.vouchers[VOUCHER]
    assert (voucher.holder, voucher.participant, voucher.given_at) == ("basil", "amina", START + DAY)
    assert (voucher.code, voucher.holder_key, voucher.key_salt) == (NEW_CODE, b"n" * 32, "g1")
    assert (voucher.epoch_base, voucher.epoch, voucher.epoch_at) == (3, 4, START + DAY)


def test_no_points_move_when_a_voucher_is_given() -> None:
    world = with_a_voucher()
    before, postings = dict(world.snapshot.accounts), list(world.postings)
    world.do(gift())
    assert world.postings == postings
    assert [world.account(who).available for who in before] == [account.available for account in before.values()]


@pytest.mark.parametrize("who", ["amina", "basil"])
@pytest.mark.parametrize("reward", ["mug", "card"])
def test_neither_giver_nor_recipient_can_cancel_it(who: str, reward: str) -> None:
    world = with_a_voucher(reward)
    world.do(gift())
    [outcome] = world.do(Cancel(who, "r1", START + 2 * DAY))
    assert isinstance(outcome, Declined) and outcome.reason == ("not_cancellable" if who == "amina" else "not_found")


def test_held_points_of_a_gift_that_nobody_used_go_back_to_who_paid() -> None:
    world = with_a_voucher("card")
    world.do(gift())
    world.do(Lapse("amina", "r1", world.snapshot.vouchers[VOUCHER].expires_at))
    assert world.snapshot.vouchers[VOUCHER].state is VoucherState.LAPSED
    assert (world.account("amina").held, world.account("basil").available) == (0, 0)


def test_the_operator_can_still_reverse_it_for_who_paid() -> None:
    world = with_a_voucher()
    world.do(gift(), Reverse("amina", "r1", None, START + 2 * DAY))
    assert world.account("amina").available == 100
    assert world.snapshot.vouchers[VOUCHER].state is VoucherState.CANCELLED


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (gift("chloe"), "not_found"),
        (gift(recipient="amina"), "no_such_recipient"),
        (gift(recipient=""), "no_such_recipient"),
        (gift(at=START + 1000 * DAY), "voucher_over"),
        (replace(gift(), voucher=b"?" * 16), "not_found"),
    ],
)
def test_what_cannot_be_given_says_why_and_changes_nothing(command: Give, reason: str) -> None:
    world = with_a_voucher()
    before = world.snapshot.vouchers
    [declined] = world.do(command)
    assert isinstance(declined, Declined) and declined.reason == reason
    assert world.snapshot.vouchers == before


@pytest.mark.parametrize("giver", ["amina", "basil"])
def test_a_gift_is_given_once_and_not_on(giver: str) -> None:
    world = with_a_voucher()
    world.do(gift())
    [declined] = world.do(gift(giver, "chloe"))
    assert isinstance(declined, Declined) and declined.reason == "already_given"


def test_a_used_or_blocked_voucher_cannot_be_given() -> None:
    used = with_a_voucher()
    used.do(scanned(OLD_CODE))
    blocked = with_a_voucher()
    voucher = replace(blocked.snapshot.vouchers[VOUCHER], blocked_at=START)
    blocked.snapshot = replace(blocked.snapshot, vouchers={VOUCHER: voucher})
    for world in (used, blocked):
        [declined] = world.do(gift(at=START + 3 * DAY))
        assert isinstance(declined, Declined) and declined.reason == "voucher_over"
