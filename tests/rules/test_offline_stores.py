"""Stores without network, in every combination: what can be lost is bounded, and comes to light with one sync.

Of S stores the bound is S - 1 values for each voucher, and S where its holder cancels it before any of them syncs.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations

import pytest

from mirabelle.rules import frame, holder
from mirabelle.rules.commands import Cancel, Earn, Redeem, Redeemed, Uploaded, UploadScan
from mirabelle.rules.redemption import NewVoucher, RewardTerms, ValueClass, VoucherRecord
from mirabelle.rules.scans import scan_id
from mirabelle.rules.voucher import CheckContext, check, use_key
from mirabelle.rules.voucher_code import VoucherCode
from tests.rules.ledger_world import World

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ISSUER, HOLDER = bytes(32), bytes(range(32))
ISSUER_KEY = holder.public_key(ISSUER)
KEYS = {frame.key_id(ISSUER_KEY): ISSUER_KEY}
NUMBERS = {ValueClass.A: 1, ValueClass.B: 2, ValueClass.C: 3}
POINTS, CAP = 20, 3
STORES = (7, 8, 9, 10)
REWARDS = [
    RewardTerms("any", POINTS, value_class=ValueClass.A),
    RewardTerms("bound", POINTS, value_class=ValueClass.B, store=7),
    RewardTerms("card", POINTS, value_class=ValueClass.C),
]


@dataclass
class Till:
    """A till without network: what it accepted it remembers, and tells of it later."""

    name: str
    store: int
    accepted: list[tuple[str, datetime]] = field(default_factory=list)
    used: set[tuple[bytes, int]] = field(default_factory=set)
    counts: Counter[int] = field(default_factory=Counter)

    def show(self, text: str, at: datetime) -> VoucherCode:
        """What the till says by itself to a code that it is shown."""
        left = {number: CAP - self.counts[number] for number in (1, 2)}
        context = CheckContext(
            KEYS, 2**40, int(at.timestamp()), self.store, online=False, used=self.used, caps_left=left
        )
        verdict = check(text, context)
        if verdict.code is VoucherCode.ACCEPTED and verdict.frame is not None:
            self.used.add(use_key(verdict.frame))
            self.counts[verdict.frame.value_class] += 1
            self.accepted.append((text, at))
        return verdict.code

    def uploads(self) -> list[UploadScan]:
        """What it tells of at its next sync."""
        told = []
        for number, (text, at) in enumerate(self.accepted):
            parsed = frame.parse(text)
            assert isinstance(parsed, frame.Frame)
            scan = scan_id(self.name, f"key-{number}")
            later = NOW + timedelta(hours=1)
            told.append(UploadScan(scan, self.name, self.store, (), text, parsed.voucher, at, later))
        return told


def world_with(reward: str, vouchers: int = 1) -> tuple[World, list[VoucherRecord]]:
    """A world in which somebody has vouchers for `reward`."""
    world = World(["amina"], rewards=REWARDS)
    world.snapshot = replace(world.snapshot, issuer_keys=KEYS)
    world.do(Earn("amina", "p1", POINTS * vouchers, NOW - timedelta(days=1)))
    key, had = holder.public_key(HOLDER), []
    for number in range(vouchers):
        new = NewVoucher(number.to_bytes(16, "big"), f"code-{number}", key, "salt", 1)
        [outcome] = world.do(Redeem("amina", f"r{number}", reward, NOW, voucher=new))
        assert isinstance(outcome, Redeemed) and outcome.voucher is not None
        had.append(outcome.voucher)
    return world, had


def shown(voucher: VoucherRecord, at: datetime) -> str:
    """The voucher's code at a moment."""
    offline = frame.OFFLINE if voucher.value_class is not ValueClass.C else 0
    lease = frame.Lease(
        dynamic=True,
        flags=offline,
        key_id=frame.key_id(ISSUER_KEY),
        voucher=voucher.id,
        reward=1,
        scope=voucher.store,
        lease_start=int(NOW.timestamp()),
        lease_minutes=72 * 60,
        epoch=voucher.epoch,
        use=voucher.use,
        value_class=NUMBERS[voucher.value_class],
        holder_key=voucher.holder_key,
    )
    issued = frame.issue(lease, lambda message: holder.sign(ISSUER, message))
    return frame.show(issued, int(at.timestamp()), lambda message: holder.sign(HOLDER, message))


def visits() -> Iterator[tuple[int, ...]]:
    """Every choice of stores, in every order of telling."""
    for number in range(1, len(STORES) + 1):
        for chosen in combinations(STORES, number):
            yield from permutations(chosen)


def synced(world: World, tills: list[Till]) -> list[Uploaded]:
    """Each till tells of what it did, once; what it is answered."""
    told = []
    for till in tills:
        for upload in till.uploads():
            [outcome] = world.do(upload)
            assert isinstance(outcome, Uploaded)
            told.append(outcome)
    return told


def lost(world: World) -> int:
    return sum(posting.moves.offline_loss for posting in world.postings)


def test_a_class_a_voucher_shown_in_all_stores_loses_one_value_less_than_there_are_stores() -> None:
    for order in visits():
        world, [voucher] = world_with("any")
        tills = {store: Till(f"till-{store}", store) for store in sorted(order)}
        for minute, till in enumerate(tills.values()):
            at = NOW + timedelta(minutes=minute)
            assert till.show(shown(voucher, at), at) is VoucherCode.ACCEPTED
        available = world.account("amina").available
        told = synced(world, [tills[store] for store in order])
        assert lost(world) == (len(order) - 1) * POINTS
        assert world.account("amina").available == available
        [first, *late] = told
        assert first.use is not None and first.use.proof and first.use.till == f"till-{order[0]}"
        for outcome in late:
            assert outcome.conflict is not None and outcome.conflict.proof not in ("", first.use.proof)
            assert outcome.first_use == first.use and outcome.conflict.first_scan == first.use.scan


def test_whoever_cancels_what_stores_took_without_network_makes_it_the_whole_value_for_each_store() -> None:
    """A cancellation gives the points back at once: with it the bound is one value more than without. It is told whose
    voucher it was."""
    for order in visits():
        world, [voucher] = world_with("any")
        tills = [Till(f"till-{store}", store) for store in order]
        for till in tills:
            assert till.show(shown(voucher, NOW), NOW) is VoucherCode.ACCEPTED
        world.do(Cancel("amina", "r0", NOW + timedelta(minutes=1)))
        told = synced(world, tills)
        assert lost(world) == len(order) * POINTS
        assert all(outcome.conflict is not None and outcome.first_use is None for outcome in told)
        assert all(outcome.voucher.participant == "amina" for outcome in told)


@pytest.mark.parametrize(("reward", "refusal"), [("bound", VoucherCode.WRONG_STORE), ("card", None)])
def test_vouchers_of_class_b_and_c_lose_nothing_however_many_stores_are_offline(
    reward: str, refusal: VoucherCode | None
) -> None:
    for order in visits():
        world, [voucher] = world_with(reward)
        tills = [Till(f"till-{store}", store) for store in order]
        verdicts = {till.store: till.show(shown(voucher, NOW), NOW) for till in tills}
        expected = dict.fromkeys(order, refusal or VoucherCode.OFFLINE_NOT_ALLOWED)
        if reward == "bound" and 7 in order:
            expected[7] = VoucherCode.ACCEPTED
        assert verdicts == expected
        synced(world, tills)
        assert lost(world) == 0


def test_what_class_b_can_lose_is_within_one_store_by_as_many_tills_as_it_has_offline() -> None:
    """Two tills of one store that hear of nothing do not hear of each other: their number and caps are the bound."""
    world, [voucher] = world_with("bound")
    tills = [Till(f"till-{number}", 7) for number in range(3)]
    for till in tills:
        assert till.show(shown(voucher, NOW), NOW) is VoucherCode.ACCEPTED
        assert till.show(shown(voucher, NOW), NOW) is VoucherCode.ALREADY_USED
    synced(world, tills)
    assert lost(world) == (len(tills) - 1) * POINTS


def test_the_caps_bound_what_many_vouchers_can_lose() -> None:
    world, vouchers = world_with("any", vouchers=CAP + 2)
    tills = [Till(f"till-{store}", store) for store in STORES]
    for till in tills:
        verdicts = [till.show(shown(voucher, NOW), NOW) for voucher in vouchers]
        assert verdicts == [VoucherCode.ACCEPTED] * CAP + [VoucherCode.OVER_CAP] * 2
    synced(world, tills)
    assert lost(world) == (len(STORES) - 1) * CAP * POINTS


def test_telling_of_it_again_in_any_order_changes_nothing() -> None:
    world, [voucher] = world_with("any")
    tills = [Till(f"till-{store}", store) for store in STORES]
    for till in tills:
        till.show(shown(voucher, NOW), NOW)
    first = {outcome.use or outcome.conflict for outcome in synced(world, tills)}
    for again in permutations(tills):
        assert {outcome.use or outcome.conflict for outcome in synced(world, list(again))} == first
    assert lost(world) == (len(STORES) - 1) * POINTS
