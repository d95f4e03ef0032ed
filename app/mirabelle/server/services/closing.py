"""What time alone asks for: held points that lapse, held money that goes back to its voucher, days that are closed at
night, records past their keeping."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, func, insert, or_, select, union
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract.limits import IDEMPOTENCY_KEY_DAYS
from mirabelle.rules.balance import MoveKind
from mirabelle.rules.commands import Close, Closed, Command, EndHolds, HoldsEnded, Lapse, Outcome, Redeemed
from mirabelle.rules.programme import TIER_PERIOD, standing
from mirabelle.rules.redemption import RedemptionState
from mirabelle.server.ledger.batches import run_commands
from mirabelle.server.ledger.load import World
from mirabelle.server.services.pace import DAILY
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.direct import DatabaseBusy

log = logging.getLogger(__name__)

# So many participants share a transaction: few enough that nobody at a till waits for the close.
BATCH_PARTICIPANTS: Final = 200


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A local day that was closed: for how many participants something was posted, and what, in points."""

    day: date
    participants: int = 0
    arrived: int = 0
    expired: int = 0
    tiers_changed: int = 0


async def lapse_holds(database: Database, world: World, now: datetime) -> int:
    """Give back all held points whose time is over; returns how many redemptions that were."""
    table = t.redemptions
    due = select(table.c.participant, table.c.id).where(
        table.c.state == RedemptionState.HELD.value, table.c.held_until <= now
    )
    async with database.read() as connection:
        found = (await connection.execute(due.order_by(table.c.held_until))).all()
    lapsed = 0
    for start in range(0, len(found), BATCH_PARTICIPANTS):
        commands = [Lapse(row.participant, row.id, now) for row in found[start : start + BATCH_PARTICIPANTS]]
        lapsed += sum(isinstance(outcome, Redeemed) for outcome in await _do(database, world, commands))
    return lapsed


async def end_holds(database: Database, world: World, now: datetime) -> int:
    """Give back to vouchers what tills held of their money for too long; returns how many holds that were."""
    moves, vouchers = t.balance_moves, t.vouchers
    due = select(vouchers.c.id).where(
        vouchers.c.held_minor > 0,
        exists().where(moves.c.voucher == vouchers.c.id, moves.c.kind == MoveKind.HOLD.value, moves.c.ends_at <= now),
    )
    async with database.read() as connection:
        found = (await connection.execute(due.order_by(vouchers.c.id))).scalars().all()
    ended = 0
    for start in range(0, len(found), BATCH_PARTICIPANTS):
        commands = [EndHolds(bytes.fromhex(id_), now) for id_ in found[start : start + BATCH_PARTICIPANTS]]
        outcomes = await _do(database, world, commands)
        ended += sum(outcome.number for outcome in outcomes if isinstance(outcome, HoldsEnded))
    return ended


async def close_days(database: Database, world: World, now: datetime) -> list[ClosedDay]:
    """Close every local day of the programme that has ended and was not closed, however long nobody did.

    A close settles what time alone did by the day's end, each thing at its own moment, then takes each participant's
    tier anew. After downtime the last of the missed days does it for all. What was closed is left alone, and a close
    that was cut off is done again: it posts nothing twice.
    """
    today = now.astimezone(world.rules.zone).date()
    yesterday = today - timedelta(days=1)
    async with database.read() as connection:
        last = (await connection.execute(select(func.max(t.closes.c.day)))).scalar()
    if last is not None and last >= yesterday:
        return []
    missed = (yesterday - last).days - 1 if last else 0
    closed = [ClosedDay(yesterday - timedelta(days=missed - number)) for number in range(missed)]
    closed.append(await _close(database, world, yesterday))
    for day in closed:
        await database.attempt(lambda c, day=day: _record(c, day, now))
    return closed


async def _close(database: Database, world: World, day: date) -> ClosedDay:
    end = datetime.combine(day + timedelta(days=1), time.min, world.rules.zone).astimezone(UTC)
    done: list[Closed] = []
    async with database.read() as connection:
        cells = union(select(t.participants.c.cell), select(t.lots.c.cell).where(t.lots.c.remaining > 0))
        inhabited = (await connection.execute(cells)).scalars().all()
    for cell in sorted(inhabited):
        async with database.read() as connection:
            participants = [who async for who in _to_close(connection, world, cell, end)]
        for start in range(0, len(participants), BATCH_PARTICIPANTS):
            commands = [Close(who, end) for who in participants[start : start + BATCH_PARTICIPANTS]]
            outcomes = await _do(database, world, commands)
            done += [outcome for outcome in outcomes if isinstance(outcome, Closed)]
    return ClosedDay(
        day=day,
        participants=len(done),
        arrived=sum(one.arrived for one in done),
        expired=sum(one.expired for one in done),
        tiers_changed=sum(one.tier_changed for one in done),
    )


async def _do(database: Database, world: World, commands: Sequence[Command]) -> list[Outcome]:
    """Decide and write `commands`; where one of them is a fault, the others are done all the same."""
    try:
        return await database.attempt(lambda connection: run_commands(connection, world, commands))
    except (SQLAlchemyError, DatabaseBusy, OSError):
        raise
    except Exception as fault:
        if len(commands) == 1:
            log.exception("%s could not be done", commands[0], exc_info=fault)
            return []
    return [outcome for command in commands for outcome in await _do(database, world, [command])]


async def _record(connection: AsyncConnection, result: ClosedDay, now: datetime) -> None:
    known = select(t.closes.c.day).where(t.closes.c.day == result.day)
    if (await connection.execute(known)).first() is None:  # else another server was faster
        values = {name: getattr(result, name) for name in ClosedDay.__slots__}
        await connection.execute(insert(t.closes).values(**values, closed_at=now))


async def _to_close(connection: AsyncConnection, world: World, cell: int, end: datetime) -> AsyncIterator[str]:
    """The participants of a cell for whom the close at `end` has something to do."""
    lots, people = t.lots, t.participants
    due = select(lots.c.participant).where(
        lots.c.cell == cell, lots.c.remaining > 0, or_(lots.c.available_at <= end, lots.c.expires_at <= end)
    )
    wanted = set((await connection.execute(due.distinct())).scalars())
    if world.rules.tiers:
        counted = and_(
            lots.c.cell == people.c.cell,
            lots.c.participant == people.c.participant,
            lots.c.transferred.is_(False),
            lots.c.earned_at > end - TIER_PERIOD,
            lots.c.earned_at <= end,
        )
        earned = func.coalesce(func.sum(lots.c.points - lots.c.refunded), 0).label("earned")
        standings = select(people.c.participant, people.c.tier, earned).outerjoin(lots, counted)
        grouped = standings.where(people.c.cell == cell).group_by(people.c.participant, people.c.tier)
        for row in (await connection.execute(grouped)).all():
            tier = standing(int(row.earned), world.rules.tiers).tier
            if (tier.id if tier else "") != row.tier:
                wanted.add(row.participant)
    for participant in sorted(wanted):
        yield participant


async def forget_what_is_past(database: Database, now: datetime) -> int:
    """Delete answers whose keys need not be kept any more, sessions and codes that ended, and old attempts; returns
    how many."""
    keep = now - timedelta(days=IDEMPOTENCY_KEY_DAYS)
    attempts = access.attempts.c
    deletions: Sequence[tuple[object, object]] = (
        (t.answers, t.answers.c.at < keep),
        (access.sign_in_codes, access.sign_in_codes.c.created_at < keep),
        (access.enrolments, access.enrolments.c.expires_at < keep),
        (access.attempts, and_(attempts.at < now - timedelta(hours=1), ~attempts.who.startswith(DAILY))),
        (access.attempts, attempts.at < now - timedelta(days=1)),
        (access.sessions, or_(access.sessions.c.expires_at < keep, access.sessions.c.ended_at < keep)),
    )
    forgotten = 0
    for table, past in deletions:
        async with database.write() as connection:
            forgotten += (await connection.execute(delete(table).where(past))).rowcount  # type: ignore[arg-type]
    return forgotten
