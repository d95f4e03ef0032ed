"""The ledger's decision: a batch of commands over a snapshot gives outcomes, postings and changed records.

Pure: nothing is read or written here. The shell loads the snapshot, calls `decide`, writes what changed and commits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mirabelle.rules.commands import (
    Cancel,
    Command,
    Declined,
    Earn,
    Earned,
    Outcome,
    Redeem,
    Redeemed,
    Refund,
    Refunded,
    Scan,
    Scanned,
)
from mirabelle.rules.expiry import end_of_local_day
from mirabelle.rules.lots import Lot, spendable, take
from mirabelle.rules.postings import (
    Account,
    Entry,
    LotShares,
    Moves,
    Posting,
    PostingKind,
    accrue,
    lots_after,
    post,
    settle,
)
from mirabelle.rules.programme import TIER_PERIOD, Rules
from mirabelle.rules.redemption import (
    Asked,
    RedemptionRecord,
    RedemptionRefusal,
    RedemptionState,
    RewardTerms,
    UseRecord,
    ValueClass,
    VoucherRecord,
    VoucherState,
    refusal,
)
from mirabelle.rules.scans import judge_scan
from mirabelle.rules.voucher_code import VoucherCode


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the commands of a batch may touch, as it stands. `stock` is by reward, then by cell.

    `earned_in_period` is by participant and the moment the period ends, `had_before` by participant and reward.
    """

    rules: Rules
    issuer_keys: Mapping[bytes, bytes] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)
    rewards: Mapping[str, RewardTerms] = field(default_factory=dict)
    stock: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    earned_in_period: Mapping[tuple[str, datetime], int] = field(default_factory=dict)
    had_before: Mapping[tuple[str, str], int] = field(default_factory=dict)
    redemptions: Mapping[str, RedemptionRecord] = field(default_factory=dict)
    vouchers: Mapping[bytes, VoucherRecord] = field(default_factory=dict)
    uses: Mapping[tuple[bytes, int], UseRecord] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What a batch changed, to be written in one transaction; `accounts` and records are as they are afterwards."""

    postings: list[Posting] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    stock: dict[str, dict[int, int]] = field(default_factory=dict)
    redemptions: dict[str, RedemptionRecord] = field(default_factory=dict)
    vouchers: dict[bytes, VoucherRecord] = field(default_factory=dict)
    uses: dict[tuple[bytes, int], UseRecord] = field(default_factory=dict)


class _Book:
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
        self.changes.accounts[account.participant] = account
        self.changes.postings.extend(postings)

    def redemption(self, redemption: str) -> RedemptionRecord | None:
        return self.changes.redemptions.get(redemption) or self.snapshot.redemptions.get(redemption)

    def voucher(self, voucher: bytes | None) -> VoucherRecord | None:
        if voucher is None:
            return None
        return self.changes.vouchers.get(voucher) or self.snapshot.vouchers.get(voucher)

    def use(self, voucher: VoucherRecord) -> UseRecord | None:
        key = (voucher.id, voucher.use)
        return self.changes.uses.get(key) or self.snapshot.uses.get(key)

    def slice_with_stock(self, reward: str, participant: str) -> int | None:
        """The cell whose slice gives one piece: the participant's own, else the fullest."""
        stock = self.changes.stock.get(reward) or self.snapshot.stock.get(reward, {})
        own = self.snapshot.cells.get(participant, 0)
        if stock.get(own, 0) > 0:
            return own
        fullest = max(stock, key=lambda cell: (stock[cell], -cell), default=None)
        return fullest if fullest is not None and stock[fullest] > 0 else None

    def change_stock(self, reward: str, cell: int, pieces: int) -> None:
        stock = self.changes.stock.setdefault(reward, dict(self.snapshot.stock.get(reward, {})))
        stock[cell] = stock.get(cell, 0) + pieces

    def earned_in_period(self, account: Account, now: datetime) -> int:
        """The points earned in the tier period that ends `now`, with what this batch has added to them."""
        next_lot = self.snapshot.accounts[account.participant].next_lot
        fresh = (lot for lot in account.lots.values() if lot.number >= next_lot)
        earned = sum(lot.points for lot in fresh if now - TIER_PERIOD < lot.earned_at <= now)
        return self.snapshot.earned_in_period.get((account.participant, now), 0) + earned

    def had_before(self, participant: str, reward: str) -> int:

        def counts(record: RedemptionRecord | None) -> bool:
            if record is None or (record.participant, record.reward) != (participant, reward):
                return False
            return record.state in (RedemptionState.HELD, RedemptionState.CAPTURED)

        before = self.snapshot.redemptions
        more = sum(counts(record) - counts(before.get(id_)) for id_, record in self.changes.redemptions.items())
        return self.snapshot.had_before.get((participant, reward), 0) + more


def _earn(book: _Book, command: Earn) -> Earned:
    account = book.account(command.participant, command.at)
    if command.points == 0:
        return Earned(None)
    lot = Lot(
        number=account.next_lot,
        earned_at=command.at,
        available_at=book.rules.available_at(command.at),
        expires_at=book.rules.expires_at(command.at),
        points=command.points,
        remaining=command.points,
        source=command.source,
        policy_version=book.rules.version,
    )
    account, posting = accrue(account, lot, command.at)
    book.keep(account, posting)
    return Earned(account.lots[lot.number])


def _refund(book: _Book, command: Refund) -> Refunded:
    account = book.account(command.participant, command.at)
    own = [lot for lot in account.lots.values() if lot.source == command.purchase and lot.remaining]
    others = [lot for lot in spendable(account.lots.values(), command.at) if lot.source != command.purchase]
    missing = command.points
    for lot in [*own, *others]:
        share = min(lot.remaining, missing)
        if share == 0:
            continue
        missing -= share
        pending = lot.available_at is not None
        moves = Moves(available=0 if pending else -share, pending=-share if pending else 0, adjusted=share)
        entry = Entry(command.at, PostingKind.CLAWBACK, command.source, moves, ((lot.number, -share),))
        account, posting = post(account, entry, lots_after(account.lots, entry.lots))
        book.keep(account, posting)
    return Refunded(command.points - missing)


def _redeem(book: _Book, command: Redeem) -> Redeemed | Declined:
    account = book.account(command.participant, command.at)
    terms = book.snapshot.rewards.get(command.reward)
    shares = take(account.lots.values(), terms.points, command.at) if terms else None
    cell = book.slice_with_stock(command.reward, command.participant)
    available = sum(lot.remaining for lot in spendable(account.lots.values(), command.at))
    reason = refusal(
        Asked(
            terms=terms,
            agreed_points=command.agreed_points,
            details=command.details,
            at=command.at,
            earned_in_period=book.earned_in_period(account, command.at),
            had_before=book.had_before(command.participant, command.reward),
            in_stock=terms is not None and (not terms.stocked or cell is not None),
            available=available,
        )
    )
    if reason is not None or terms is None or shares is None:
        reason = reason or RedemptionRefusal.NOT_ENOUGH_POINTS
        if terms is not None:
            _record_declined(book, command, terms, reason)
        return Declined(reason, terms, available)
    if terms.stocked and cell is not None:
        book.change_stock(terms.id, cell, -1)
    return _pay(book, command, terms, tuple(shares), account)


def _record_declined(book: _Book, command: Redeem, terms: RewardTerms, reason: RedemptionRefusal) -> None:
    book.changes.redemptions[command.redemption] = RedemptionRecord(
        id=command.redemption,
        participant=command.participant,
        reward=terms.id,
        points=terms.points,
        state=RedemptionState.DECLINED,
        at=command.at,
        refusal=reason,
    )


def _pay(book: _Book, command: Redeem, terms: RewardTerms, shares: LotShares, account: Account) -> Redeemed:
    held = command.voucher is not None and terms.value_class is ValueClass.C
    moves = Moves(available=-terms.points, held=terms.points if held else 0, burned=0 if held else terms.points)
    kind = PostingKind.HOLD if held else PostingKind.BURN
    given = tuple((number, -points) for number, points in shares)
    entry = Entry(command.at, kind, command.redemption, moves, given, terms.id)
    account, posting = post(account, entry, lots_after(account.lots, given))
    book.keep(account, posting)
    voucher = _issue(book, command, terms)
    record = RedemptionRecord(
        id=command.redemption,
        participant=command.participant,
        reward=terms.id,
        points=terms.points,
        state=RedemptionState.HELD if held else RedemptionState.CAPTURED,
        at=command.at,
        details=command.details or {},
        paid_by=shares,
        voucher=voucher.id if voucher else None,
        available_after=account.available,
    )
    book.changes.redemptions[record.id] = record
    return Redeemed(record, voucher, [account.lots[number] for number, _ in shares])


def _issue(book: _Book, command: Redeem, terms: RewardTerms) -> VoucherRecord | None:
    new = command.voucher
    if new is None:
        return None
    voucher = VoucherRecord(
        id=new.id,
        participant=command.participant,
        redemption=command.redemption,
        reward=terms.id,
        code=new.code,
        store=terms.store,
        value_class=terms.value_class,
        holder_key=new.holder_key,
        key_salt=new.key_salt,
        epoch=new.epoch,
        lease_start=command.at,
        issued_at=command.at,
        expires_at=end_of_local_day(command.at, terms.valid_days, book.rules.zone),
    )
    book.changes.vouchers[voucher.id] = voucher
    return voucher


def _is_cancellable(record: RedemptionRecord, voucher: VoucherRecord | None, now: datetime) -> bool:
    """Held points can always come back; captured ones while their voucher could still be used, and was not."""
    if record.state is RedemptionState.HELD:
        return True
    captured = record.state is RedemptionState.CAPTURED
    return captured and voucher is not None and voucher.state is VoucherState.READY and voucher.expires_at > now


def _cancel(book: _Book, command: Cancel) -> Redeemed | Declined:
    record = book.redemption(command.redemption)
    if record is None or record.participant != command.participant:
        return Declined(RedemptionRefusal.NOT_FOUND)
    voucher = book.voucher(record.voucher)
    if not _is_cancellable(record, voucher, command.at):
        return Declined(RedemptionRefusal.NOT_CANCELLABLE)
    account = book.account(command.participant, command.at)
    terms = book.snapshot.rewards.get(record.reward)
    back = [
        replace(lot, expires_at=book.rules.reinstated_until(command.at)) if lot.has_expired(command.at) else lot
        for lot in lots_after(account.lots, record.paid_by)
    ]
    held = record.state is RedemptionState.HELD
    moves = Moves(available=record.points, held=-record.points if held else 0, burned=0 if held else -record.points)
    kind = PostingKind.RELEASE if held else PostingKind.REVERSAL
    entry = Entry(command.at, kind, record.id, moves, record.paid_by, record.reward)
    account, posting = post(account, entry, back)
    book.keep(account, posting)
    if terms is not None and terms.stocked:
        book.change_stock(terms.id, book.snapshot.cells.get(command.participant, 0), 1)
    record = replace(record, state=RedemptionState.RELEASED, available_after=account.available)
    book.changes.redemptions[record.id] = record
    if voucher is not None:
        voucher = replace(voucher, state=VoucherState.CANCELLED)
        book.changes.vouchers[voucher.id] = voucher
    return Redeemed(record, voucher, back)


def _scan(book: _Book, command: Scan) -> Scanned:
    voucher = book.voucher(command.voucher)
    first_use = book.use(voucher) if voucher is not None else None
    verdict = judge_scan(command, voucher, first_use is not None, book.snapshot.issuer_keys)
    if verdict.code is not VoucherCode.ACCEPTED or voucher is None:
        return Scanned(verdict, voucher, first_use if verdict.code is VoucherCode.ALREADY_USED else None)
    use = UseRecord(voucher.id, voucher.use, command.scan, command.till, command.store, command.at)
    book.changes.uses[(use.voucher, use.use)] = use
    voucher = replace(voucher, state=VoucherState.USED)
    book.changes.vouchers[voucher.id] = voucher
    record = book.redemption(voucher.redemption)
    if record is not None and record.state is RedemptionState.HELD:
        account = book.account(record.participant, command.at)
        moves = Moves(held=-record.points, burned=record.points)
        entry = Entry(command.at, PostingKind.CAPTURE, record.id, moves, (), record.reward)
        account, posting = post(account, entry)
        book.keep(account, posting)
        book.changes.redemptions[record.id] = replace(record, state=RedemptionState.CAPTURED)
    return Scanned(verdict, voucher, use)


_HANDLERS: Mapping[type, Callable[[_Book, Any], Outcome]] = {
    Earn: _earn,
    Refund: _refund,
    Redeem: _redeem,
    Cancel: _cancel,
    Scan: _scan,
}


def decide(snapshot: Snapshot, commands: Sequence[Command]) -> tuple[list[Outcome], Changes]:
    """Decide `commands` in order, each at its own time; an outcome for each, and all that they changed.

    The snapshot is left as it was. It must hold what the commands name: every participant's account, and the rewards,
    stock, redemptions and vouchers that exist; what it does not hold does not exist.
    """
    book = _Book(snapshot)
    outcomes = [_HANDLERS[type(command)](book, command) for command in commands]
    return outcomes, book.changes
