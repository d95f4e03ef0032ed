"""The outbox: what was asked for and is not settled yet. An entry leaves only when the server has answered it.

Several windows and processes may send one entry at once. Each that takes it up is counted until it has proved that its
own request was not sent; only an entry of which nobody is counted was surely not sent, and can be taken back.
"""

import sqlite3
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

import msgspec

from mirabelle.client.store.database import Store, decoded
from mirabelle.contract import messages as m

Kind = Literal["redemption", "scan", "transfer", "gift", "amount"]
EntryState = Literal["waiting", "unknown", "refused"]

_COLUMNS: Final = (
    "key, kind, CAST(opened('outbox subject', key, subject) AS TEXT) AS subject, opened('outbox', key, body) AS body,"
    " state, reason, created_at, asked_since"
)
# One that is unknown and counts nobody comes from an earlier version or out of a damaged file: somebody sent it.
COUNTED: Final = "CASE state WHEN 'unknown' THEN max(unproved, 1) ELSE 0 END"


class Entry(msgspec.Struct, frozen=True):
    """A request under its key. `waiting`: surely not sent; `unknown`: no answer; `refused`: still to be seen.

    `created_at` is by the device's clock. `since` is a moment before it was sent, by the server's clock as far as that
    was heard; None where it was surely not sent.
    """

    key: str
    kind: Kind
    subject: str
    body: bytes
    state: EntryState
    reason: str | None
    created_at: datetime
    since: datetime | None = None


class _Heard(msgspec.Struct):
    """Something that the server has answered, and when it did."""

    as_of: datetime


class Outbox:
    """Add, claim, settle: the three things that can happen to an entry, each in a transaction with its effect."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def entries(self, kind: Kind | None = None) -> list[Entry]:
        """The entries, oldest first, but for those that this version of the app cannot read."""
        rows = self._store.read.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE ?1 IS NULL OR kind = ?1 ORDER BY number, created_at", (kind,)
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
            self.write_down(connection, key, kind, subject, body, at)
        entry = self.get(key)
        assert entry is not None
        return entry

    @staticmethod
    def write_down(
        connection: sqlite3.Connection, key: str, kind: Kind, subject: str, body: bytes, at: datetime
    ) -> None:
        """`add`, in the caller's transaction."""
        connection.execute(
            "INSERT OR IGNORE INTO outbox (key, kind, subject, body, state, created_at, number)"
            " VALUES (?1, ?2, sealed('outbox subject', ?1, ?3), sealed('outbox', ?1, ?4), 'waiting', ?5,"
            " (SELECT COALESCE(MAX(number), 0) + 1 FROM outbox))",
            (key, kind, subject, body, at.isoformat()),
        )

    def claim(self, key: str) -> Entry | None:
        """The entry, for a sender who takes it up; None if it is settled, taken back or refused. Its `since` is about
        those who did before.

        From here on its request may have been carried out, until an answer comes or the sender puts it back.
        """
        with self._store.write("outbox") as connection:
            before, heard = self.get(key), self._store.document("wallet", _Heard)
            claimed = connection.execute(
                f"UPDATE outbox SET state = 'unknown', unproved = {COUNTED} + 1,"
                " asked_since = iif(state = 'waiting', ?, asked_since) WHERE key = ? AND state != 'refused'",
                (heard.as_of.isoformat() if heard else None, key),
            )
            entry = self.get(key)
            return msgspec.structs.replace(entry, since=before.since) if claimed.rowcount and before and entry else None

    def put_back(self, key: str) -> EntryState | None:
        """A sender who took the entry up proves that its request was not sent. How the entry stands now: `unknown` as
        long as another sender has not proved that, None where it is settled."""
        with self._store.write("outbox") as connection:
            connection.execute(
                "UPDATE outbox SET unproved = unproved - 1, state = iif(unproved > 1, state, 'waiting')"
                " WHERE key = ? AND state = 'unknown'",
                (key,),
            )
            entry = self.get(key)
        return entry.state if entry else None

    def drop(self, key: str) -> bool:
        """Take an entry back that was surely not sent, or whose refusal was seen; False where it is neither."""
        with self._store.write("outbox") as connection:
            return self.leave(connection, key)

    @staticmethod
    def leave(connection: sqlite3.Connection, key: str) -> bool:
        """`drop`, in the caller's transaction."""
        dropped = connection.execute("DELETE FROM outbox WHERE key = ? AND state IN ('waiting', 'refused')", (key,))
        return dropped.rowcount == 1

    def refuse(self, key: str, reason: str) -> None:
        """The server refused it while nobody was looking: it stays to be seen."""
        with self._store.write("outbox") as connection:
            connection.execute("UPDATE outbox SET state = 'refused', reason = ? WHERE key = ?", (reason, key))

    @staticmethod
    def settle(connection: sqlite3.Connection, key: str) -> None:
        """The server answered and the person saw it: the entry leaves, in the caller's transaction."""
        connection.execute("DELETE FROM outbox WHERE key = ?", (key,))


@cache
def _decoder(kind: Kind) -> msgspec.json.Decoder[Any]:
    """Reads the bodies of a kind; made when one is met, as mostly nothing waits."""
    from mirabelle.contract import till_messages as tm

    types: dict[Kind, type] = {
        "redemption": m.RedemptionRequest,
        "scan": tm.ScanRequest,
        "transfer": m.TransferRequest,
        "gift": m.GiftRequest,
        "amount": tm.HoldRequest,
    }
    return msgspec.json.Decoder(types[kind])


def _is_readable(entry: Entry) -> bool:
    return decoded(_decoder(entry.kind), entry.body) is not None


def _entry(row: sqlite3.Row) -> Entry:
    since = None if row["state"] == "waiting" else row["asked_since"] or row["created_at"]
    return Entry(
        key=row["key"],
        kind=row["kind"],
        subject=row["subject"],
        body=row["body"],
        state=row["state"],
        reason=row["reason"],
        created_at=datetime.fromisoformat(row["created_at"]),
        since=datetime.fromisoformat(since) if since is not None else None,
    )
