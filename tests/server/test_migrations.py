"""A ledger of the first tables is carried over with what the exact ledger must know of it."""

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from mirabelle.server.storage.database import open_database
from mirabelle.server.storage.migrations import upgrade

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
_LOT = "INSERT INTO lots VALUES (1, 'amina', {}, {}, NULL, {}, {}, {}, '{}', 1)"
_POSTING = (
    "INSERT INTO postings VALUES (1, 'amina', {}, {}, '{}', '{}', {}, {}, 0, 0, {}, {}, {}, {}, 0, '{}', '{}', '{}')"
)
# Amina earned 20 and 50 points; the 20 expired, a refund of 20 out of 50 euros took 20 back, and a mug cost 10.
BEFORE = [
    'INSERT INTO programmes VALUES (1, \'{"programme": {"name": "Old", "currency": "EUR"}}\', 1, 0)',
    "INSERT INTO participants (cell, participant, name, language, joined_at, epoch, available, held, pending,"
    " sequence, digest, next_lot) VALUES (1, 'amina', '', 'en', 0, 0, 20, 0, 0, 5, '', 3)",
    _LOT.format(1, 1, 100, 20, 0, "p1"),
    _LOT.format(2, 50, "NULL", 50, 20, "p2"),
    _POSTING.format(1, 1, "accrual", "p1", "NULL", 20, -20, 0, 0, 0, "[[1, 20]]", "", ""),
    _POSTING.format(2, 50, "accrual", "p2", "NULL", 50, -50, 0, 0, 0, "[[2, 50]]", "", ""),
    _POSTING.format(3, 100, "expiry", "p1", "NULL", -20, 0, 0, 20, 0, "[[1, -20]]", "", ""),
    _POSTING.format(4, 120, "clawback", "f1", "NULL", -20, 0, 0, 0, 20, "[[2, -20]]", "", ""),
    _POSTING.format(5, 130, "burn", "r1", "'mug'", -10, 0, 10, 0, 0, "[[2, -10]]", "", ""),
    "INSERT INTO events VALUES ('purchase', 'p2', '', 'amina', NULL, 5000, 50, 2000)",
    "INSERT INTO rewards (reference, id, points, stocked, stock, withdrawn, document, revision)"
    " VALUES (1, 'mug', 10, {true}, 9, {false}, '{{}}', 1)",
    "INSERT INTO stock VALUES ('mug', 1, 9)",
    "INSERT INTO scans VALUES ('s1', 'till', 1, '{\"verdict\": \"stale_code\"}', 'frame')",
    "INSERT INTO redemptions VALUES"
    " (1, 'amina', 'r1', 'mug', 10, 'captured', NULL, 130, '{{}}', '[[2, 10]]', NULL, 20)",
]


async def at_the_first_tables(url: str) -> None:
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername=DRIVERS[parsed.get_backend_name()]))
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0001")
        for statement in BEFORE:
            filled = statement.format(true="true", false="false") if "{true}" in statement else statement
            await connection.exec_driver_sql(filled.replace("{{}}", "{}"))
    await engine.dispose()


async def test_what_expired_was_refunded_was_done_and_was_put_out_is_known_afterwards(empty_database_url: str) -> None:
    await at_the_first_tables(empty_database_url)
    database = await open_database(empty_database_url)
    async with database.read() as connection:
        lots = (await connection.execute(text("SELECT expired, refunded FROM lots ORDER BY number"))).all()
        [active_at] = (await connection.execute(text("SELECT active_at FROM participants"))).scalars()
        [verdict] = (await connection.execute(text("SELECT verdict FROM scans"))).scalars()
        [offered] = (await connection.execute(text("SELECT offered FROM rewards"))).scalars()
    await database.close()
    assert [tuple(lot) for lot in lots] == [(20, 0), (0, 20)]
    assert (active_at, offered, verdict) == (130, 10, "stale_code")
