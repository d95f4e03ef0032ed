"""The one writer of points in a process: commands wait here for the next batch, never for a batch to fill."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mirabelle.server.ledger import postgresql, sqlite
from mirabelle.server.ledger.batches import Answer, Answers, KeyForgotten, KeyReused, Submission, batch_steps
from mirabelle.server.ledger.load import RunDry, World
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.direct import DatabaseBusy

BATCH_COMMANDS: Final = 64
# While one batch is on its way to the disk, the next may begin, if it is full: half of one costs nearly as much.
POSTGRESQL_BATCHES: Final = 2
# Turns of the event loop in which those who have their answers are told and what they ask next is read.
TURNS_BETWEEN: Final = 3
# For so many batches a reward whose slices ran dry is taken from all of them at once.
DRY_BATCHES: Final = 200


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    done: asyncio.Future[Answer]


@dataclass(slots=True)
class Ledger:
    """Takes commands, and runs what is there as one batch whenever the database is free for one."""

    database: Database
    world: World
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _working: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _dry: frozenset[str] = frozenset()
    _batches: int = 0

    async def submit(self, submission: Submission) -> Answer:
        """The answer to `submission`, or the first answer if its key was used for it before; raises KeyReused and
        KeyForgotten."""
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._is_worth_a_batch(self._working):
            self._working += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)  # a task that nobody holds may vanish
            task.add_done_callback(self._tasks.discard)
        return await waiting.done

    async def _work(self) -> None:
        try:
            while self._is_worth_a_batch(self._working - 1):
                await self._run_next()
                for _ in range(TURNS_BETWEEN):
                    await asyncio.sleep(0)
        finally:
            # In the same breath as the look at who waits: whoever comes after it must find nobody at work.
            self._working -= 1

    def _is_worth_a_batch(self, others: int) -> bool:
        """Whether to begin a batch of what waits while `others` are under way."""
        if others == 0:
            return bool(self._waiting)
        limit = 1 if self.database.is_sqlite else POSTGRESQL_BATCHES
        return others < limit and len(self._waiting) >= BATCH_COMMANDS

    async def _run_next(self) -> None:
        batch = self._next_batch()
        try:
            answers = await self._run([waiting.submission for waiting in batch])
        except DatabaseBusy as fault:
            _fail(batch, fault)  # it is busy for each of them
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
            _fail([waiting], fault)

    async def _run(self, batch: Sequence[Submission]) -> Answers:
        sql = sqlite if self.database.is_sqlite else postgresql
        self._batches += 1
        if self._batches % DRY_BATCHES == 0:
            self._dry = frozenset()  # there may be more of them by now
        whole = self._dry
        while True:
            try:
                answers = await self.database.run(lambda: batch_steps(sql, self.world, batch, whole))  # noqa: B023
            except RunDry as dry:
                whole |= dry.rewards
                self._dry = whole
            else:
                return answers


def _fail(batch: Sequence[_Waiting], fault: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(fault)


def _tell(batch: Sequence[_Waiting], answers: Answers) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.done.done():
            continue  # the caller went away; the answer is stored for the day it asks again
        if isinstance(answer, KeyReused | KeyForgotten):
            waiting.done.set_exception(answer)
        else:
            waiting.done.set_result(answer)
