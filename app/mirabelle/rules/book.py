"""The book of a batch: the snapshot that it is decided over, and what it has changed of it so far."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mirabelle.rules.balance import BalanceMove
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Entry, LotShares, Posting, PostingKind, move_out, post, settle
from mirabelle.rules.programme import TIER_PERIOD, Rules
from mirabelle.rules.redemption import (
    BadProofRecord,
    ConflictRecord,
    RedemptionRecord,
    RewardTerms,
    UseRecord,
    VoucherRecord,
    sibling_id,
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the commands of a batch may touch, as it stands. `stock` is by reward, then by cell.

    `earned_in_period` is by participant and the moment the period ends, `had_before` by participant and reward,
    `conflicts` by scan; `undone` are scans that a till undid before it told of them, `moves` those of vouchers
    that carry money, in their order. By `distrusted_keys` nothing is
    accepted any more, but what tills did without network is recorded.
    """

    rules: Rules
    issuer_keys: Mapping[bytes, bytes] = field(default_factory=dict)
    distrusted_keys: Mapping[bytes, bytes] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    rewards: Mapping[str, RewardTerms] = field(default_factory=dict)
    stock: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    earned_in_period: Mapping[tuple[str, datetime], int] = field(default_factory=dict)
    had_before: Mapping[tuple[str, str], int] = field(default_factory=dict)
    redemptions: Mapping[str, RedemptionRecord] = field(default_factory=dict)
    vouchers: Mapping[bytes, VoucherRecord] = field(default_factory=dict)
    uses: Mapping[tuple[bytes, int], UseRecord] = field(default_factory=dict)
    conflicts: Mapping[str, ConflictRecord] = field(default_factory=dict)
    undone: Collection[str] = ()
    moves: Mapping[bytes, Sequence[BalanceMove]] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What a batch changed, to be written in one transaction; `accounts` and records are as they are afterwards."""

    postings: list[Posting] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    stock: dict[str, dict[int, int]] = field(default_factory=dict)
    redemptions: dict[str, RedemptionRecord] = field(default_factory=dict)
    vouchers: dict[bytes, VoucherRecord] = field(default_factory=dict)
    uses: dict[tuple[bytes, int], UseRecord] = field(default_factory=dict)
    conflicts: dict[str, ConflictRecord] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    bad_proofs: dict[str, BadProofRecord] = field(default_factory=dict)
    moves: list[BalanceMove] = field(default_factory=list)


def earned_by(lots: Iterable[Lot], now: datetime) -> int:
    """The points of `lots` that count for a tier at `now`: earned in the period that ends then, and not refunded."""
    return sum(
        lot.points - lot.refunded for lot in lots if not lot.transferred and now - TIER_PERIOD < lot.earned_at <= now
    )


class Book:
    """The snapshot and what the batch has changed of it so far."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.rules = snapshot.rules
        self.changes = Changes()

    def account(self, participant: str, now: datetime) -> Account:
        """The participant's account with all that time alone has done by `now` posted."""
        account = self.changes.accounts.get(participant) or self.snapshot.accounts[participant]
        settled, postings = settle(account, now)
        if postings:
            self.keep(settled, *postings)
        return settled

    def keep(self, account: Account, *postings: Posting) -> None:
        """Take the account as it is now, and what was posted."""
        self.changes.accounts[account.participant] = account
        self.changes.postings.extend(postings)

    def post(self, account: Account, entry: Entry, changed: Iterable[Lot] = ()) -> Account:
        """Post `entry` and keep the account that it makes."""
        account, posting = post(account, entry, changed)
        self.keep(account, posting)
        return account

    def claw_back(self, account: Account, lot: Lot, points: int, entry_of: tuple[datetime, str]) -> Account:
        """Take `points` from `lot` for the refund or debt that `entry_of` tells the time and source of."""
        at, source = entry_of
        if lot.returned_at is not None:
            at = max(at, lot.returned_at)  # no day on which the points were away may fall below zero
        account = self.bring_back(account, ((lot.number, points),))
        lot = lot._replace(**{n: getattr(account.lots[lot.number], n) for n in ("remaining", "expired")})
        moves = move_out(lot, points)._replace(adjusted=points)
        entry = Entry(at, PostingKind.CLAWBACK, source, moves, ((lot.number, -points),))
        return self.post(account, entry, [lot._replace(remaining=lot.remaining - points)])

    def collect(self, account: Account, numbers: Iterable[int], at: datetime) -> Account:
        """Take what is owed from the named lots, which have just got points: first what they owe themselves."""
        for number in numbers:
            lot = account.lots[number]
            own = min(lot.owed, lot.remaining)
            other = min(account.owed, lot.remaining - own)
            if own + other:
                account = account._replace(owed=account.owed - other)
                account = self.claw_back(account, lot._replace(owed=lot.owed - own), own + other, (at, lot.source))
        return account

    def bring_back(self, account: Account, shares: LotShares) -> Account:
        """Undo the expiry of what `shares` need: an event that comes late was at a time when they had not expired."""
        for number, points in shares:
            lot = account.lots[number]
            missing = points - lot.remaining
            if missing > 0:
                assert lot.expires_at is not None and missing <= lot.expired, f"a lot gives more than it has: {lot}"
                moves = move_out(lot, -missing)._replace(expired=-missing)
                # Dated as the expiry it undoes, so that on each day before it the balance is what it was.
                entry = Entry(lot.expires_at, PostingKind.REINSTATEMENT, lot.source, moves, ((number, missing),))
                back = lot._replace(remaining=lot.remaining + missing, expired=lot.expired - missing)
                account = self.post(account, entry, [back])
        return account

    def renew(self, account: Account, at: datetime) -> Account:
        """Note that the participant earned or spent at `at`, which renews the lots of a rolling policy."""
        renewed = []
        for lot in account.lots.values():
            if lot.renew_days is None:
                continue  # most have none, and there may be many of them
            until = self.renewed_until(account, lot, at)
            if until is None or not lot.remaining + lot.expired_since(at):
                continue
            account = self.bring_back(account, ((lot.number, lot.remaining + lot.expired_since(at)),))
            renewed.append(account.lots[lot.number]._replace(expires_at=until))
        account = account.with_lots(renewed) if renewed else account
        account = account._replace(active_at=max(at, account.active_at or at))
        self.keep(account)
        return account

    def renewed_until(self, account: Account, lot: Lot, at: datetime) -> datetime | None:
        """Until when activity at `at` renews the lot, with what is known of later activity; None if it does not."""
        if lot.renew_days is None or lot.expires_at is None or lot.earned_at > at or lot.has_expired(at):
            return None
        until = self.rules.end_of_day(at, lot.renew_days)
        if account.active_at is not None and at < account.active_at < until:
            until = self.rules.end_of_day(account.active_at, lot.renew_days)
        return until if until > lot.expires_at else None

    def redemption(self, redemption: str) -> RedemptionRecord | None:
        """The redemption as it is now."""
        return self.changes.redemptions.get(redemption) or self.snapshot.redemptions.get(redemption)

    def voucher(self, voucher: bytes | None) -> VoucherRecord | None:
        """The voucher as it is now."""
        if voucher is None:
            return None
        return self.changes.vouchers.get(voucher) or self.snapshot.vouchers.get(voucher)

    def use(self, voucher: VoucherRecord) -> UseRecord | None:
        """The voucher's use, if it was used."""
        key = (voucher.id, voucher.use)
        return self.changes.uses.get(key) or self.snapshot.uses.get(key)

    def uses_of(self, voucher: bytes) -> dict[int, UseRecord]:
        """The voucher's uses by their numbers, those that were undone among them."""
        known = {**self.snapshot.uses, **self.changes.uses}
        return {number: use for (id_, number), use in known.items() if id_ == voucher}

    def conflicts_of(self, voucher: bytes) -> list[ConflictRecord]:
        """The scans of the voucher that came too late for its use."""
        known = {**self.snapshot.conflicts, **self.changes.conflicts}
        return [conflict for conflict in known.values() if conflict.voucher == voucher]

    def moves_of(self, voucher: bytes) -> list[BalanceMove]:
        """The moves of the voucher's money, oldest first."""
        return [
            *self.snapshot.moves.get(voucher, ()),
            *(move for move in self.changes.moves if move.voucher == voucher),
        ]

    def add_move(self, move: BalanceMove) -> None:
        """Record a move of a voucher's money."""
        self.changes.moves.append(move)

    def was_undone(self, scan: str) -> bool:
        """Whether the till undid the scan before it told of it."""
        return scan in self.changes.undone or scan in self.snapshot.undone

    def vouchers_of(self, record: RedemptionRecord) -> list[VoucherRecord]:
        """The redemption's vouchers as they are now, the first one first."""
        first = self.voucher(record.voucher)
        if first is None:
            return []
        others = (self.voucher(sibling_id(first.id, number)) for number in range(2, first.out_of + 1))
        return [first, *(voucher for voucher in others if voucher is not None)]

    def slice_with_stock(self, reward: str, participant: str) -> int | None:
        """The cell whose slice gives one piece: the participant's own, else the fullest."""
        stock = self.changes.stock.get(reward) or self.snapshot.stock.get(reward, {})
        own = self.snapshot.cells.get(participant, 0)
        if stock.get(own, 0) > 0:
            return own
        fullest = max(stock, key=lambda cell: (stock[cell], -cell), default=None)
        return fullest if fullest is not None and stock[fullest] > 0 else None

    def change_stock(self, reward: str, cell: int, pieces: int) -> None:
        """Put `pieces` of the reward into the cell's slice, or take them."""
        stock = self.changes.stock.get(reward)
        if stock is None:
            stock = self.changes.stock[reward] = dict(self.snapshot.stock.get(reward, {}))
        stock[cell] = stock.get(cell, 0) + pieces

    def tier_points(self, account: Account, now: datetime) -> int:
        """The points that speak for the participant's tier at `now`: a tier is kept until the night's close."""
        earned = self.earned_in_period(account, now)
        kept = next((tier.from_points for tier in self.rules.tiers if tier.id == account.tier), 0)
        return max(earned, kept)

    def earned_in_period(self, account: Account, now: datetime) -> int:
        """The points earned in the tier period that ends `now`, with what this batch has done to them."""
        before = self.snapshot.accounts[account.participant].lots
        touched = [lot for number, lot in account.lots.items() if lot is not before.get(number)]
        as_they_were = [before[lot.number] for lot in touched if lot.number in before]
        stored = self.snapshot.earned_in_period.get((account.participant, now), 0)
        return stored + earned_by(touched, now) - earned_by(as_they_were, now)

    def had_before(self, participant: str, reward: str) -> int:
        """How many of the reward the participant has or had, but for those given back."""

        def counts(record: RedemptionRecord | None) -> bool:
            if record is None or (record.participant, record.reward) != (participant, reward):
                return False
            return record.state.is_had

        before = self.snapshot.redemptions
        more = sum(counts(record) - counts(before.get(id_)) for id_, record in self.changes.redemptions.items())
        return self.snapshot.had_before.get((participant, reward), 0) + more
