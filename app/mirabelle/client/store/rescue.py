"""Saves from a damaged file what cannot be fetched anew, and vouchers, which must work with no network.

A row that was sealed proves by opening that it is whole and which table it is of. Rows of the catalog, the activity and
the like come back from the server.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from mirabelle.client.store.pages import Pages, Value
from mirabelle.client.store.seal import MARK, Seal, looks_sealed

# The column that a row is found by, and what of it is sealed under which name.
_RESCUED: Final = {
    "outbox": ("key", {"subject": "outbox subject", "body": "outbox"}),
    "offline_scans": ("key", {"frame": "offline_scans frame", "nonce": "offline_scans nonce"}),
    "drafts": ("reward", {"details": "drafts"}),
    "redemptions": ("id", {"body": "redemptions"}),
    "scans": ("id", {"body": "scans"}),
    "documents": ("name", {"body": "documents"}),
}
# What they looked like when nothing was sealed yet.
_PLAIN: Final[dict[str, Callable[[list[Value]], bool]]] = {
    "outbox": lambda row: len(row) == 7 and row[1] in ("redemption", "transfer", "gift") and _is_moment(row[6]),
    "offline_scans": lambda row: len(row) == 14 and str(row[7]).startswith("MV1:") and _is_moment(row[9]),
    "redemptions": lambda row: len(row) == 4 and _is_moment(row[1]) and _is_json(row[3]),
    "scans": lambda row: len(row) == 3 and _is_moment(row[1]) and _is_json(row[2]),
}
# Of these each row must open. The others are read only when they are shown, or come anew with the next sync.
_CHECKED: Final = ("outbox", "offline_scans", "drafts", "redemptions")
_LOOKED_UP: Final = (*_CHECKED, "documents", "uses")
_EPOCH: Final = "1970-01-01T00:00:00+00:00"


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether all that cannot be fetched anew is there, its indexes match, and it opens."""
    for table in _LOOKED_UP:
        if connection.execute(f"PRAGMA integrity_check({table})").fetchone()[0] != "ok":
            return False
    for table in _CHECKED:
        key, sealed = _RESCUED[table]
        closed = " OR ".join(f"opened('{name}', {key}, {column}) IS NULL" for column, name in sealed.items())
        if connection.execute(f"SELECT 1 FROM {table} WHERE {closed} LIMIT 1").fetchone():
            return False
    return True


class _SeenScan(msgspec.Struct, frozen=True):
    """What of a till's scan says that a use of a voucher is taken."""

    id: str
    at: str
    verdict: str
    voucher: str | None = None
    use: int | None = None
    undone_at: str | None = None


def rescue(pages: Pages, seal: Seal, connection: sqlite3.Connection) -> tuple[int, int]:
    """Put what is readable in `pages` into the empty tables of `connection`, in the caller's transaction.

    Answers how many rows were saved, and how many there were that seem sealed with another key.
    """
    columns = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in _RESCUED}
    saved = strange = 0
    is_sealed = pages.hold(MARK)
    for row in pages.rows(MARK if is_sealed else b""):
        table = _table_of(row, columns, seal) if is_sealed else _sealed_now(row, columns, seal)
        if table is None:
            strange += any(looks_sealed(value) for value in row)
            continue
        values = {name: _mended(name, value) for name, value in zip(columns[table], row, strict=False)}
        places = ", ".join("?" for _ in values)
        statement = f"INSERT OR IGNORE INTO {table} ({', '.join(values)}) VALUES ({places})"
        saved += connection.execute(statement, tuple(values.values())).rowcount
    for use in _uses(connection):
        connection.execute("INSERT OR IGNORE INTO uses (voucher, use, scan, at) VALUES (?, ?, ?, ?)", use)
    return saved, strange


def _sealed_now(row: list[Value], columns: dict[str, list[str]], seal: Seal) -> str | None:
    """The table of a row that was never sealed, told by what it looks like; now it is sealed."""
    table = next((table for table, looks in _PLAIN.items() if looks(row)), None)
    if table is not None:
        key, sealed = _RESCUED[table]
        for column, name in sealed.items():
            at = columns[table].index(column)
            row[at] = seal.sealed(name, str(row[columns[table].index(key)]), row[at])
    return table


def _mended(column: str, value: Value) -> Value:
    """What is not sealed may be spoiled, or older than what was written last: nothing is surely not sent any more."""
    if column == "state":
        return value if value in ("refused", "seen") else "unknown"
    return _EPOCH if column in ("created_at", "at") and not _is_moment(value) else value


def _is_moment(value: Value) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _is_json(value: Value) -> bool:
    return isinstance(value, bytes) and value.startswith(b"{") and value.endswith(b"}")


def _table_of(row: list[Value], columns: dict[str, list[str]], seal: Seal) -> str | None:
    for table, (key, sealed) in _RESCUED.items():
        names = columns[table]
        if len(row) > len(names):
            continue
        values = dict(zip(names, row, strict=False))
        if all(
            looks_sealed(values.get(column)) and seal.opened(name, str(values[key]), values[column]) is not None
            for column, name in sealed.items()
        ):
            return table
    return None


def _uses(connection: sqlite3.Connection) -> Iterator[tuple[bytes, int, str, str]]:
    """Which uses this till has accepted, as its scans tell."""
    yield from connection.execute("SELECT voucher, use, scan, at FROM offline_scans WHERE undone_at IS NULL").fetchall()
    for (body,) in connection.execute("SELECT opened('scans', id, body) FROM scans").fetchall():
        scan = msgspec.json.decode(body, type=_SeenScan)
        if scan.verdict == "accepted" and scan.voucher and scan.use is not None and scan.undone_at is None:
            yield bytes.fromhex(scan.voucher), scan.use, scan.id, scan.at
