"""What this till accepted without network: kept until the programme has it, or staff have seen that it did not."""

import sqlite3
from collections.abc import Container, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from mirabelle.client.repositories.outbox import COUNTED
from mirabelle.client.store.database import Store, put_document

if TYPE_CHECKING:
    from mirabelle.rules.trust import Cap

_SIGNED_OUT: Final = "signed out"

ScanState = Literal["waiting", "unknown", "refused", "seen"]

_COLUMNS: Final = (
    "key, scan, voucher, use, value_class, value_minor, at, lost_keys, undone_at, state, reason,"
    " CAST(opened('offline_scans frame', key, frame) AS TEXT) AS frame,"
    " CAST(opened('offline_scans nonce', key, nonce) AS TEXT) AS nonce"
)


class OfflineScan(msgspec.Struct, frozen=True):
    """A scan under its key. `waiting`: surely not sent; `unknown`: no answer; `refused`: still to be seen; `seen`.

    `lost_keys` are those of the typed codes that had no answer when it was accepted: one may be this very voucher's.
    """

    key: str
    scan: str
    voucher: bytes
    use: int
    value_class: int
    value_minor: int | None
    frame: str
    nonce: str
    at: datetime
    lost_keys: tuple[str, ...] = ()
    undone_at: datetime | None = None
    state: ScanState = "waiting"
    reason: str = ""


class OfflineScans:
    """Add, claim, settle, refuse; and what follows from them for the next scan: caps and uses."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, *states: ScanState) -> Sequence[OfflineScan]:
        """The scans in one of `states`, in the order in which they were accepted."""
        marks = ", ".join("?" for _ in states)
        query = f"SELECT {_COLUMNS} FROM offline_scans WHERE state IN ({marks}) ORDER BY number"
        return [_scan(row) for row in self._store.read.execute(query, states)]

    def unsent(self) -> Sequence[OfflineScan]:
        """The scans that the programme has given no receipt for."""
        return self.list("waiting", "unknown")

    def kept(self) -> int:
        """How many the programme does not have yet, or did not take and nobody has seen."""
        return int(self._store.read.execute("SELECT COUNT(*) FROM offline_scans WHERE state != 'seen'").fetchone()[0])

    @property
    def is_open(self) -> bool:
        """Whether anything may still be accepted into this file: not once some window has begun to sign out."""
        row = self._store.read.execute("SELECT 1 FROM documents WHERE name = ?", (_SIGNED_OUT,)).fetchone()
        return row is None

    def shut(self) -> int:
        """Let no window accept anything into this file any more, unless it keeps scans: then how many it keeps."""
        with self._store.write("trust") as connection:
            kept = self.kept()
            if not kept:
                put_document(connection, _SIGNED_OUT, True)
                connection.execute("DELETE FROM documents WHERE name = 'trust'")
        return kept

    def reopen(self) -> None:
        """Somebody is signed in with this file, so that whoever began to sign out came back or never got far."""
        if not self.is_open:
            with self._store.write("trust") as connection:
                connection.execute("DELETE FROM documents WHERE name = ?", (_SIGNED_OUT,))

    def of(self, scan: str) -> OfflineScan | None:
        """The scan with the id `scan`, if it was accepted without network and is still here."""
        row = self._store.read.execute(f"SELECT {_COLUMNS} FROM offline_scans WHERE scan = ?", (scan,)).fetchone()
        return _scan(row) if row else None

    def taken(self) -> "dict[int, Cap]":
        """What counts against the caps: all that the programme does not know of yet, by value class."""
        from mirabelle.rules.trust import Cap

        rows = self._store.read.execute(
            "SELECT value_class, COUNT(*), SUM(COALESCE(value_minor, 0)) FROM offline_scans"
            " WHERE state IN ('waiting', 'unknown') AND undone_at IS NULL GROUP BY value_class"
        )
        return {row[0]: Cap(row[1], row[2]) for row in rows}

    @staticmethod
    def add(connection: sqlite3.Connection, scan: OfflineScan) -> None:
        """Write down an accepted scan and its use, in the caller's transaction; raises where the use is taken."""
        connection.execute(
            "INSERT INTO offline_scans (key, scan, voucher, use, value_class, value_minor, frame, nonce, at, lost_keys,"
            " state, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, sealed('offline_scans frame', ?1, ?7),"
            " sealed('offline_scans nonce', ?1, ?8), ?9, ?10, 'waiting', '')",
            (
                scan.key, scan.scan, scan.voucher, scan.use, scan.value_class, scan.value_minor, scan.frame, scan.nonce,
                scan.at.isoformat(), " ".join(scan.lost_keys),
            ),
        )  # fmt: skip
        connection.execute(
            "INSERT INTO uses (voucher, use, scan, at) VALUES (?, ?, ?, ?)",
            (scan.voucher, scan.use, scan.scan, scan.at.isoformat()),
        )

    def claim(self, key: str) -> OfflineScan | None:
        """The scan, for a window that sends it; None if it is gone or refused. Now the programme may have it."""
        with self._store.write("offline_scans") as connection:
            connection.execute(
                f"UPDATE offline_scans SET state = 'unknown', unproved = {COUNTED} + 1"
                " WHERE key = ? AND state IN ('waiting', 'unknown')",
                (key,),
            )
        row = self._store.read.execute(f"SELECT {_COLUMNS} FROM offline_scans WHERE key = ?", (key,)).fetchone()
        return _scan(row) if row and row["state"] == "unknown" else None

    def put_back(self, key: str) -> None:
        """A window proves that it did not send the scan, which then waits, unless another one may have sent it."""
        with self._store.write("offline_scans") as connection:
            connection.execute(
                "UPDATE offline_scans SET unproved = unproved - 1, state = iif(unproved > 1, state, 'waiting')"
                " WHERE key = ? AND state = 'unknown'",
                (key,),
            )

    @staticmethod
    def settle(connection: sqlite3.Connection, key: str) -> None:
        """The programme has the scan, in the caller's transaction."""
        connection.execute("DELETE FROM offline_scans WHERE key = ?", (key,))

    def refuse(self, key: str, reason: str) -> None:
        """The programme does not take the scan: staff have to see that."""
        with self._store.write("offline_scans", "scans") as connection:
            connection.execute("UPDATE offline_scans SET state = 'refused', reason = ? WHERE key = ?", (reason, key))

    def see(self, key: str) -> None:
        """Staff have seen that the scan was refused."""
        with self._store.write("offline_scans", "scans") as connection:
            connection.execute("UPDATE offline_scans SET state = 'seen' WHERE key = ? AND state = 'refused'", (key,))

    @staticmethod
    def undo(connection: sqlite3.Connection, scan: OfflineScan, at: datetime) -> bool:
        """Take back a scan that was never sent, in the caller's transaction; False where it may have been sent."""
        done = connection.execute(
            "UPDATE offline_scans SET undone_at = ? WHERE key = ? AND state = 'waiting' AND undone_at IS NULL",
            (at.isoformat(), scan.key),
        )
        if done.rowcount == 1:
            forget_use(connection, scan.scan)
        return done.rowcount == 1


def note_use(connection: sqlite3.Connection, voucher: bytes, use: int, scan: str, at: datetime) -> bool:
    """Note which scan used a voucher, as the programme said, in the caller's transaction.

    False where this till has accepted that use already, by another scan.
    """
    connection.execute(
        "INSERT OR IGNORE INTO uses (voucher, use, scan, at) VALUES (?, ?, ?, ?)", (voucher, use, scan, at.isoformat())
    )
    noted = connection.execute("SELECT scan FROM uses WHERE voucher = ? AND use = ?", (voucher, use)).fetchone()
    return noted is not None and noted[0] == scan


def rename_use(connection: sqlite3.Connection, scan: str, known_as: str) -> None:
    """The programme knows the scan by another name, in the caller's transaction."""
    connection.execute("UPDATE uses SET scan = ? WHERE scan = ?", (known_as, scan))


def forget_use(connection: sqlite3.Connection, scan: str) -> None:
    """The scan was undone, in the caller's transaction."""
    connection.execute("DELETE FROM uses WHERE scan = ?", (scan,))


class Uses(Container[tuple[bytes, int]]):
    """The uses that this till itself has accepted, with or without network."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __contains__(self, use: object) -> bool:
        return isinstance(use, tuple) and self.at(*use) is not None

    def at(self, voucher: bytes, use: int) -> datetime | None:
        """When this till accepted it."""
        row = self._row(voucher, use)
        return datetime.fromisoformat(row["at"]) if row else None

    def scan_of(self, voucher: bytes, use: int) -> str | None:
        """By which scan this till accepted it."""
        row = self._row(voucher, use)
        return row["scan"] if row else None

    def _row(self, voucher: bytes, use: int) -> sqlite3.Row | None:
        query = "SELECT scan, at FROM uses WHERE voucher = ? AND use = ?"
        row: sqlite3.Row | None = self._store.read.execute(query, (voucher, use)).fetchone()
        return row


def _scan(row: sqlite3.Row) -> OfflineScan:
    return OfflineScan(
        key=row["key"],
        scan=row["scan"],
        voucher=row["voucher"],
        use=row["use"],
        value_class=row["value_class"],
        value_minor=row["value_minor"],
        frame=row["frame"],
        nonce=row["nonce"],
        at=datetime.fromisoformat(row["at"]),
        lost_keys=tuple(row["lost_keys"].split()),
        undone_at=datetime.fromisoformat(row["undone_at"]) if row["undone_at"] else None,
        state=row["state"],
        reason=row["reason"],
    )
