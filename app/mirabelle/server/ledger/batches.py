"""Runs commands in batches: what arrives together shares one transaction, and its effect is written with its answer."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Table, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.commands import Command, Outcome
from mirabelle.rules.ledger import decide
from mirabelle.server.ledger.load import World, load
from mirabelle.server.ledger.save import save
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import Database

BATCH_COMMANDS: Final = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told, kept for whoever asks again with the same key. `rows` are written along with it."""

    status: int
    body: bytes
    rows: tuple[tuple[Table, dict[str, Any]], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """A command under an idempotency key. `request` is the hash of what was asked; `answer` words the outcome."""

    actor: str
    key: str
    request: bytes
    command: Command
    at: datetime
    answer: Callable[[Outcome], Answer]


class KeyReused(Exception):
    """The idempotency key was used before for another request."""


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    done: asyncio.Future[Answer]


@dataclass(slots=True)
class Ledger:
    """The one writer of points in this process. A batch never waits to fill: it takes what is there."""

    database: Database
    world: World
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _worker: asyncio.Task[None] | None = None

    async def submit(self, submission: Submission) -> Answer:
        """The answer to `submission`, or the first answer if its key was used for it before; raises KeyReused."""
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await waiting.done

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                answers = await self._run([waiting.submission for waiting in batch])
            except Exception as fault:
                await self._run_apart(batch, fault)
            else:
                _tell(batch, answers)

    def _next_batch(self) -> list[_Waiting]:
        """What waits, up to the limit; of two with one key, the second stays for the next batch."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        keys: set[tuple[str, str]] = set()
        while self._waiting and len(batch) < BATCH_COMMANDS:
            waiting = self._waiting.popleft()
            key = (waiting.submission.actor, waiting.submission.key)
            (later if key in keys else batch).append(waiting)
            keys.add(key)
        self._waiting.extendleft(reversed(later))
        return batch

    async def _run_apart(self, batch: Sequence[_Waiting], fault: Exception) -> None:
        """One bad command must not fail its neighbours: each gets a transaction of its own."""
        for waiting in batch:
            if len(batch) > 1:
                try:
                    _tell([waiting], await self._run([waiting.submission]))
                    continue
                except Exception as own_fault:
                    fault = own_fault
            if not waiting.done.done():
                waiting.done.set_exception(fault)

    async def _run(self, batch: Sequence[Submission]) -> list[Answer | KeyReused]:
        return await self.database.attempt(lambda connection: run_batch(connection, self.world, batch))


def _tell(batch: Sequence[_Waiting], answers: Sequence[Answer | KeyReused]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.done.done():
            continue  # the caller went away; the answer is stored for the day it asks again
        if isinstance(answer, KeyReused):
            waiting.done.set_exception(answer)
        else:
            waiting.done.set_result(answer)


async def run_commands(connection: AsyncConnection, world: World, commands: Sequence[Command]) -> list[Outcome]:
    """Load, decide and write `commands` within the connection's transaction."""
    snapshot = await load(connection, world, commands)
    outcomes, changes = decide(snapshot, commands)
    await save(connection, snapshot, changes)
    return outcomes


async def stored_answers(
    connection: AsyncConnection, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[bytes, Answer]]:
    """The answers given before under (actor, key), each with the hash of its request."""
    table = t.answers
    found = await connection.execute(select(table).where(tuple_(table.c.actor, table.c.key).in_(sorted(keys))))
    return {(row.actor, row.key): (row.request, Answer(row.status, row.answer)) for row in found}


async def run_batch(connection: AsyncConnection, world: World, batch: Sequence[Submission]) -> list[Answer | KeyReused]:
    """Decide and write a batch of submissions with different keys, within the connection's transaction."""
    stored = await stored_answers(connection, [(s.actor, s.key) for s in batch])
    fresh = [s for s in batch if (s.actor, s.key) not in stored]
    answers: dict[tuple[str, str], Answer | KeyReused] = {}
    for s in batch:
        if (s.actor, s.key) in stored:
            request, answer = stored[s.actor, s.key]
            answers[s.actor, s.key] = answer if request == s.request else KeyReused()
    if fresh:
        outcomes = await run_commands(connection, world, [s.command for s in fresh])
        given = [s.answer(outcome) for s, outcome in zip(fresh, outcomes, strict=True)]
        await _save_answers(connection, fresh, given)
        answers |= {(s.actor, s.key): answer for s, answer in zip(fresh, given, strict=True)}
    return [answers[s.actor, s.key] for s in batch]


async def _save_answers(connection: AsyncConnection, batch: Sequence[Submission], answers: Sequence[Answer]) -> None:
    values = [
        {"actor": s.actor, "key": s.key, "request": s.request, "status": a.status, "answer": a.body, "at": s.at}
        for s, a in zip(batch, answers, strict=True)
    ]
    await connection.execute(insert(t.answers), values)
    by_table: dict[Table, list[dict[str, Any]]] = {}
    for answer in answers:
        for table, row in answer.rows:
            by_table.setdefault(table, []).append(row)
    for table, rows in by_table.items():
        await connection.execute(insert(table), rows)
