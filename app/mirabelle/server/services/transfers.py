"""Transfers: points that one participant gives to another."""

import secrets
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules.commands import Declined, Outcome, Transfer, Transferred
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.services.context import Context
from mirabelle.server.services.pace import DAILY, have_tried, may_try
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage import schema as t

NOBODY = ""
_DAY: Final = timedelta(days=1)


async def transfer(
    context: Context, caller: Caller, request: m.TransferRequest, key: str, request_hash: bytes, *, only_known: bool
) -> Answer:
    """Give points to another participant; the same key again gets the first answer again. Raises KeyReused, Refused,
    and KeyForgotten where there is none for what is `only_known`."""
    now = context.now()
    recipient = await recipient_of(context, caller.subject, key, request.recipient, only_known=only_known)
    command = Transfer(caller.subject, recipient, f"t-{secrets.token_hex(10)}", request.points, now)
    return await context.ledger.submit(Submission(caller.subject, key, request_hash, command, now, _answer, only_known))


async def recipient_of(context: Context, participant: str, key: str, address: str, *, only_known: bool) -> str:
    """Who is known by `address`, or NOBODY; raises Refused where `participant` has guessed too often. What is told
    again, or is `only_known` and so decides nothing, is no guess: to refuse it would say that it was not done."""
    who, most = [f"{DAILY}guesses of {participant}"], limits.UNKNOWN_RECIPIENTS_PER_DAY
    now, people = context.now(), t.participants

    async def look(connection: AsyncConnection) -> str:
        # Counted here and not by their answers: those that come at once have none yet.
        is_new = not only_known and not await stored_answers(connection, [(participant, key)])
        if is_new and await have_tried(connection, who, most, now, _DAY):
            raise Refused(Reason.RATE_LIMITED)
        found = await connection.execute(select(people.c.participant).where(people.c.email == address.lower()))
        recipient = found.scalar() or NOBODY
        if is_new and recipient == NOBODY and not await may_try(connection, who, most, now, _DAY):
            raise Refused(Reason.RATE_LIMITED)
        return recipient

    return await context.database.attempt(look)


def _answer(outcome: Outcome, _names: Names) -> Answer:
    if isinstance(outcome, Declined):
        reason = Reason(outcome.reason.value)
        return Answer(STATUS[reason], problem_body(reason))
    assert isinstance(outcome, Transferred)
    told = m.Transfer(id=outcome.transfer, points=outcome.points, available_after=outcome.available_after)
    return Answer(201, msgspec.json.encode(told))
