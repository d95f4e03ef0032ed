"""A real database in memory for each world, and the server processes on it, which die where they are told to."""

import sqlite3
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, CursorResult, Executable, NullPool, create_engine, insert

from mirabelle.rules import commands as c
from mirabelle.rules.cells import cell_of
from mirabelle.rules.postings import FIRST_DIGEST
from mirabelle.rules.programme import (
    Earning,
    Expiry,
    ExpiryPolicy,
    Extension,
    RefundPolicy,
    Rules,
    Tier,
    Transfers,
)
from mirabelle.server.ledger import batches, sqlite
from mirabelle.server.ledger.load import Names, World
from mirabelle.server.services.audit import Audit, audit
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.instants import microseconds_of
from mirabelle.server.storage.migrations import upgrade
from tests.sim import frames
from tests.sim.plan import Plan, Policy, Prize
from tests.sim.words import told

T = TypeVar("T")

_FILE: Final = "file:/simulated?vfs=memdb"


def connect() -> sqlite3.Connection:
    """One more connection to the world's database, which lives as long as it has one."""
    connection = sqlite3.connect(_FILE, uri=True, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


_ENGINE: Final = create_engine(
    "sqlite://",
    creator=connect,
    poolclass=NullPool,
    json_serializer=lambda value: msgspec.json.encode(value).decode(),
    json_deserializer=msgspec.json.decode,
)


class Break(NamedTuple):
    """Where something breaks: before the statement with a number (0: before begin), or at the reply, after commit.

    The whole server process dies, but for a `passing` fault, which only the statement's transaction does not survive.
    """

    statement: int | None = None
    passing: bool = False


class Broken(Exception):
    """A batch got no answer; `committed` tells whether it took effect."""

    def __init__(self, committed: bool) -> None:
        super().__init__()
        self.committed = committed


@dataclass(slots=True)
class Line:
    """A server's line to the database: it breaks where it is told to, and notes what is locked."""

    connection: sqlite3.Connection
    breaks: Break | None
    statements: int = 0
    dead: bool = False
    locked: list[tuple[Any, ...]] = field(default_factory=list)

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        self._pass(statement, parameters)
        return self.connection.execute(statement, parameters)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        # Each row is a write of its own: something can break between any two.
        for row in rows:
            self.execute(statement, row)

    def cursor(self) -> "Line":
        return self

    def close(self) -> None:
        """A cursor has nothing to close."""

    def _pass(self, statement: str, parameters: Sequence[Any]) -> None:
        if self.breaks and self.breaks.statement == self.statements:
            self.statements += 1
            if self.breaks.passing and statement != "ROLLBACK":
                raise sqlite3.OperationalError("disk I/O error")
            self.dead = not self.breaks.passing
        if self.dead:
            raise Broken(committed=False)
        self.statements += 1
        if statement == sqlite._PARTICIPANTS:
            self.locked += [("participants", *key) for key in msgspec.json.decode(parameters[0])]
        elif statement == sqlite._STOCK:
            own, whole = map(msgspec.json.decode, parameters)
            self.locked += [("stock", *key) for key in own]
            assert whole == sorted(whole), "the slices of whole rewards are locked in their order"
        elif statement == "BEGIN IMMEDIATE":
            self.locked = []


class Server:
    """A server process, with a connection of its own that ends with it."""

    def __init__(self) -> None:
        self._connection = connect()
        self.locked: list[tuple[Any, ...]] = []

    def run(self, world: World, submissions: Sequence[batches.Submission], breaks: Break | None) -> list[str]:
        """The answers to a batch; raises Broken, after which the process may be another."""
        line = Line(self._connection, breaks)
        try:
            answers = batches.run_batch(line, world, submissions)  # type: ignore[arg-type]
            if breaks == Break():
                raise Broken(committed=True)
        except sqlite3.OperationalError as fault:
            if not (breaks and breaks.passing and line.statements > (breaks.statement or 0)):
                raise
            raise Broken(committed=False) from fault
        except Broken:
            self._connection.close()
            self._connection = connect()
            raise
        finally:
            self.locked = line.locked
        return ["key reused" if isinstance(a, batches.KeyReused) else a.body.decode() for a in answers]

    def stop(self) -> None:
        """End the process."""
        self._connection.close()


def submission(actor: str, key: str, request: bytes, command: c.Command, now: datetime) -> batches.Submission:
    """A request as a server hands it to its ledger; a scan that is not on record yet is kept beside its answer."""

    def answer(outcome: c.Outcome, _names: Names) -> batches.Answer:
        body = told(outcome).encode()
        if not isinstance(command, c.Scan | c.UploadScan) or isinstance(outcome, c.BadProof) or outcome.known:
            return batches.Answer(200, body)
        undone = isinstance(outcome, c.Uploaded) and outcome.use is None and outcome.conflict is None
        undone_at = microseconds_of(now) if undone else None
        return batches.Answer(200, body, (command.scan, command.till, microseconds_of(now), body, "", "", undone_at))

    return batches.Submission(actor, key, request, command, now, answer)


def world_of(policy: Policy) -> World:
    """The policy as the ledger knows it."""
    rules = Rules(
        currency="EUR",
        zone=ZoneInfo(policy.zone),
        earning=Earning(arrive_after_days=policy.arrive_days),
        expiry=Expiry(policy.after_days, policy.grace_days, ExpiryPolicy(policy.expiry), policy.after_periods),
        tiers=[Tier(*tier) for tier in policy.tiers],
        version=policy.version,
        refunds=RefundPolicy(policy.refunds),
        extension=Extension(*policy.extension) if policy.extension else None,
        transfers=Transfers(policy.transfers_from is not None, policy.transfers_from or 1),
    )
    return World(rules, dict(policy.tiers))


def _migrated() -> sqlite3.Connection:
    with connect(), _ENGINE.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        upgrade(connection)
        connection.exec_driver_sql("COMMIT")
        raw: Any = connection.connection.driver_connection
        template = sqlite3.connect(":memory:")
        raw.backup(template)
    return template


_templates: list[sqlite3.Connection] = []


def open_database(plan: Plan) -> sqlite3.Connection:
    """A new database with the plan's people, rewards and stores; it is gone when the connection is closed."""
    if not _templates:
        _templates.append(_migrated())
    connection = connect()
    _templates[0].backup(connection)
    with _ENGINE.connect() as core:
        core.exec_driver_sql("BEGIN")
        _fill(core, plan)
        core.exec_driver_sql("COMMIT")
    return connection


def _fill(core: Connection, plan: Plan) -> None:
    core.execute(insert(t.stores), [{"reference": s, "id": f"store-{s}", "name": {"en": "?"}} for s in (7, 8)])
    issuer = {"key_id": frames.KEY_ID.hex(), "public_key": frames.ISSUER_KEY, "created_at": plan.start}
    core.execute(insert(t.issuer_keys), [issuer])
    people = [
        {"cell": cell_of(name), "participant": name, "joined_at": plan.start, "digest": FIRST_DIGEST}
        for name in plan.people
    ]
    core.execute(insert(t.participants), people)
    core.execute(insert(t.rewards), [_reward(number, prize) for number, prize in enumerate(plan.prizes)])
    core.execute(
        insert(t.stock),
        [
            {"reward": prize.id, "cell": cell, "pieces": pieces}
            for prize in plan.prizes
            for cell, pieces in (prize.slices or {}).items()
        ],
    )


def _reward(number: int, prize: Prize) -> dict[str, Any]:
    pieces = sum(prize.slices.values()) if prize.slices is not None else None
    return {
        "reference": number,
        "id": prize.id,
        "points": prize.points,
        "stocked": prize.stocked,
        "stock": pieces,
        "offered": pieces or 0,
        "withdrawn": prize.withdrawn,
        "available_from": prize.opens,
        "available_until": prize.ends,
        "revision": number,
        "document": {
            "title": {"en": prize.id},
            "per_participant": prize.limit,
            "from_tier": prize.from_tier or None,
            "needs": prize.needs,
            "fulfilment": "voucher" if prize.has_voucher else "delivery",
            "value_class": prize.value_class,
            "store": f"store-{prize.store}" if prize.store else None,
            "valid_days": prize.valid_days,
            "balance": prize.worth is not None,
            "value_minor": prize.worth,
        },
    }


def audited(as_of: datetime) -> Audit:
    """What the programme's own audit says."""
    with _ENGINE.connect() as connection:
        return _finish(audit(_Awaited(connection), as_of))  # type: ignore[arg-type]


class _Awaited:
    """A connection that can be awaited, and never makes anybody wait."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable) -> CursorResult[Any]:
        return self._connection.execute(statement)


def _finish(work: Coroutine[Any, Any, T]) -> T:
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("the audit waited for something")
