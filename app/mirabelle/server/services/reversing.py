"""The operator's reversal: points of a captured redemption go back, all of them or a part."""

import hashlib
from datetime import datetime

import msgspec
from sqlalchemy import select

from mirabelle.rules.commands import Declined, Outcome, Redeemed, Reverse
from mirabelle.server.ledger.batches import Answer, KeyReused, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.ledger.queue import Ledger
from mirabelle.server.storage import schema as t

OPERATOR = "operator"


class NotReversed(Exception):
    """The redemption cannot be reversed so; the message says why."""


class Reversal(msgspec.Struct, frozen=True):
    """What was given back of a redemption, now and in all, or why nothing was."""

    points: int = 0
    returned: int = 0
    state: str = ""
    refusal: str = ""


async def reverse(ledger: Ledger, redemption: str, points: int | None, reversal: str, now: datetime) -> Reversal:
    """Give `points` of `redemption` back, or all that is left where they are None; raises NotReversed.

    The same `reversal` again gives nothing back a second time.
    """
    table = t.redemptions
    async with ledger.database.read() as connection:
        found = select(table.c.participant).where(table.c.id == redemption)
        participant = (await connection.execute(found)).scalar()
    if participant is None:
        raise NotReversed(f"there is no redemption {redemption}")

    def answer(outcome: Outcome, _names: Names) -> Answer:
        if isinstance(outcome, Declined):
            return Answer(409, msgspec.json.encode(Reversal(refusal=outcome.reason.value)))
        assert isinstance(outcome, Redeemed)
        record = outcome.redemption
        given = Reversal(outcome.returned, record.returned, record.state.value)
        return Answer(201, msgspec.json.encode(given))

    request = hashlib.sha256(msgspec.json.encode((redemption, points))).digest()
    command = Reverse(participant, redemption, points, now)
    try:
        answered = await ledger.submit(Submission(OPERATOR, reversal, request, command, now, answer))
    except KeyReused as fault:
        raise NotReversed(f"{reversal} was used before for something else") from fault
    given = msgspec.json.decode(answered.body, type=Reversal)
    if given.refusal:
        raise NotReversed(f"{redemption}: {given.refusal.replace('_', ' ')}")
    return given
