"""Deleting an account: the person is erased, and what the postings say of an id stays, so that the sums stay true."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import account as a
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.rules import ed25519
from mirabelle.rules.cells import cell_of
from mirabelle.rules.leaving import Belongings, Left, losses, obstacle, proof_text
from mirabelle.rules.leaving import leave as end_all
from mirabelle.rules.redemption import RedemptionState, VoucherRecord
from mirabelle.server.ledger import records, rows
from mirabelle.server.ledger.batches import Answer, KeyReused, save, sql_of
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.ledger.writes import Writes
from mirabelle.server.services.context import Context
from mirabelle.server.services.pace import DAILY
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.wallet import holder
from mirabelle.server.storage import access
from mirabelle.server.storage import reminders as kept
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.direct import run_within


async def would_lose(context: Context, connection: AsyncConnection, participant: str) -> a.Leaving:
    """What `participant` would lose now, and what stands in the way; raises Refused where the account is gone."""
    belongings = await _belongings(connection, participant)
    lost, why_not = losses(belongings, context.now()), obstacle(belongings)
    named = sorted({voucher.reward for voucher in lost.vouchers})
    found = await connection.execute(select(t.rewards.c.id, t.rewards.c.document).where(t.rewards.c.id.in_(named)))
    titles = {row.id: m.Text(**row.document["title"]) for row in found.all()}
    return a.Leaving(
        points=lost.points,
        vouchers=[_told(voucher, titles) for voucher in lost.vouchers],
        obstacle=why_not.value if why_not else None,
    )


def _told(voucher: VoucherRecord, titles: dict[str, m.Text]) -> a.LostVoucher:
    return a.LostVoucher(
        id=voucher.id.hex(),
        title=titles[voucher.reward],
        expires_at=voucher.expires_at,
        left_minor=None if voucher.value_minor is None else voucher.left_minor,
    )


async def leave(context: Context, request: a.LeaveRequest, key: str, asked: bytes) -> Answer:
    """Delete the account, for good; the same key again gets the first answer again. Raises KeyReused, Refused.

    `asked` is the hash of the request.
    """
    said = proof_text(request.participant, key)
    if not ed25519.verify(bytes.fromhex(request.device_key), said, bytes.fromhex(request.proof)):
        raise Refused(Reason.SESSION_ENDED)

    async def work(connection: AsyncConnection) -> Answer:
        return await _leave(context, connection, request, key, asked)

    answer = await context.database.attempt(work)
    context.left.add(request.participant)
    await context.database.forget_old_pages()
    return answer


async def _leave(
    context: Context, connection: AsyncConnection, request: a.LeaveRequest, key: str, asked: bytes
) -> Answer:
    who, now = request.participant, context.now()
    person = await _lock(connection, who)
    known = (await stored_answers(connection, [(who, key)])).get((who, key))
    if known is not None:
        if known[0] != asked:
            raise KeyReused
        return known[1]
    if person is None or not await _is_signed_in(context, connection, request):
        raise Refused(Reason.SESSION_ENDED)
    belongings = await _belongings(connection, who)
    if (why_not := obstacle(belongings)) is not None:
        raise Refused(Reason(why_not.value))
    lost = losses(belongings, now)
    await _end(connection, belongings, now)
    await _erase(connection, person, now)
    body = msgspec.json.encode(a.Left(points=lost.points, vouchers=len(lost.vouchers)))
    row = {"actor": who, "key": key, "request": asked, "status": 201, "answer": body, "at": now}
    await connection.execute(insert(t.answers), [row])
    return Answer(201, body)


async def leave_again(connection: AsyncConnection, left: Mapping[str, datetime], now: datetime) -> list[str]:
    """Erase those who had `left`, at the times named, and whom a backup from before brought back; returns who they are.

    Where something stands in the way, their points and vouchers stay as they are, under an id that is nobody's.
    """
    again = []
    for who, left_at in sorted(left.items()):
        person = await _lock(connection, who)
        if person is None or person.left_at is not None:
            continue
        belongings = await _belongings(connection, who)
        if obstacle(belongings) is None:
            await _end(connection, belongings, now)
        await _erase(connection, person, left_at)
        again.append(who)
    return again


async def _end(connection: AsyncConnection, belongings: Belongings, now: datetime) -> None:
    left = end_all(belongings, now)
    await run_within(connection, save(sql_of(connection), _writes(belongings, left)))


def _row_of(participant: str) -> tuple[Any, Any]:
    return t.participants.c.cell == cell_of(participant), t.participants.c.participant == participant


async def _lock(connection: AsyncConnection, participant: str) -> Row[Any] | None:
    """The participant's row, locked together with those that guard vouchers which others paid for."""
    payers = select(t.vouchers.c.participant).where(t.vouchers.c.given_to == participant).distinct()
    keys = sorted((cell_of(who), who) for who in {participant, *(await connection.execute(payers)).scalars()})
    table = t.participants
    query = select(table).where(tuple_(table.c.cell, table.c.participant).in_(keys))
    query = query.order_by(table.c.cell, table.c.participant).with_for_update()
    return next((row for row in (await connection.execute(query)).all() if row.participant == participant), None)


async def _is_signed_in(context: Context, connection: AsyncConnection, request: a.LeaveRequest) -> bool:
    table = access.sessions
    query = select(table.c.id).where(
        table.c.subject == request.participant,
        table.c.role == "participant",
        table.c.device_key == request.device_key,
        table.c.ended_at.is_(None),
        table.c.expires_at > context.now(),
    )
    return (await connection.execute(query)).first() is not None


async def _belongings(connection: AsyncConnection, participant: str) -> Belongings:
    account = (await holder(connection, participant)).account
    table, vouchers = t.redemptions, t.vouchers
    held = select(table).where(
        table.c.cell == cell_of(participant),
        table.c.participant == participant,
        table.c.state == RedemptionState.HELD.value,
    )
    theirs = select(vouchers).where(or_(vouchers.c.participant == participant, vouchers.c.given_to == participant))
    return Belongings(
        account=account,
        held=[rows.redemption_from(row) for row in (await connection.execute(held)).all()],
        vouchers=[rows.voucher_from(row) for row in (await connection.execute(theirs.order_by(vouchers.c.id))).all()],
    )


def _writes(before: Belongings, left: Left) -> Writes:
    lots = before.account.lots
    return Writes(
        accounts=[records.account_row(left.account)],
        lots=[
            records.lot_row(left.account.participant, lot)
            for number, lot in left.account.lots.items()
            if lot is not lots.get(number)
        ],
        postings=[records.posting_row(posting) for posting in left.postings],
        redemptions=[records.redemption_row(record) for record in left.redemptions],
        vouchers=[records.voucher_row(voucher) for voucher in left.vouchers],
    )


async def _erase(connection: AsyncConnection, person: Row[Any], left_at: datetime) -> None:
    """Note that they left, and forget who it was and all that they typed, here and in what others were answered."""
    who, cell = person.participant, person.cell
    await _erase_from_answers(connection, person)
    empty = {"name": "", "email": None, "language": "en", "tier": "", "active_at": None, "left_at": left_at}
    await connection.execute(update(t.participants).where(*_row_of(who)).values(**empty))
    mine = (t.redemptions.c.cell == cell, t.redemptions.c.participant == who)
    await connection.execute(update(t.redemptions).where(*mine).values(details={}))
    theirs = or_(t.vouchers.c.participant == who, t.vouchers.c.given_to == who)
    await connection.execute(update(t.vouchers).where(theirs).values(blocked_why=None))
    # A hash of what was imported of them would let whoever guesses right know that it was they.
    await connection.execute(update(t.events).where(t.events.c.participant == who).values(content=b""))
    for table in (access.devices, kept.reminders, kept.told_reminders):
        await connection.execute(delete(table).where(table.c.cell == cell, table.c.participant == who))
    at_doors = [f"pass {who}", f"export {who}", f"{DAILY}guesses of {who}"]
    for gone, condition in (
        (access.sessions, (access.sessions.c.subject == who) & (access.sessions.c.role == "participant")),
        (t.answers, t.answers.c.actor == who),
        (access.sign_in_codes, access.sign_in_codes.c.email == person.email),
        (access.attempts, access.attempts.c.who.in_(at_doors)),
    ):
        await connection.execute(delete(gone).where(condition))


async def _erase_from_answers(connection: AsyncConnection, person: Row[Any]) -> None:
    """Those who gave them vouchers were told to whom, and could ask for that answer again."""
    table = t.answers
    givers = select(t.vouchers.c.participant).where(t.vouchers.c.given_to == person.participant)
    told = b'"given_to":' + msgspec.json.encode(person.email or person.name)
    for row in await _answers_of(connection, (await connection.execute(givers)).scalars().all()):
        if told in row.answer:
            scrubbed = row.answer.replace(told, b'"given_to":""')
            same = (table.c.actor == row.actor, table.c.key == row.key)
            await connection.execute(update(table).where(*same).values(answer=scrubbed))


async def _answers_of(connection: AsyncConnection, actors: Sequence[str]) -> Sequence[Row[Any]]:
    return (await connection.execute(select(t.answers).where(t.answers.c.actor.in_(sorted(set(actors)))))).all()
