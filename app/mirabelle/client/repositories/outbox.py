"""The outbox: what was asked for and is not settled yet. An entry leaves only when the server has answered it."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from mirabelle.client.store.database import Store, decoded
from mirabelle.contract import messages as m
from mirabelle.contract import till_messages as tm

Kind = Literal["redemption", "scan", "transfer", "gift", "amount"]
EntryState = Literal["waiting", "unknown", "refused"]

_DECODERS: Final[dict[Kind, msgspec.json.Decoder[Any]]] = {
    "redemption": msgspec.json.Decoder(m.RedemptionRequest),
    "scan": msgspec.json.Decoder(tm.ScanRequest),
    "transfer": msgspec.json.Decoder(m.TransferRequest),
    "gift": msgspec.json.Decoder(m.GiftRequest),
    "amount": msgspec.json.Decoder(tm.HoldRequest),
}
_COLUMNS: Final = (
    "key, kind, CAST(opened('outbox subject', key, subject) AS TEXT) AS subject, opened('outbox', key, body) AS body,"
    " state, reason, created_at"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A request under its key. `waiting`: surely not sent; `unknown`: no answer; `refused`: still to be seen."""

    key: str
    kind: Kind
    subject: str
    body: bytes
    state: EntryState
    reason: str | None
    created_at: datetime


class Outbox:
    """Add, claim, settle: the three things that can happen to an entry, each in a transaction with its effect."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, kind: Kind | None = None) -> list[Entry]:
        """The entries, oldest first, but for those that this version of the app cannot read."""
        rows = self._store.read.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE ?1 IS NULL OR kind = ?1 ORDER BY created_at", (kind,)
        )
        return [entry for row in rows if _is_readable(entry := _entry(row))]

    @property
    def strange(self) -> int:
        """How many entries another version of the app wrote, which this one cannot read: they stay as they are."""
        rows = self._store.read.execute(f"SELECT {_COLUMNS} FROM outbox")
        return sum(not _is_readable(_entry(row)) for row in rows)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, readable or not."""
        return self._store.read.execute("SELECT 1 FROM outbox LIMIT 1").fetchone() is None

    def get(self, key: str) -> Entry | None:
        """The entry under `key`."""
        row = self._store.read.execute(f"SELECT {_COLUMNS} FROM outbox WHERE key = ?", (key,)).fetchone()
        return _entry(row) if row else None

    def add(self, key: str, kind: Kind, subject: str, body: bytes, at: datetime) -> Entry:
        """Write down a request before it is sent; one that is there already stays as it is."""
        with self._store.write("outbox") as connection:
            connection.execute(
                "INSERT OR IGNORE INTO outbox (key, kind, subject, body, state, created_at)"
                " VALUES (?1, ?2, sealed('outbox subject', ?1, ?3), sealed('outbox', ?1, ?4), 'waiting', ?5)",
                (key, kind, subject, body, at.isoformat()),
            )
        entry = self.get(key)
        assert entry is not None
        return entry

    def claim(self, key: str) -> Entry | None:
        """The entry as it was before this call, or None if it was discarded or refused meanwhile.

        From here on its request may have been carried out, until an answer or a failed connection says otherwise.
        """
        entry = self.get(key)
        if entry is None or entry.state == "refused":
            return None
        with self._store.write("outbox") as connection:
            connection.execute("UPDATE outbox SET state = 'unknown' WHERE key = ?", (key,))
        return entry

    def put_back(self, key: str) -> None:
        """The request was surely not sent."""
        with self._store.write("outbox") as connection:
            connection.execute("UPDATE outbox SET state = 'waiting' WHERE key = ?", (key,))

    def refuse(self, key: str, reason: str) -> None:
        """The server refused it while nobody was looking: it stays to be seen."""
        with self._store.write("outbox") as connection:
            connection.execute("UPDATE outbox SET state = 'refused', reason = ? WHERE key = ?", (reason, key))

    @staticmethod
    def settle(connection: sqlite3.Connection, key: str) -> None:
        """The server answered and the person saw it: the entry leaves, in the caller's transaction."""
        connection.execute("DELETE FROM outbox WHERE key = ?", (key,))


def _is_readable(entry: Entry) -> bool:
    return decoded(_DECODERS[entry.kind], entry.body) is not None


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        key=row["key"],
        kind=row["kind"],
        subject=row["subject"],
        body=row["body"],
        state=row["state"],
        reason=row["reason"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )
