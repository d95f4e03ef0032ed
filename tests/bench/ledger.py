"""Redemptions over HTTP with all checks, as rates, against the least that the database could do."""

import asyncio
import secrets
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Final

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import Outcome, Redeem, Redeemed
from mirabelle.rules.redemption import NewVoucher
from mirabelle.server.application import open_context
from mirabelle.server.hosting import open_store
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Settings
from tests.bench.crowd import HOT, PRICE, REWARDS, Crowd, people, postgresql
from tests.bench.figures import Rates, Run
from tests.bench.floor import Floor
from tests.bench.load import run_load

CLIENTS: Final = 32
ROUNDS: Final = 3
EACH: Final = 60  # redemptions of a client in a round


def on_postgresql() -> Iterator[Rates]:
    """Spread over a thousand rewards, and all on one, against the floor."""
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder) / "postgresql") as server:
        crowd = Crowd(Path(folder) / "data", server.get_uri())
        crowd.seed(dict.fromkeys(people(), 1))
        floor = Floor(server, server.get_uri())
        bare, spread, hot = [], [], []
        with crowd.served() as url:
            for turn in range(ROUNDS + 1):
                bare.append(floor.redeem(CLIENTS, EACH))
                for runs, rewards in ((spread, REWARDS), (hot, HOT)):
                    runs.append(run_load(url, crowd.letters(url, people(), rewards, CLIENTS, EACH)))
                if turn == 0:
                    for runs in (bare, spread, hot):
                        runs.clear()  # the first warms up
        yield Rates(
            f"redemptions over HTTP, PostgreSQL, {CLIENTS} clients", "the floor by pgbench", spread, bare, 1.0, 3
        )
        yield Rates("redemptions of one stocked reward", "of a thousand", hot, spread, 0.95)


def on_sqlite() -> Iterator[Rates]:
    """Many clients at once against the same ledger that is given one command at a time, without HTTP."""
    with tempfile.TemporaryDirectory() as folder:
        crowd = Crowd(Path(folder), "")
        crowd.seed(dict.fromkeys(people(), 1))
        together, alone = [], []
        for _ in range(ROUNDS):
            with crowd.served() as url:
                for runs in ([], together):  # the first warms up
                    runs.append(run_load(url, crowd.letters(url, people(), REWARDS, CLIENTS, EACH)))
            alone.append(asyncio.run(_one_by_one(crowd.data, EACH * 4)))
        name = f"redemptions over HTTP, SQLite, {CLIENTS} clients"
        yield Rates(name, "the ledger's, one command a transaction", together, alone, 2.0)


async def _one_by_one(data: Path, count: int) -> Run:
    database = await open_store(data, "", None, datetime.now(UTC))
    context = await open_context(Settings(data), database)
    waits = []
    began = asked = time.perf_counter()
    for _, who in zip(range(count), cycle(people()), strict=False):
        await context.ledger.submit(_submission(who, secrets.choice(REWARDS)))
        asked, before = time.perf_counter(), asked
        waits.append(asked - before)
    await database.close()
    return Run(waits, asked - began)


def _submission(who: str, reward: str) -> Submission:
    key = secrets.token_hex(16)
    code = fallback_code.make(secrets.token_bytes(fallback_code.RANDOM_BYTES))
    voucher = NewVoucher(secrets.token_bytes(16), code, bytes.fromhex(key * 2), key, 1)
    now = datetime.now(UTC)
    return Submission(who, key, key.encode(), Redeem(who, f"r-{key}", reward, now, PRICE, {}, voucher), now, _answer)


def _answer(outcome: Outcome, _names: Names) -> Answer:
    assert isinstance(outcome, Redeemed)
    return Answer(201, b"as long as an answer is. " * 40)
