"""Reminders: what a participant chose, kept for all of their devices, and which of the devices tells which."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import reminders as rm
from mirabelle.contract.reasons import Reason
from mirabelle.rules.cells import cell_of
from mirabelle.rules.reminders import Choices, may_tell
from mirabelle.server.ledger.save import upsert
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import note_key
from mirabelle.server.services.refusals import Refused
from mirabelle.server.storage import reminders as kept

_KEPT_FOR: Final = timedelta(days=limits.TOLD_REMINDER_DAYS)


async def reminders(context: Context, connection: AsyncConnection, participant: str) -> rm.Reminders:
    """What the participant chose, and what was told lately."""
    choices, version = _chosen((await connection.execute(_choice(participant))).first())
    told = await _told(connection, participant, context.now())
    return rm.Reminders(choices=rm.choices_message(choices), version=version, told=told)


async def choose(context: Context, participant: str, request: rm.ReminderRequest, key: str, asked: bytes) -> None:
    """Choose in place of the version that the request names; the same again changes nothing. Raises KeyReused, Refused.

    `asked` is the hash of the request.
    """
    wanted = rm.choices_of(request.choices)

    async def put(connection: AsyncConnection) -> None:
        await note_key(connection, participant, key, asked, context.now())
        choices, version = await _locked(connection, participant)
        if choices == wanted:
            return
        if version != request.version:
            raise Refused(Reason.CHANGED_ELSEWHERE)
        await connection.execute(upsert(connection, kept.reminders), [_row(participant, wanted, version + 1)])

    await context.database.attempt(put)


async def claim(context: Context, participant: str, request: rm.ClaimRequest, key: str, asked: bytes) -> rm.Claimed:
    """Take the reminders that may be told now and that no other device tells; the same key again gets the same.

    `asked` is the hash of the request. Raises KeyReused.
    """
    now = context.now()

    async def take(connection: AsyncConnection) -> rm.Claimed:
        await note_key(connection, participant, key, asked, now)
        choices, _ = await _locked(connection, participant)
        yours = await _claimed_by(connection, participant, key)
        told = await _told(connection, participant, now)
        last = max((each.at for each in told), default=None)
        if not yours and may_tell(choices, last, now, context.programme.zone):
            await _forget_old(connection, participant, now)
            known = {each.id for each in told}
            yours = [id_ for id_ in dict.fromkeys(each.id for each in request.due) if id_ not in known]
            rows = [{**_mine(participant), "id": id_, "claim": key, "at": now} for id_ in yours]
            if rows:
                await connection.execute(insert(kept.told_reminders), rows)
            told += [rm.ToldReminder(id=id_, at=now) for id_ in yours]
        return rm.Claimed(yours=yours, told=told)

    return await context.database.attempt(take)


def _mine(participant: str) -> dict[str, Any]:
    return {"cell": cell_of(participant), "participant": participant}


def _row(participant: str, choices: Choices, version: int) -> dict[str, Any]:
    return {
        **_mine(participant),
        "days": list(choices.days),
        "every_days": choices.every_days,
        "quiet_from": choices.quiet_from,
        "quiet_to": choices.quiet_to,
        "version": version,
    }


def _chosen(row: Row[Any] | None) -> tuple[Choices, int]:
    """What was chosen and how often; 0 while nobody did."""
    if row is None:
        return Choices(), 0
    return Choices(tuple(row.days), row.every_days, row.quiet_from, row.quiet_to), row.version


def _choice(participant: str) -> Select[Any]:
    table = kept.reminders
    return select(table).where(table.c.cell == cell_of(participant), table.c.participant == participant)


async def _locked(connection: AsyncConnection, participant: str) -> tuple[Choices, int]:
    """The same, for one device at a time: of two that claim at once the second sees what the first took."""
    row = (await connection.execute(_choice(participant).with_for_update())).first()
    chosen = _chosen(row)
    if row is None:
        # Two that both find no row cannot both write it: the second is run again.
        await connection.execute(insert(kept.reminders), [_row(participant, *chosen)])
    return chosen


async def _claimed_by(connection: AsyncConnection, participant: str, key: str) -> list[str]:
    table = kept.told_reminders.c
    mine = (table.cell == cell_of(participant), table.participant == participant, table.claim == key)
    return list((await connection.execute(select(table.id).where(*mine).order_by(table.id))).scalars())


async def _told(connection: AsyncConnection, participant: str, now: datetime) -> list[rm.ToldReminder]:
    table = kept.told_reminders.c
    mine = (table.cell == cell_of(participant), table.participant == participant, table.at > now - _KEPT_FOR)
    rows = (await connection.execute(select(table.id, table.at).where(*mine).order_by(table.at, table.id))).all()
    return [rm.ToldReminder(id=row.id, at=row.at) for row in rows]


async def _forget_old(connection: AsyncConnection, participant: str, now: datetime) -> None:
    """What they told of is long over."""
    table = kept.told_reminders
    old = (table.c.cell == cell_of(participant), table.c.participant == participant, table.c.at <= now - _KEPT_FOR)
    await connection.execute(delete(table).where(*old))
