"""What operators do to a ledger from the command line: keep it safe, close its days, give back and extend points."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from mirabelle.server.hosting import open_store
from mirabelle.server.ledger.queue import Ledger
from mirabelle.server.services.backup import Contents, write_backup
from mirabelle.server.services.backup_file import BackupUnusable
from mirabelle.server.services.closing import close_days, end_holds, lapse_holds
from mirabelle.server.services.extending import extend_points, preview_extension
from mirabelle.server.services.programme import loaded_programme, world_of
from mirabelle.server.services.programme_file import ProgrammeUnusable
from mirabelle.server.services.restore import SecretsPlace
from mirabelle.server.services.restore import restore as restore_backup
from mirabelle.server.services.reversing import reverse as reverse_redemption
from mirabelle.server.services.sealing import MasterKey
from mirabelle.server.services.secrets_file import are_sealed
from mirabelle.server.storage.database import url_of_directory

T = TypeVar("T")


def _with_ledger(data: Path, database_url: str, now: datetime, work: Callable[[Ledger], Awaitable[T]]) -> T:
    """What `work` makes of the ledger; raises ProgrammeUnusable where no programme is loaded."""

    async def run() -> T:
        database = await open_store(data, database_url, None, now)
        try:
            async with database.read() as connection:
                loaded = await loaded_programme(connection)
            if not loaded.version:
                raise ProgrammeUnusable("no programme is loaded: give one to 'mirabelle serve' or 'mirabelle import'")
            return await work(Ledger(database, world_of(loaded)))
        finally:
            await database.close()

    return asyncio.run(run())


def close(data: Path, database_url: str, now: datetime) -> str:
    """Close the days that have ended and let abandoned holds lapse; tells what that did, a line a day."""

    async def work(ledger: Ledger) -> str:
        await end_holds(ledger.database, ledger.world, now)
        lapsed = await lapse_holds(ledger.database, ledger.world, now)
        days = await close_days(ledger.database, ledger.world, now)
        told = [
            f"{one.day}: {one.participants} participants, {one.arrived} points arrived, {one.expired} expired,"
            f" {one.tiers_changed} tiers changed"
            for one in days
        ]
        return "\n".join([*told, f"{len(days)} days closed, {lapsed} holds lapsed"])

    return _with_ledger(data, database_url, now, work)


def extend(data: Path, database_url: str, now: datetime, *, preview: bool) -> str:
    """Extend what the programme's rule rescues, or only tell what that would be."""

    async def work(ledger: Ledger) -> str:
        if ledger.world.rules.extension is None:
            raise ProgrammeUnusable("the programme has no [extension]")
        act = preview_extension if preview else extend_points
        rescue = await act(ledger.database, ledger.world, now)
        verb = "would be extended" if preview else "extended"
        return f"{rescue.points} points in {rescue.lots} lots of {rescue.participants} participants {verb}"

    return _with_ledger(data, database_url, now, work)


def reverse(data: Path, database_url: str, redemption: str, points: int | None, reversal: str, now: datetime) -> str:
    """Give points of a redemption back; raises NotReversed."""

    async def work(ledger: Ledger) -> str:
        given = await reverse_redemption(ledger, redemption, points, reversal, now)
        return f"{redemption}: {given.points} points given back, {given.returned} in all, now {given.state}"

    return _with_ledger(data, database_url, now, work)


def backup(data: Path, database_url: str, file: Path, now: datetime) -> str:
    """Write a backup into the new `file`, and tell what it holds; raises what keeps it from being written."""
    if file.exists():
        raise BackupUnusable(f"{file} is there already")
    if not database_url and not data.is_dir():
        raise BackupUnusable(f"there is no data directory {data}")
    secrets = data / "secrets"

    async def write() -> Contents:
        database = await open_store(data, database_url, None, now)
        try:
            return await write_backup(database, secrets, file, now)
        finally:
            await database.close()

    held = asyncio.run(write())
    keys = "with the keys that sign vouchers: keep it to yourself" if held.keys else f"without keys: {secrets} has none"
    if held.keys and are_sealed(secrets):
        keys = "with the keys that sign vouchers, sealed: without their master key, which is not in it, they are lost"
    return f"{file}: {held.rows} rows, {keys}"


def restore(
    data: Path, database_url: str, file: Path, now: datetime, master: MasterKey | None, *, replace: bool
) -> tuple[str, bool]:
    """Bring a backup back, its keys sealed where there is a master key; tells what was restored, and whether the
    audit passed."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = database_url or url_of_directory(data)
    done = asyncio.run(restore_backup(file, url, SecretsPlace(data / "secrets", master), now, replace=replace))
    passed = "the audit passes" if done.audit.passed else "the audit FAILS, see 'mirabelle audit'"
    kept = f"; what was there is now {done.replaced}" if done.replaced else ""
    again = f"; {len(done.left_again)} who had deleted their accounts since are erased again" if done.left_again else ""
    made_at = done.contents.made_at.isoformat(timespec="seconds")
    return f"{file}: {done.contents.rows} rows of {made_at} restored, {passed}{kept}{again}", done.audit.passed
