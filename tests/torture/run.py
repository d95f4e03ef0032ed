"""Tortures servers from outside: clients in processes of their own redeem, scan and cancel while servers die."""

import asyncio
import json
import multiprocessing
import random
import time
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select, text

from mirabelle.cli import main
from mirabelle.rules.redemption import RedemptionState
from mirabelle.server.services.audit import audit
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import open_database, url_of_directory
from tests.server_process import ServerProcess
from tests.torture import crowd

PROGRAMME = """\
[programme]
name = "Torture"
currency = "EUR"
time_zone = "Europe/Paris"

[earning]
points_per_unit = 1

[expiry]
after_days = 9999

[transfers]
allowed = true
from_points = 1

[[stores]]
id = "corner"
name = { en = "Corner" }
"""
REWARD = """
[[rewards]]
id = "{id}"
kind = "discount"
points = {points}
title = {{ en = "{id}" }}
"""
_DEADLOCKS = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
LOOK_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 0.05  # after an attempt that a kill is due with, so that it comes anywhere in what follows


@dataclass(frozen=True)
class Plan:
    """How much torture. Vouchers are counted for each participant, and participants for each client."""

    seed: str
    clients: int
    participants: int
    vouchers: int
    kills: int
    servers: int = 1

    @property
    def scarce(self) -> int:
        """How many pieces there are of what is scarce: half as many as are wanted."""
        return self.clients * self.participants * (self.vouchers // crowd.SCARCE_EVERY) // 2

    @property
    def attempts(self) -> int:
        """About how many writes will be asked for."""
        sometimes = crowd.CANCELLED_SHARE + crowd.GIVING_SHARE
        each = self.vouchers * (2 + crowd.TILLS_AT_ONCE + sometimes) + crowd.GREEDY_TRIES
        return int(self.clients * self.participants * each)


@dataclass
class Figures:
    """What happened, and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The figures, a line each."""
        return "\n".join(f"  {name:<24} {number:>8}" for name, number in sorted(self.counts.items()))


def torture(plan: Plan, folder: Path, database_url: str = "") -> Figures:
    """Carry `plan` out with servers on `database_url`, "" for SQLite in `folder`."""
    started = time.monotonic()
    programme = folder / "programme.toml"
    programme.write_text(programme_of(plan), encoding="utf-8")
    _add_banks(folder / "data", programme, database_url)
    figures = Figures()
    with ExitStack() as stack:
        servers = [ServerProcess(folder / "data", programme, database_url) for _ in range(plan.servers)]
        for server in servers:
            stack.enter_context(server)
        told = _live(plan, servers)
        figures.counts["kills"] = sum(server.kills for server in servers)
    for one in told:
        figures.counts.update(one.counts)
        figures.wrong += one.wrong
    assert len(told) == plan.clients
    asyncio.run(_look(figures, told, plan, database_url or url_of_directory(folder / "data")))
    figures.counts["seconds"] = round(time.monotonic() - started)
    return figures


def _add_banks(data: Path, programme: Path, database_url: str) -> None:
    """Let the ledger know those to whom points are given."""
    events = [
        {"type": "participant", "id": bank, "email": bank, "name": "Bank", "at": "2026-01-01T00:00:00Z"}
        for bank in crowd.BANKS
    ]
    file = programme.with_name("banks.ndjson")
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    words = ["--data", str(data), "--database", database_url, "--programme", str(programme), str(file)]
    with suppress(SystemExit):
        main(["import", *words])


def programme_of(plan: Plan) -> str:
    """The programme that is tortured."""
    rewards = [
        REWARD.format(id=crowd.TEA, points=crowd.TEA_POINTS),
        REWARD.format(id=crowd.DEAR, points=crowd.DEAR_POINTS),
        REWARD.format(id=crowd.GIFT, points=crowd.GIFT_POINTS) + 'value_class = "C"\n',
        REWARD.format(id=crowd.SCARCE, points=crowd.SCARCE_POINTS) + f"stock = {plan.scarce}\n",
    ]
    return PROGRAMME + "".join(rewards)


def _live(plan: Plan, servers: list[ServerProcess]) -> list[crowd.Told]:
    processes = multiprocessing.get_context("spawn")
    shared = crowd.Shared(processes.Value("q", 0), processes.Value("q", 0), processes.Event())
    ports = [server.port for server in servers]
    with ProcessPoolExecutor(plan.clients, processes, crowd.share, (shared,)) as pool:
        done = [
            pool.submit(crowd.run, crowd.Part(f"{plan.seed} {number}", ports, plan.participants, plan.vouchers))
            for number in range(plan.clients)
        ]
        try:
            _kill_as_they_go(plan, servers, shared, done)
        finally:
            shared.calm.set()
        return [one.result() for one in done]


def _kill_as_they_go(
    plan: Plan, servers: list[ServerProcess], shared: crowd.Shared, done: list[Future[crowd.Told]]
) -> None:
    """Kill the servers, spread over the attempts, and once more when nothing is under way."""
    dice = random.Random(f"{plan.seed} kills")
    due = sorted(dice.randrange(plan.attempts * 9 // 10) for _ in range(plan.kills))
    while shared.lived.value < plan.clients and not any(one.done() for one in done):
        if due and shared.attempts.value >= due[0]:
            due.pop(0)
            time.sleep(dice.uniform(0, LONGEST_WAIT_SECONDS))
            _kill(dice.choice(servers))
        time.sleep(LOOK_SECONDS)
    for server in servers:
        _kill(server)


def _kill(server: ServerProcess) -> None:
    server.kill()
    server.start()


async def _look(figures: Figures, told: list[crowd.Told], plan: Plan, url: str) -> None:
    """Hold the database to what the clients were told, and to its own sums."""
    database = await open_database(url)
    try:
        async with database.read() as connection:
            result = await audit(connection, datetime.now(UTC))
            figures.counts["sum of the postings"] = result.postings_sum
            figures.wrong += [] if result.passed else ["the audit fails", *result.wrong]
            uses = {row.voucher: row.till for row in await connection.execute(select(t.uses))}
            banks = select(t.participants.c.email, t.participants.c.available).where(
                t.participants.c.email.in_(crowd.BANKS)
            )
            held_by_banks = {row.email: row.available for row in await connection.execute(banks)}
            of_scarce = (t.redemptions.c.reward == crowd.SCARCE, t.redemptions.c.state != RedemptionState.DECLINED)
            sold = await connection.execute(select(func.count()).where(*of_scarce))
            if not database.is_sqlite:
                figures.counts["deadlocks"] = (await connection.execute(_DEADLOCKS)).scalar_one()
    finally:
        await database.close()
    if uses != {voucher: till for one in told for voucher, till in one.used.items()}:
        figures.wrong.append("the database holds other uses than were answered")
    if held_by_banks != {bank: sum(one.given[bank] for one in told) for bank in crowd.BANKS}:
        figures.wrong.append(f"the banks hold {held_by_banks}, which is not what was given")
    pieces = (sold.scalar_one(), sum(one.scarce for one in told))
    if pieces != (plan.scarce, plan.scarce):
        figures.wrong.append(f"of {plan.scarce} pieces {pieces[0]} were sold, and {pieces[1]} were answered")
