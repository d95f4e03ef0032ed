"""Transfers: points that one participant gives to another."""

import secrets
from datetime import timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules.commands import Declined, Outcome, Transfer, Transferred
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.services.context import Context
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage import schema as t

NOBODY = ""


async def transfer(
    context: Context, caller: Caller, request: m.TransferRequest, key: str, request_hash: bytes, *, only_known: bool
) -> Answer:
    """Give points to another participant; the same key again gets the first answer again. Raises KeyReused, Refused,
    and KeyForgotten where there is none for what is `only_known`."""
    now = context.now()
    async with context.database.read() as connection:
        recipient = await recipient_of(context, connection, caller.subject, key, request.recipient)
    command = Transfer(caller.subject, recipient, f"t-{secrets.token_hex(10)}", request.points, now)
    return await context.ledger.submit(Submission(caller.subject, key, request_hash, command, now, _answer, only_known))


async def recipient_of(context: Context, connection: AsyncConnection, participant: str, key: str, address: str) -> str:
    """Who is known by `address`, or NOBODY; raises Refused where `participant` has guessed too often."""
    if not await stored_answers(connection, [(participant, key)]):  # else it was decided, and is told again
        await _limit_guesses(context, connection, participant)
    people = t.participants
    found = await connection.execute(select(people.c.participant).where(people.c.email == address.lower()))
    return found.scalar() or NOBODY


async def _limit_guesses(context: Context, connection: AsyncConnection, participant: str) -> None:
    table = t.answers
    recent = select(func.count()).where(
        table.c.actor == participant,
        table.c.at > context.now() - timedelta(days=1),
        table.c.status == STATUS[Reason.NO_SUCH_RECIPIENT],
    )
    if (await connection.execute(recent)).scalar_one() >= limits.UNKNOWN_RECIPIENTS_PER_DAY:
        raise Refused(Reason.RATE_LIMITED)


def _answer(outcome: Outcome, _names: Names) -> Answer:
    if isinstance(outcome, Declined):
        reason = Reason(outcome.reason.value)
        return Answer(STATUS[reason], problem_body(reason))
    assert isinstance(outcome, Transferred)
    told = m.Transfer(id=outcome.transfer, points=outcome.points, available_after=outcome.available_after)
    return Answer(201, msgspec.json.encode(told))
