"""Idempotency keys: how long their answers are relied on, and those of writes whose answer is a secret, or may change:
the key is kept, the answer is made again."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract.limits import REQUEST_DAYS
from mirabelle.server.ledger.batches import KeyReused
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.services.context import Context
from mirabelle.server.storage import schema as t

# Notes a key within the transaction that does what it stands for: what strangers are refused leaves nothing behind.
Claim = Callable[[AsyncConnection], Awaitable[None]]

_AHEAD: Final = timedelta(days=1)  # as far as this server's clock may have been set back meanwhile
_DIGITS: Final = 12


def may_be_forgotten(since: str, now: datetime) -> bool:
    """Whether the answer under a key that is asked again, and was first sent at `since` or later, may be kept no more.

    `since` is what the caller says, in unix seconds; "" where it was surely not sent before. What is no such moment, or
    one that has not come yet, may be any.
    """
    if not since:
        return False
    age = now.timestamp() - (float(since) if since.isascii() and since.isdecimal() and len(since) <= _DIGITS else 0.0)
    return not -_AHEAD.total_seconds() <= age <= timedelta(days=REQUEST_DAYS).total_seconds()


async def claim_key(context: Context, actor: str, key: str, request: bytes) -> None:
    """Note that `key` stands for `request` from now on; raises KeyReused where it stands for another."""

    await context.database.attempt(lambda connection: note_key(connection, actor, key, request, context.now()))


async def note_key(connection: AsyncConnection, actor: str, key: str, request: bytes, now: datetime) -> None:
    """The same, within the connection's transaction."""
    known = (await stored_answers(connection, [(actor, key)])).get((actor, key))
    if known is None:
        row = {"actor": actor, "key": key, "request": request, "status": 0, "answer": b"", "at": now}
        await connection.execute(insert(t.answers), [row])
    elif known[0] != request:
        raise KeyReused
