"""Stores as earlier versions of the app left them, as they lie on the disk when an app was killed, and full ones."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from mirabelle.client.repositories.offline_scans import OfflineScan, OfflineScans
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.till import TILL_NAME, TillName
from mirabelle.client.store import migrations
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.store.opening import SUFFIXES
from mirabelle.client.store.seal import Seal
from tests.client.devices import TRANSFER

KEY: Final = b"k" * 32
AT: Final = "2026-01-01T00:00:00+00:00"
_SCANS, _UNDONE_AT = 3, 5  # the steps that brought scans without network, and the moment when one was undone


def killed(file: Path, elsewhere: Path) -> Path:
    """The file as it is on the disk now, as if its app had been killed: with its log."""
    elsewhere.mkdir(exist_ok=True)
    for suffix in SUFFIXES[:2]:
        shutil.copy(f"{file}{suffix}", f"{elsewhere / file.name}{suffix}")
    return elsewhere / file.name


def left_at(step: int, folder: Path) -> Path:
    """A file of an older version, killed with a request, a draft and, where it knew such, a scan in its log."""
    file, seal = folder / "old.sqlite", Seal(KEY)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        seal.give_to(connection)
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in ";\n".join(migrations._STEPS[:step]).split(";\n"):
            connection.execute(statement)
        if step >= migrations.FIRST_SEALED:
            connection.execute(migrations._PROVE)
        connection.execute(f"PRAGMA user_version = {step}")
        _fill(connection, step, seal if step >= migrations.FIRST_SEALED else Seal(None))
        return killed(file, folder / "killed")


def _fill(connection: sqlite3.Connection, step: int, seal: Seal) -> None:
    request = (seal.sealed("outbox subject", "k", "coffee"), seal.sealed("outbox", "k", b'{"reward":"coffee"}'), AT)
    connection.execute(
        "INSERT INTO outbox (key, kind, state, subject, body, created_at)"
        " VALUES ('k', 'redemption', 'waiting', ?, ?, ?)",
        request,
    )
    reward = seal.hidden("drafts", "coffee")
    details = seal.sealed("drafts", reward, b'{"recipient":"Lina"}')
    connection.execute("INSERT INTO drafts VALUES (?, 'k', ?)", (reward, details))
    if step >= _SCANS:
        undone = "undone_at" if step >= _UNDONE_AT else "undone"
        scan = (
            seal.sealed("offline_scans frame", "s", "MV1:A"), seal.sealed("offline_scans nonce", "s", ""), AT,
            None if step >= _UNDONE_AT else 0,
        )  # fmt: skip
        connection.execute(
            f"INSERT INTO offline_scans (key, scan, voucher, use, value_class, frame, nonce, at, {undone}, state,"
            " reason) VALUES ('s', 's-1', x'00', 1, 0, ?, ?, ?, ?, 'waiting', '')",
            scan,
        )
        connection.execute("INSERT INTO uses VALUES (x'00', 1, 's-1', ?)", (AT,))


def filled(path: Path, scans: int = 0) -> Store:
    """A store with a transfer in its outbox, and so many scans of a till."""
    store = Store(str(path), KEY)
    Outbox(store).add("k", "transfer", "friend@example.org", TRANSFER, datetime.fromisoformat(AT))
    for number in range(scans):
        with store.write() as connection:
            put_document(connection, "till", {"id": "t1", "name": "Till 1"})
            put_document(connection, TILL_NAME, TillName("t1", "Till 1"))
            OfflineScans.add(
                connection,
                OfflineScan(
                    key=f"s-{number:04}", scan=f"scan-{number}", voucher=bytes([number]) * 16, use=0, value_class=2,
                    value_minor=500, frame="MV1:" + "A" * 310, nonce="", at=datetime.fromisoformat(AT),
                ),
            )  # fmt: skip
    return store
