"""Vouchers that carry money: it is held, taken bit by bit and given back, and never more of it than there is."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import fallback_code
from mirabelle.rules.balance import MoveKind, adds_up
from mirabelle.rules.commands import (
    Cancel,
    CaptureAmount,
    Declined,
    Earn,
    EndHolds,
    Give,
    HoldAmount,
    HoldsEnded,
    Lapse,
    NotTaken,
    NotUndone,
    Outcome,
    Redeem,
    Redeemed,
    ReleaseHold,
    Reverse,
    Scan,
    Scanned,
    Taken,
    Undone,
    UndoScan,
)
from mirabelle.rules.redemption import NewVoucher, RedemptionState, RewardTerms, ValueClass, VoucherState
from tests.rules.ledger_world import World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WORTH = 5000
CARD = RewardTerms("card", 50, value_class=ValueClass.C, store=7, stocked=True, valid_days=60, balance_minor=WORTH)
ID = bytes(range(16))
CODE = fallback_code.make(bytes(fallback_code.RANDOM_BYTES))


class Shop:
    """Amina with a gift card, and tills that take money from it."""

    def __init__(self) -> None:
        self.world = World(["amina", "basil"], rewards=[CARD])
        slots = {name: getattr(self.world.snapshot, name) for name in self.world.snapshot.__slots__}
        self.world.snapshot = self.world.snapshot.__class__(**slots | {"stock": {CARD.id: {0: 1}}})
        new = NewVoucher(ID, CODE, b"1" * 32, "salt", 1)
        self.world.do(Earn("amina", "p1", 100, START), Redeem("amina", "r1", "card", START, voucher=new))

    def do(self, command: object) -> Outcome:
        [outcome] = self.world.do(command)  # type: ignore[arg-type]
        return outcome

    def hold(self, amount: int, hold: str = "h1", at: datetime = START, **more: object) -> Outcome:
        asked: dict[str, object] = {
            "till": "till-1",
            "store": 7,
            "groups": (),
            "shown_at": at,
            "within": 5 * MINUTE,
            **more,
        }
        return self.do(HoldAmount(hold, voucher=ID, amount_minor=amount, at=at, ends_at=at + 5 * MINUTE, **asked))  # type: ignore[arg-type]

    def capture(self, amount: int, hold: str = "h1", at: datetime = START, till: str = "till-1") -> Outcome:
        return self.do(CaptureAmount(hold, till, 7, (), ID, amount, at))

    def take(self, amount: int, hold: str = "h1", at: datetime = START) -> Outcome:
        self.hold(amount, hold, at)
        return self.capture(amount, hold, at)

    @property
    def sums(self) -> tuple[int, int, int]:
        """What is taken, held and left."""
        voucher = self.world.snapshot.vouchers[ID]
        return voucher.taken_minor, voucher.held_minor, voucher.left_minor

    @property
    def state(self) -> tuple[VoucherState, RedemptionState]:
        return self.world.snapshot.vouchers[ID].state, self.world.snapshot.redemptions["r1"].state


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, NotTaken), outcome
    return outcome.reason.value


def test_a_part_of_what_is_held_is_taken_and_the_rest_goes_back() -> None:
    shop = Shop()
    assert isinstance(shop.hold(2000), Taken) and shop.sums == (0, 2000, 3000)
    assert shop.world.account("amina").held == 50
    assert isinstance(shop.capture(1250), Taken) and shop.sums == (1250, 0, 3750)
    assert shop.state == (VoucherState.READY, RedemptionState.CAPTURED) and shop.world.account("amina").held == 0


def test_it_is_used_once_nothing_is_left() -> None:
    shop = Shop()
    shop.take(4000, "h1")
    assert shop.state[0] is VoucherState.READY
    shop.take(1000, "h2")
    assert shop.state[0] is VoucherState.USED and shop.sums == (5000, 0, 0)
    shown = shop.do(Scan("s1", "till-1", 7, (), "", CODE, ID, START))
    assert isinstance(shown, Scanned) and shown.verdict.code == "not_a_voucher"


def test_showing_it_uses_nothing_up_and_the_till_is_told_to_ask_for_an_amount() -> None:
    shop = Shop()
    for number in range(2):
        shown = shop.do(Scan(f"s{number}", "till-1", 7, (), "", CODE, ID, START))
        assert isinstance(shown, Scanned) and shown.verdict.code == "amount_required" and shown.voucher is not None
    assert shop.sums == (0, 0, WORTH) and shop.world.snapshot.uses == {}


def test_what_was_shown_too_long_ago_must_be_shown_again() -> None:
    shop = Shop()
    assert reason(shop.hold(1, shown_at=START - 5 * MINUTE - timedelta(seconds=1))) == "present_again"
    assert isinstance(shop.hold(1, shown_at=START - 5 * MINUTE), Taken)


def test_no_hold_is_over_what_other_holds_leave() -> None:
    shop = Shop()
    shop.hold(3000, "h1")
    assert reason(shop.hold(2001, "h2")) == "over_balance"
    assert isinstance(shop.hold(2000, "h2"), Taken)
    assert reason(shop.capture(2001, "h2")) == "over_balance" and shop.sums == (0, 5000, 0)


def test_a_hold_ends_by_itself_and_takes_nothing_afterwards() -> None:
    shop = Shop()
    shop.hold(3000)
    assert shop.do(EndHolds(ID, START + 5 * MINUTE - timedelta(seconds=1))) == HoldsEnded(0)
    assert shop.do(EndHolds(ID, START + 5 * MINUTE)) == HoldsEnded(1)
    assert shop.sums == (0, 0, WORTH)
    assert reason(shop.capture(3000, at=START + 5 * MINUTE)) == "hold_ended"


def test_a_hold_whose_time_is_over_is_in_nobodys_way_before_anything_ended_it() -> None:
    shop = Shop()
    shop.hold(5000, "h1")
    assert isinstance(shop.hold(5000, "h2", START + 6 * MINUTE), Taken)
    assert reason(shop.capture(5000, "h1", START + 6 * MINUTE)) == "hold_ended"


def test_what_is_released_cannot_be_captured_nor_what_is_captured_released() -> None:
    shop = Shop()
    shop.hold(1000, "h1")
    for _ in range(2):
        assert isinstance(shop.do(ReleaseHold("h1", "till-1", ID, START)), Taken)
    assert reason(shop.capture(1000, "h1")) == "hold_ended"
    shop.take(1000, "h2")
    assert reason(shop.do(ReleaseHold("h2", "till-1", ID, START))) == "hold_captured"
    assert reason(shop.capture(1000, "h2")) == "hold_captured" and shop.sums == (1000, 0, 4000)


def test_a_hold_is_its_own_tills_alone() -> None:
    shop = Shop()
    shop.hold(1000)
    assert reason(shop.capture(1000, till="till-2")) == "not_found"
    assert reason(shop.do(ReleaseHold("h1", "till-2", ID, START))) == "not_found"
    assert isinstance(shop.do(UndoScan("h1", "till-2", ID, START, 5 * MINUTE)), NotUndone)


def test_at_another_store_nothing_is_held() -> None:
    shop = Shop()
    assert reason(shop.hold(1, store=8)) == "wrong_store"
    assert isinstance(shop.hold(1, store=8, groups=(7,)), Taken)


@pytest.mark.parametrize("when", ["before the hold", "before the capture"])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"blocked_at": START}, "voucher_blocked"),
        ({"state": VoucherState.CANCELLED}, "voucher_cancelled"),
        ({"state": VoucherState.LAPSED}, "voucher_expired"),
        ({"expires_at": START}, "voucher_expired"),
        ({"epoch_at": START + timedelta(seconds=1)}, "superseded_device"),
    ],
)
def test_what_happens_to_it_meanwhile_is_told(when: str, change: dict[str, object], why: str) -> None:
    shop = Shop()
    if when == "before the capture":
        shop.hold(1000)
    voucher = shop.world.snapshot.vouchers[ID]
    fields = {name: getattr(voucher, name) for name in voucher.__slots__}
    shop.world.snapshot.vouchers[ID] = type(voucher)(**fields | change)  # type: ignore[index]
    told = shop.capture(1000) if when == "before the capture" else shop.hold(1000)
    assert reason(told) == why


def test_an_untouched_card_is_cancelled_and_one_that_was_used_or_is_held_is_not() -> None:
    shop = Shop()
    shop.hold(1000)
    refused = shop.do(Cancel("amina", "r1", START))
    assert isinstance(refused, Declined) and refused.reason == "not_cancellable"
    done = shop.do(Cancel("amina", "r1", START + 6 * MINUTE))  # the hold is over by itself
    assert isinstance(done, Redeemed) and shop.world.account("amina").available == 100
    assert shop.world.snapshot.stock[CARD.id][0] == 1
    spent = Shop()
    spent.take(1)
    refused = spent.do(Cancel("amina", "r1", START + DAY))
    assert isinstance(refused, Declined) and refused.reason == "not_cancellable"


def test_what_was_taken_is_undone_within_its_minutes_and_the_points_are_held_again() -> None:
    shop = Shop()
    shop.take(WORTH)
    assert shop.state == (VoucherState.USED, RedemptionState.CAPTURED)
    assert shop.do(UndoScan("h1", "till-1", ID, START + 6 * MINUTE, 5 * MINUTE)) == NotUndone(too_late=True)
    for _ in range(2):
        done = shop.do(UndoScan("h1", "till-1", ID, START + MINUTE, 5 * MINUTE))
        assert isinstance(done, Undone) and done.at == START + MINUTE
    assert shop.state == (VoucherState.READY, RedemptionState.HELD) and shop.sums == (0, 0, WORTH)
    assert shop.world.account("amina").held == 50
    assert isinstance(shop.do(Cancel("amina", "r1", START + MINUTE)), Redeemed)


def test_undoing_one_of_two_takings_leaves_the_points_captured() -> None:
    shop = Shop()
    shop.take(1000, "h1")
    shop.take(500, "h2")
    assert isinstance(shop.do(UndoScan("h1", "till-1", ID, START, 5 * MINUTE)), Undone)
    assert shop.sums == (500, 0, 4500) and shop.state[1] is RedemptionState.CAPTURED


def test_a_hold_goes_with_the_points_that_lapse() -> None:
    shop = Shop()
    end = shop.world.snapshot.vouchers[ID].expires_at
    shop.hold(1000, at=end - MINUTE)
    assert shop.world.snapshot.moves[ID][0].ends_at == end
    assert isinstance(shop.do(Lapse("amina", "r1", end)), Redeemed)
    assert shop.sums == (0, 0, WORTH) and shop.state == (VoucherState.LAPSED, RedemptionState.RELEASED)


def test_a_reversal_ends_what_is_held_and_a_piece_that_was_used_never_comes_back() -> None:
    shop = Shop()
    shop.take(1000, "h1")
    shop.hold(1000, "h2")
    assert isinstance(shop.do(Reverse("amina", "r1", None, START)), Redeemed)
    assert shop.sums == (1000, 0, 4000) and shop.state[0] is VoucherState.CANCELLED
    assert shop.world.snapshot.stock[CARD.id][0] == 0
    assert reason(shop.capture(1000, "h2")) == "hold_ended"
    assert shop.do(UndoScan("h1", "till-1", ID, START, 5 * MINUTE)) == NotUndone(too_late=True)


def test_given_away_it_keeps_its_money_and_whoever_showed_it_before_takes_none() -> None:
    shop = Shop()
    shop.take(1000, "h1")
    shop.do(Give("amina", "basil", "g1", ID, "NEW", b"n" * 32, START + MINUTE))
    assert reason(shop.hold(1, "h2", START + 2 * MINUTE, shown_at=START)) == "superseded_device"
    assert isinstance(shop.hold(4000, "h3", START + 2 * MINUTE), Taken)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "capture", "release", "undo", "end", "cancel", "reverse", "wait"]),
        st.integers(1, 6),
        st.integers(1, 6000),
    ),
    max_size=30,
)


@given(DEEDS)
def test_whatever_tills_do_the_sums_are_right_and_nothing_is_ever_below_zero(
    deeds: list[tuple[str, int, int]],
) -> None:
    shop, now = Shop(), START
    for place, (deed, number, amount) in enumerate(deeds):
        hold = f"h{number}"
        match deed:
            case "hold":
                shop.hold(amount, f"h{place}", now)
            case "capture":
                shop.capture(amount, hold, now)
            case "release":
                shop.do(ReleaseHold(hold, "till-1", ID, now))
            case "undo":
                shop.do(UndoScan(hold, "till-1", ID, now, 5 * MINUTE))
            case "end":
                shop.do(EndHolds(ID, now))
            case "cancel":
                shop.do(Cancel("amina", "r1", now))
            case "reverse":
                shop.do(Reverse("amina", "r1", None, now)) if amount > 5500 else None
            case "wait":
                now += number * MINUTE
        check(shop)


def check(shop: Shop) -> None:
    taken, held, left = shop.sums
    assert adds_up(shop.world.snapshot.vouchers[ID], shop.world.snapshot.moves.get(ID, []))
    moves = shop.world.snapshot.moves.get(ID, [])
    assert min(taken, held, left) >= 0 and taken + held + left == WORTH
    signs = {MoveKind.CAPTURE: 1, MoveKind.UNDO: -1}
    assert taken == sum(signs.get(move.kind, 0) * move.amount_minor for move in moves)
    assert [move.number for move in moves] == list(range(1, len(moves) + 1))
    assert all(move.taken_minor + move.held_minor + move.left_minor == WORTH for move in moves)
    voucher, redemption = shop.state
    assert (voucher is VoucherState.USED) is (taken == WORTH)
    if redemption is not RedemptionState.RELEASED:
        assert (redemption is RedemptionState.CAPTURED) is (taken > 0)
    account = shop.world.account("amina")
    assert account.held == (50 if redemption is RedemptionState.HELD else 0)
