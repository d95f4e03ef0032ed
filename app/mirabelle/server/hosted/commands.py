"""What operators do to a ledger from the command line: keep it safe."""

import asyncio
from datetime import datetime
from pathlib import Path

from mirabelle.server.hosting import open_store
from mirabelle.server.services.backup import Contents, write_backup
from mirabelle.server.services.backup_file import BackupUnusable
from mirabelle.server.services.restore import restore as restore_backup
from mirabelle.server.storage.database import url_of_directory


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
    return f"{file}: {held.rows} rows, {keys}"


def restore(data: Path, database_url: str, file: Path, now: datetime, *, replace: bool) -> tuple[str, bool]:
    """Bring a backup back; tells what was restored, and whether the audit passed."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = database_url or url_of_directory(data)
    done = asyncio.run(restore_backup(file, url, data / "secrets", now, replace=replace))
    passed = "the audit passes" if done.audit.passed else "the audit FAILS, see 'mirabelle audit'"
    kept = f"; what was there is now {done.replaced}" if done.replaced else ""
    made_at = done.contents.made_at.isoformat(timespec="seconds")
    return f"{file}: {done.contents.rows} rows of {made_at} restored, {passed}{kept}", done.audit.passed
