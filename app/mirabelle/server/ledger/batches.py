"""Runs commands in batches: what arrives together shares one transaction, and its effect is written with its answer.

The order of a batch stands here once and without I/O: look for answers given before, load, decide, save.
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.book import Changes, Snapshot
from mirabelle.rules.commands import Command, Outcome, Redeem
from mirabelle.rules.ledger import decide
from mirabelle.server.ledger import postgresql, records, sqlite
from mirabelle.server.ledger.load import Names, RunDry, Sql, World, load
from mirabelle.server.ledger.records import Row
from mirabelle.server.ledger.writes import Writes
from mirabelle.server.storage.direct import run_within
from mirabelle.server.storage.instants import microseconds_of
from mirabelle.server.storage.steps import Steps, run_on_sqlite


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller is told, kept for whoever asks again with the same key. `scan` is a row of `scans` beside it."""

    status: int
    body: bytes
    scan: Row | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A command under an idempotency key. `request` is the hash of what was asked; `answer` words the outcome. One that
    is `only_known` was sent so long ago that its answer may be kept no more: it is told, or nothing is done."""

    actor: str
    key: str
    request: bytes
    command: Command
    at: datetime
    answer: Callable[[Outcome, Names], Answer]
    only_known: bool = False


class KeyReused(Exception):
    """The idempotency key was used before for another request."""


class KeyForgotten(Exception):
    """What was done under the idempotency key, if anything was, is not known any more."""


Answers = list[Answer | KeyReused | KeyForgotten]


def run_batch(connection: sqlite3.Connection, world: World, submissions: Sequence[Submission]) -> Answers:
    """Decide and write submissions with different keys in one transaction on any SQLite connection in autocommit."""
    whole: frozenset[str] = frozenset()
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            answers = run_on_sqlite(connection, batch_steps(sqlite, world, submissions, whole))
            connection.execute("COMMIT")
        except RunDry as dry:
            connection.execute("ROLLBACK")
            whole |= dry.rewards
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        else:
            return answers


def batch_steps(
    sql: Sql, world: World, submissions: Sequence[Submission], whole: Collection[str] = ()
) -> Steps[Answers]:
    """The answers to submissions with different keys; raises RunDry."""
    known = yield sql.answers([(s.actor, s.key) for s in submissions])
    stored = {(actor, key): (request, Answer(status, body)) for actor, key, request, status, body, _ in known}
    fresh = [s for s in submissions if (s.actor, s.key) not in stored and not s.only_known]
    given: dict[tuple[str, str], Answer | KeyReused | KeyForgotten] = {}
    for s in submissions:
        if (s.actor, s.key) in stored:
            request, answer = stored[s.actor, s.key]
            given[s.actor, s.key] = answer if request == s.request else KeyReused()
        elif s.only_known:
            given[s.actor, s.key] = KeyForgotten()
    if fresh:
        answers = yield from _fresh_steps(sql, world, fresh, whole)
        given |= {(s.actor, s.key): answer for s, answer in zip(fresh, answers, strict=True)}
    return [given[s.actor, s.key] for s in submissions]


def _fresh_steps(sql: Sql, world: World, fresh: Sequence[Submission], whole: Collection[str]) -> Steps[list[Answer]]:
    commands = [s.command for s in fresh]
    snapshot, names = yield from load(sql, world, commands, whole)
    outcomes, changes = decide(snapshot, commands)
    answers = [s.answer(outcome, names) for s, outcome in zip(fresh, outcomes, strict=True)]
    writes = _writes(snapshot, changes)._replace(
        answers=[
            (s.actor, s.key, s.request, a.status, a.body, microseconds_of(s.at))
            for s, a in zip(fresh, answers, strict=True)
        ],
        # The same scan may come twice: online, and once more as an upload of the till that had no answer.
        scans=[row for _, row in sorted({a.scan[0]: a.scan for a in answers if a.scan is not None}.items())],
    )
    yield from save(sql, writes)
    return answers


def command_steps(
    sql: Sql, world: World, commands: Sequence[Command], whole: Collection[str] = ()
) -> Steps[list[Outcome]]:
    """Load, decide and write commands that nobody waits for; raises RunDry."""
    snapshot, _ = yield from load(sql, world, commands, whole)
    outcomes, changes = decide(snapshot, commands)
    yield from save(sql, _writes(snapshot, changes))
    return outcomes


def save(sql: Sql, writes: Writes) -> Steps[None]:
    """Write everything."""
    for statement in sql.save(writes):  # noqa: UP028 - a list cannot be sent rows
        yield statement


async def run_commands(connection: AsyncConnection, world: World, commands: Sequence[Command]) -> list[Outcome]:
    """Load, decide and write `commands` within the connection's transaction."""
    # All slices at once: this transaction cannot begin again.
    whole = {c.reward for c in commands if isinstance(c, Redeem)}
    return await run_within(connection, command_steps(sql_of(connection), world, commands, whole))


def sql_of(connection: AsyncConnection) -> Sql:
    """The statements in the connection's dialect."""
    return sqlite if connection.dialect.name == "sqlite" else postgresql


def _writes(snapshot: Snapshot, changes: Changes) -> Writes:
    """What changed, as rows; the participants that the snapshot names exist."""
    return Writes(
        accounts=[records.account_row(account) for account in changes.accounts.values()],
        lots=[
            records.lot_row(who, lot)
            for who, account in changes.accounts.items()
            for number, lot in account.lots.items()
            if lot is not snapshot.accounts[who].lots.get(number)
        ],
        postings=[records.posting_row(posting) for posting in changes.postings],
        balance_moves=[records.balance_move_row(move) for move in changes.moves],
        redemptions=[records.redemption_row(record) for record in changes.redemptions.values()],
        vouchers=[records.voucher_row(voucher) for voucher in changes.vouchers.values()],
        uses=[records.use_row(use) for key, use in changes.uses.items() if key not in snapshot.uses],
        undone=[records.undone_row(use) for key, use in changes.uses.items() if key in snapshot.uses],
        conflicts=[records.conflict_row(conflict) for conflict in changes.conflicts.values()],
        stock=_slices(snapshot, changes),
        bad_proofs=[records.bad_proof_row(record) for record in changes.bad_proofs.values()],
    )


def _slices(snapshot: Snapshot, changes: Changes) -> list[tuple[Any, ...]]:
    return [
        (reward, cell, pieces)
        for reward, stock in sorted(changes.stock.items())
        for cell, pieces in sorted(stock.items())
        if pieces != snapshot.stock.get(reward, {}).get(cell)
    ]
