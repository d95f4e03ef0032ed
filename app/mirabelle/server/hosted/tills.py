"""What operators do about tills from the command line."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract.limits import ENROLMENT_CODE_MINUTES
from mirabelle.server.hosting import open_store
from mirabelle.server.services import enrolment

T = TypeVar("T")


def within(data: Path, database_url: str, now: datetime, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """What `work` makes of the ledger in one transaction."""

    async def run() -> T:
        database = await open_store(data, database_url, None, now)
        try:
            return await database.attempt(work)
        finally:
            await database.close()

    return asyncio.run(run())


def enrol(data: Path, database_url: str, store: str, name: str, staff: str, now: datetime) -> list[str]:
    """Prepare a till; tells its code, how long it is good, and shows it as a QR code. Raises NoSuch."""
    if not name:
        raise enrolment.NoSuch("a new till needs a name: --name")
    code, until = within(data, database_url, now, lambda c: enrolment.prepare(c, store, name, staff, now))
    return _told(code, f"makes a device the till {name} of {store}", until)


def enrol_again(data: Path, database_url: str, till: str, now: datetime) -> list[str]:
    """Prepare a till that there is for a device anew; tells its code as `enrol` does. Raises NoSuch."""
    code, until = within(data, database_url, now, lambda c: enrolment.prepare_again(c, till, now))
    return _told(code, f"makes a device {till} again, and only that one", until)


def _told(code: str, does: str, until: datetime) -> list[str]:
    good = f"good once, for {ENROLMENT_CODE_MINUTES} minutes, until {until.isoformat(timespec='seconds')}"
    return [f"{code}  {does}; {good}", *drawn(code)]


def drawn(text: str) -> list[str]:
    """`text` as a QR code for a terminal, two rows of it a line."""
    import qrcode

    code = qrcode.QRCode(border=2)
    code.add_data(text)
    lines = io.StringIO()
    code.print_ascii(out=lines, invert=True)
    return lines.getvalue().splitlines()


def listed(data: Path, database_url: str, now: datetime) -> list[str]:
    """A line for each till, and for each that waits for its device."""
    found = within(data, database_url, now, lambda c: enrolment.tills(c, now))
    rows = [("ID", "STORE", "NAME", "STAFF", "STATE")]
    for till in found:
        until = f" until {till.until.isoformat(timespec='seconds')}" if till.until else ""
        rows.append((till.id, till.store, till.name, till.staff, till.state + until))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    ]


def revoke(data: Path, database_url: str, till: str, now: datetime) -> list[str]:
    """End a till; raises NoSuch."""
    within(data, database_url, now, lambda c: enrolment.revoke(c, till, now))
    return [f"{till} is revoked: it signs in no more, and what it had not sent yet is not taken"]
