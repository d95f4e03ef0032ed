"""Idempotency keys of writes whose answer is a secret, or may change: the key is kept, the answer is made again."""

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.server.ledger.batches import KeyReused
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.services.context import Context
from mirabelle.server.storage import schema as t


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
