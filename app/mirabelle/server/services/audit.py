"""Audits the ledger: recomputes everything from the postings and holds it against what the tables say."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.balance import adds_up
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import FIRST_DIGEST, Posting, PostingKind
from mirabelle.rules.redemption import RedemptionState, VoucherState
from mirabelle.server.ledger import rows
from mirabelle.server.services.stock import pieces_out_by_reward
from mirabelle.server.storage import schema as t


@dataclass(slots=True)
class Audit:
    """The ledger's totals in points, its checks, and what is wrong where one fails."""

    participants: int = 0
    issued: int = 0
    burned: int = 0
    expired: int = 0
    adjusted: int = 0
    offline_loss: int = 0
    outstanding: int = 0
    accepted: int = 0
    declined: int = 0
    balances_sha256: str = ""
    postings_sum: int = 0
    lots_match_balances: bool = True
    chains_unbroken: bool = True
    holds_match_redemptions: bool = True
    stock_matches_vouchers: bool = True
    uses_match_vouchers: bool = True
    balances_match_moves: bool = True
    redemptions_match_postings: bool = True
    losses_match_conflicts: bool = True
    transfers_balance: bool = True
    never_negative: bool = True
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return self.postings_sum == 0 and all(value for value in asdict(self).values() if isinstance(value, bool))

    def fail(self, check: str, row: str) -> None:
        """Note that `check` does not hold, and for which row."""
        setattr(self, check, False)
        self.wrong.append(row)

    def as_dict(self) -> dict[str, Any]:
        """The audit as plain values."""
        return asdict(self)


async def audit(connection: AsyncConnection, as_of: datetime) -> Audit:
    """Audit the whole ledger; its totals are what it would have said at `as_of`, by the events' own times.

    Points whose time was over by then count as expired, whether or not anything has posted that since.
    """
    result = Audit()
    table = t.redemptions
    counted = select(table.c.state, func.count().label("number")).where(table.c.at <= as_of).group_by(table.c.state)
    for row in (await connection.execute(counted)).all():
        if row.state == RedemptionState.DECLINED.value:
            result.declined += row.number
        else:
            result.accepted += row.number
    held = await _held(connection)
    paid = await _paid(connection)
    balances: list[tuple[str, int]] = []
    async for account, postings, lots in _participants(connection):
        _check(result, account, postings, lots)
        if account.held != held.get(account.participant, 0):
            name = account.participant
            result.fail("holds_match_redemptions", f"{name}: the held balance is not what its redemptions hold")
        _check_redemptions(result, paid.get(account.participant, {}), postings)
        if account.joined_at <= as_of:
            balances.append((account.participant, _add_totals(result, postings, lots, as_of)))
    balances.sort()
    result.participants = len(balances)
    text = "".join(f"{participant},{balance}\n" for participant, balance in balances)
    result.balances_sha256 = hashlib.sha256(text.encode()).hexdigest()
    result.outstanding = sum(balance for _, balance in balances)
    await _check_stock(result, connection)
    await _check_uses(result, connection)
    await _check_money(result, connection)
    await _check_losses(result, connection)
    await _check_transfers(result, connection)
    return result


async def _held(connection: AsyncConnection) -> dict[str, int]:
    """The points that each participant's redemptions hold."""
    table = t.redemptions
    held = select(table.c.participant, func.sum(table.c.points - table.c.returned).label("points"))
    query = held.where(table.c.state == RedemptionState.HELD.value).group_by(table.c.participant)
    return {row.participant: int(row.points) for row in (await connection.execute(query)).all()}


async def _paid(connection: AsyncConnection) -> dict[str, dict[str, int]]:
    """The points that each participant's redemptions cost and did not return."""
    table = t.redemptions
    query = select(table.c.participant, table.c.id, table.c.state, table.c.points - table.c.returned)
    paid: dict[str, dict[str, int]] = {}
    for who, id_, state, points in (await connection.execute(query)).all():
        paid.setdefault(who, {})[id_] = 0 if state == RedemptionState.DECLINED.value else points
    return paid


def _check_redemptions(result: Audit, paid: dict[str, int], postings: list[Posting]) -> None:
    posted: dict[str, int] = {}
    for posting in postings:
        if posting.reward is not None:
            posted[posting.source] = posted.get(posting.source, 0) + posting.moves.burned + posting.moves.held
    for id_ in sorted(paid.keys() | posted.keys()):
        if paid.get(id_, 0) != posted.get(id_, 0):
            result.fail("redemptions_match_postings", f"redemption {id_}: it did not cost what its postings say")


async def _check_stock(result: Audit, connection: AsyncConnection) -> None:
    """What was put out of a reward is in the slices or with participants."""
    had = pieces_out_by_reward().subquery()
    left = select(t.stock.c.reward, func.sum(t.stock.c.pieces).label("pieces")).group_by(t.stock.c.reward).subquery()
    rewards = t.rewards
    whole = func.coalesce(left.c.pieces, 0) + func.coalesce(had.c.pieces, 0)
    query = (
        select(rewards.c.id)
        .outerjoin(left, left.c.reward == rewards.c.id)
        .outerjoin(had, had.c.reward == rewards.c.id)
        .where(rewards.c.stocked, rewards.c.offered != whole)
    )
    for row in (await connection.execute(query.order_by(rewards.c.id))).all():
        result.fail("stock_matches_vouchers", f"{row.id}: the stock and what was had are not what was put out")


async def _check_uses(result: Audit, connection: AsyncConnection) -> None:
    """A voucher is used if, and only if, a use that was not undone is on record: the one under its number."""
    uses, vouchers = t.uses, t.vouchers
    live = (
        select(uses.c.voucher, func.count().label("number"), func.max(uses.c.use).label("newest"))
        .where(uses.c.undone_at.is_(None))
        .group_by(uses.c.voucher)
        .subquery()
    )
    wrong = or_(
        (vouchers.c.state == VoucherState.USED.value) != live.c.voucher.is_not(None),
        live.c.number > 1,
        live.c.newest != vouchers.c.use,
    )
    query = select(vouchers.c.id).outerjoin(live, live.c.voucher == vouchers.c.id)
    query = query.where(wrong, vouchers.c.value_minor.is_(None))
    for row in (await connection.execute(query.order_by(vouchers.c.id))).all():
        result.fail("uses_match_vouchers", f"voucher {row.id}: its state and its uses contradict each other")


async def _check_money(result: Audit, connection: AsyncConnection) -> None:
    """What is taken, held and left of a voucher's money is what its moves come to, one after the other."""
    table, moves = t.vouchers, t.balance_moves
    found = (await connection.execute(select(moves).order_by(moves.c.voucher, moves.c.number))).all()
    by_voucher = {
        voucher: [rows.balance_move_from(row) for row in group]
        for voucher, group in groupby(found, key=lambda row: row.voucher)
    }
    carry = select(table).where(or_(table.c.value_minor.is_not(None), table.c.id.in_(select(moves.c.voucher))))
    for row in (await connection.execute(carry.order_by(table.c.id))).all():
        voucher = rows.voucher_from(row)
        if not adds_up(voucher, by_voucher.pop(row.id, [])):
            result.fail("balances_match_moves", f"voucher {row.id}: its money is not what its moves say")
    for id_ in sorted(by_voucher):
        result.fail("balances_match_moves", f"voucher {id_}: money moved, and there is no such voucher")


async def _check_losses(result: Audit, connection: AsyncConnection) -> None:
    """What was lost is what scans without network cost that came too late, each booked on its redemption."""
    conflicts, vouchers, postings = t.conflicts, t.vouchers, t.postings
    told = select(vouchers.c.redemption, func.sum(conflicts.c.points)).join(
        vouchers, vouchers.c.id == conflicts.c.voucher
    )
    cost = {row[0]: int(row[1]) for row in (await connection.execute(told.group_by(vouchers.c.redemption))).all()}
    posted = select(postings.c.source, func.sum(postings.c.offline_loss)).where(postings.c.offline_loss != 0)
    lost = {row[0]: int(row[1]) for row in (await connection.execute(posted.group_by(postings.c.source))).all()}
    for id_ in sorted(cost.keys() | lost.keys()):
        if cost.get(id_, 0) != lost.get(id_, 0):
            result.fail("losses_match_conflicts", f"redemption {id_}: its conflicts did not cost what was posted")


async def _check_transfers(result: Audit, connection: AsyncConnection) -> None:
    """What one end of a transfer gives, the other gets."""
    table = t.postings
    transfers = select(table.c.source).where(table.c.kind == PostingKind.TRANSFER.value).group_by(table.c.source)
    for row in (await connection.execute(transfers.having(func.sum(table.c.adjusted) != 0))).all():
        result.fail("transfers_balance", f"transfer {row.source}: its ends do not balance")


async def _participants(connection: AsyncConnection) -> AsyncIterator[tuple[Any, list[Posting], dict[int, Lot]]]:
    """Every participant's row with all postings and lots, a cell at a time so that memory stays bounded."""
    for cell in (await connection.execute(select(t.participants.c.cell).distinct())).scalars().all():
        postings, lots = {}, {}
        query = select(t.postings).where(t.postings.c.cell == cell)
        found = (await connection.execute(query.order_by(t.postings.c.participant, t.postings.c.sequence))).all()
        for participant, group in groupby(found, key=lambda row: row.participant):
            postings[participant] = [rows.posting_from(row) for row in group]
        query = select(t.lots).where(t.lots.c.cell == cell).order_by(t.lots.c.participant)
        for participant, group in groupby((await connection.execute(query)).all(), key=lambda row: row.participant):
            lots[participant] = {row.number: rows.lot_from(row) for row in group}
        accounts = await connection.execute(select(t.participants).where(t.participants.c.cell == cell))
        for account in accounts.all():
            yield account, postings.get(account.participant, []), lots.get(account.participant, {})


def _check(result: Audit, account: Any, postings: list[Posting], lots: dict[int, Lot]) -> None:
    name = account.participant
    previous = FIRST_DIGEST
    for sequence, posting in enumerate(postings, start=1):
        result.postings_sum += posting.moves.total()
        linked = posting.previous == previous and posting.digest == posting.expected_digest()
        if not linked or posting.sequence != sequence:
            result.fail("chains_unbroken", f"{name}: posting {posting.sequence} does not follow from the one before")
        previous = posting.digest
    if previous != account.digest or len(postings) != account.sequence:
        result.fail("chains_unbroken", f"{name}: the last posting is not the one that the account names")
    _check_balances(result, account, postings, lots)
    _check_lots(result, account, postings, lots)
    _check_times(result, account, postings)


def _check_times(result: Audit, account: Any, postings: list[Posting]) -> None:
    """At no moment, by the events' own times, may a balance have been below zero.

    What is of one moment counts together: an event that comes late undoes an expiry at the moment that it was posted.
    """
    balance = 0
    for _, of_a_moment in groupby(sorted(postings, key=lambda posting: posting.at), key=lambda posting: posting.at):
        for posting in of_a_moment:
            balance += posting.moves.available + posting.moves.pending + posting.moves.held
        if balance < 0:
            result.fail("never_negative", f"{account.participant}: below zero after posting {posting.sequence}")


def _check_balances(result: Audit, account: Any, postings: list[Posting], lots: dict[int, Lot]) -> None:
    name = account.participant
    for balance in ("available", "held", "pending"):
        if sum(getattr(posting.moves, balance) for posting in postings) != getattr(account, balance):
            result.fail("lots_match_balances", f"{name}: the {balance} balance is not the sum of its postings")
    on_the_way = sum(lot.remaining for lot in lots.values() if lot.available_at is not None)
    if on_the_way != account.pending:
        result.fail("lots_match_balances", f"{name}: the lots on their way do not add up to the pending balance")
    if sum(lot.remaining for lot in lots.values()) != account.available + account.pending:
        result.fail("lots_match_balances", f"{name}: the lots do not add up to the balance")


def _check_lots(result: Audit, account: Any, postings: list[Posting], lots: dict[int, Lot]) -> None:
    name = account.participant
    made: dict[int, int] = {}
    remaining: dict[int, int] = {}
    for posting in postings:
        for number, points in posting.lots:
            made.setdefault(number, points)
            remaining[number] = remaining.get(number, 0) + points
    for number in sorted(remaining.keys() | lots.keys()):
        if number not in lots or lots[number].remaining != remaining.get(number, 0):
            result.fail("lots_match_balances", f"{name}: lot {number} does not hold what its postings say")
        elif lots[number].points != made.get(number) or number >= account.next_lot:
            result.fail("lots_match_balances", f"{name}: lot {number} is not the one that its first posting made")


def _add_totals(result: Audit, postings: list[Posting], lots: dict[int, Lot], as_of: datetime) -> int:
    """Add a participant's totals at `as_of`; returns the participant's points, held and pending ones included."""
    remaining: dict[int, int] = {}
    balance = 0
    for posting in postings:
        if posting.at > as_of:
            continue
        moves = posting.moves
        result.issued -= moves.issued
        result.burned += moves.burned
        result.expired += moves.expired
        result.adjusted += moves.adjusted
        result.offline_loss += moves.offline_loss
        balance += moves.available + moves.held + moves.pending
        for number, points in posting.lots:
            remaining[number] = remaining.get(number, 0) + points
    over = sum(points for number, points in remaining.items() if number in lots and lots[number].has_expired(as_of))
    result.expired += over
    return balance - over
