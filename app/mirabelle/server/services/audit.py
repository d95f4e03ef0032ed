"""Audits the ledger: recomputes everything from the postings and holds it against what the tables say."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import FIRST_DIGEST, Posting
from mirabelle.rules.redemption import RedemptionState
from mirabelle.server.ledger import rows
from mirabelle.server.storage import schema as t


@dataclass(slots=True)
class Audit:
    """The ledger's totals in points, its checks, and what is wrong where one fails."""

    participants: int = 0
    issued: int = 0
    burned: int = 0
    expired: int = 0
    adjusted: int = 0
    outstanding: int = 0
    accepted: int = 0
    declined: int = 0
    balances_sha256: str = ""
    postings_sum: int = 0
    lots_match_balances: bool = True
    chains_unbroken: bool = True
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check holds."""
        return self.postings_sum == 0 and self.lots_match_balances and self.chains_unbroken

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
    balances: list[tuple[str, int]] = []
    async for account, postings, lots in _participants(connection):
        _check(result, account, postings, lots)
        if account.joined_at <= as_of:
            balances.append((account.participant, _add_totals(result, postings, lots, as_of)))
    balances.sort()
    result.participants = len(balances)
    text = "".join(f"{participant},{balance}\n" for participant, balance in balances)
    result.balances_sha256 = hashlib.sha256(text.encode()).hexdigest()
    result.outstanding = sum(balance for _, balance in balances)
    return result


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
            result.chains_unbroken = False
            result.wrong.append(f"{name}: posting {posting.sequence} does not follow from the one before")
        previous = posting.digest
    if previous != account.digest:
        result.chains_unbroken = False
        result.wrong.append(f"{name}: the last posting is not the one that the account names")
    _check_balances(result, account, postings, lots)


def _check_balances(result: Audit, account: Any, postings: list[Posting], lots: dict[int, Lot]) -> None:
    name = account.participant
    shares: dict[int, int] = {}
    for posting in postings:
        for number, points in posting.lots:
            shares[number] = shares.get(number, 0) + points
    for number in sorted(shares.keys() | lots.keys()):
        if number not in lots or lots[number].remaining != shares.get(number, 0):
            result.lots_match_balances = False
            result.wrong.append(f"{name}: lot {number} does not hold what its postings say")
    moved = {n: sum(getattr(posting.moves, n) for posting in postings) for n in ("available", "held", "pending")}
    for balance, points in moved.items():
        if points != getattr(account, balance):
            result.lots_match_balances = False
            result.wrong.append(f"{name}: the {balance} balance is not the sum of its postings")
    if sum(lot.remaining for lot in lots.values()) != account.available + account.pending:
        result.lots_match_balances = False
        result.wrong.append(f"{name}: the lots do not add up to the balance")


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
        balance += moves.available + moves.held + moves.pending
        for number, points in posting.lots:
            remaining[number] = remaining.get(number, 0) + points
    over = sum(points for number, points in remaining.items() if number in lots and lots[number].has_expired(as_of))
    result.expired += over
    return balance - over
