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
# What they looked like when nothing was sealed yet. A till's document is for its name.
_PLAIN: Final[dict[str, Callable[[list[Value]], bool]]] = {
    "outbox": lambda row: len(row) == 7 and row[1] in ("redemption", "scan", "transfer", "gift") and _is_moment(row[6]),
    "offline_scans": lambda row: len(row) in (13, 14) and str(row[7]).startswith("MV1:") and _is_moment(row[9]),
    "redemptions": lambda row: len(row) == 4 and _is_moment(row[1]) and _is_json(row[3]),
    "scans": lambda row: len(row) == 3 and _is_moment(row[1]) and _is_json(row[2]),
    "drafts": lambda row: len(row) == 3 and isinstance(row[1], str) and _is_json(row[2]),
    "documents": lambda row: len(row) == 2 and row[0] == "till" and _is_json(row[1]),
}
_SCANS_BEFORE: Final = 13  # columns, of which the eleventh told whether a scan was undone
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
    """Put what is readable in `pages` into `connection`, in the caller's transaction; rows that are there stay.

    Answers how many rows were saved, and how many there were that seem sealed with another key. What a page held before
    is read only where it cannot be read as it is now: what was settled since then would come back.
    """
    columns = {table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")] for table in _RESCUED}
    saved = strange = 0
    is_sealed, read = pages.hold(MARK), set[int]()
    for number, rows, is_sound in pages.newest_first(MARK if is_sealed else b""):
        if number in read:
            continue
        strange_here = 0
        for row in rows:
            table = _table_of(row, columns, seal) if is_sealed else _sealed_now(row, columns, seal)
            if table is None:
                strange_here += _looks_strange(row, seal)
                continue
            values = {name: _mended(name, value) for name, value in zip(columns[table], row, strict=False)}
            places = ", ".join("?" for _ in values)
            statement = f"INSERT OR IGNORE INTO {table} ({', '.join(values)}) VALUES ({places})"
            saved += connection.execute(statement, tuple(values.values())).rowcount
        strange += strange_here
        if is_sound and not strange_here:
            read.add(number)
    _go_with(connection)
    return saved, strange


def _looks_strange(row: list[Value], seal: Seal) -> bool:
    """Whether a row of no table that is saved is sealed, and not with this key."""
    sealed = [value for value in row if looks_sealed(value)]
    ours = (("seal", 1), ("activity", str(row[0]))) if sealed else ()
    return any(all(seal.opened(name, key, value) is None for name, key in ours) for value in sealed)


def _go_with(connection: sqlite3.Connection) -> None:
    """Write what follows from the saved rows.

    A saved draft may be older than its redemption: only what is in the outbox goes on under its old key. Nobody could
    tell whose scans wait here without the till's name.
    """
    connection.execute("UPDATE drafts SET key = lower(hex(randomblob(16))) WHERE key NOT IN (SELECT key FROM outbox)")
    connection.execute(
        "INSERT OR IGNORE INTO documents (name, body)"
        " SELECT 'till name', json_object('id', json_extract(body, '$.id'), 'name', json_extract(body, '$.name')) FROM"
        " (SELECT CAST(opened('documents', name, body) AS TEXT) AS body FROM documents WHERE name = 'till')"
        " WHERE json_valid(body)"
    )
    for use in _uses(connection):
        connection.execute("INSERT OR IGNORE INTO uses (voucher, use, scan, at) VALUES (?, ?, ?, ?)", use)


def _sealed_now(row: list[Value], columns: dict[str, list[str]], seal: Seal) -> str | None:
    """The table of a row that was never sealed, told by what it looks like; now it is sealed, and of today's shape."""
    table = next((table for table, looks in _PLAIN.items() if looks(row)), None)
    if table is None:
        return None
    if table == "offline_scans" and len(row) == _SCANS_BEFORE:
        was_undone = row.pop(10)
        row += [row[9] if was_undone else None, ""]
    if table == "drafts":
        row[0] = seal.hidden("drafts", str(row[0]))
    key, sealed = _RESCUED[table]
    for column, name in sealed.items():
        at = columns[table].index(column)
        row[at] = seal.sealed(name, str(row[columns[table].index(key)]), row[at])
    return table


def _mended(column: str, value: Value) -> Value:
    """What is not sealed may be spoiled, or older than what was written last: nothing is surely not sent any more."""
    if column == "state":
        return value if value in ("refused", "seen") else "unknown"
    if column == "unproved":
        return 0
    if column == "asked_since":
        return value if _is_moment(value) else None
    return _EPOCH if column in ("created_at", "at") and not _is_moment(value) else value


def _is_moment(value: Value) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False


def _is_json(value: Value) -> bool:
    text = value.encode() if isinstance(value, str) else value
    return isinstance(text, bytes) and text.startswith(b"{") and text.endswith(b"}")


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
