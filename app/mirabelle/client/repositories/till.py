"""The till and its scans."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.store.database import Store, decoded, put_document
from mirabelle.contract import till_messages as tm
from mirabelle.rules.voucher_code import VoucherCode

_KNOWN: Final = frozenset(code.value for code in VoucherCode)
TILL_NAME: Final = "till name"
SHOWN: Final = 300  # as many rows as a screen can draw

_DECODER: Final = msgspec.json.Decoder(tm.Scan)
_BODY: Final = "opened('scans', id, body)"


class TillName(msgspec.Struct, frozen=True):
    """What of a till can be told wherever somebody signs in on this device."""

    id: str
    name: str


class Till:
    """Reads the till from the store and keeps it fresh."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api

    def current(self) -> tm.Till | None:
        """The till as last seen."""
        return self._store.document("till", tm.Till)

    async def refresh(self) -> Refusal | None:
        """Fetch the till; raises NoAnswer."""
        from mirabelle.contract import endpoints as e

        answer = await self._api.call(e.TILL)
        if isinstance(answer, Refusal):
            return answer
        with self._store.write("till") as connection:
            put_document(connection, "till", answer)
            put_document(connection, TILL_NAME, TillName(answer.id, answer.name))
        return None


def known_verdict(verdict: str) -> str:
    """The verdict; a server newer than this till may have codes without words here: refused they are all the same."""
    return verdict if verdict in _KNOWN else VoucherCode.UNSUPPORTED_VERSION.value


def keep_scan(connection: sqlite3.Connection, scan: tm.Scan) -> None:
    """Write a scan, in the caller's transaction."""
    row = (scan.id, scan.at.astimezone(UTC).isoformat(), msgspec.json.encode(scan))
    connection.execute("INSERT OR REPLACE INTO scans (id, at, body) VALUES (?1, ?2, sealed('scans', ?1, ?3))", row)


def rename_scan(connection: sqlite3.Connection, scan: str, news: tm.Scan) -> None:
    """The programme knows the scan by another name, in the caller's transaction."""
    connection.execute("DELETE FROM scans WHERE id = ?", (scan,))
    keep_scan(connection, news)


class Scans:
    """Reads this till's scans from the store and keeps them fresh."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api
        self._strange: set[tuple[str, str]] = set()

    def _known(self, rows: Iterable[sqlite3.Row]) -> list[tm.Scan]:
        """The scans of these rows, but for what another version of the app wrote: that stays, and is counted."""
        known = {(self._store.path, row[1]): decoded(_DECODER, row[0]) for row in rows}
        self._strange = self._strange - known.keys() | {row for row, scan in known.items() if scan is None}
        return [scan for scan in known.values() if scan is not None]

    def list(self) -> list[tm.Scan]:
        """The newest scans, newest first."""
        rows = self._store.read.execute(f"SELECT {_BODY}, id FROM scans ORDER BY at DESC, id LIMIT ?", (SHOWN,))
        return self._known(rows)

    def between(self, begin: datetime, end: datetime) -> Sequence[tm.Scan]:
        """The scans from `begin` until before `end`, oldest first."""
        query = f"SELECT {_BODY}, id FROM scans WHERE at >= ? AND at < ? ORDER BY at, id"
        moments = (begin.astimezone(UTC).isoformat(), end.astimezone(UTC).isoformat())
        return self._known(self._store.read.execute(query, moments))

    @property
    def strange(self) -> int:
        """How many scans were met that this version of the app cannot read."""
        return sum(path == self._store.path for path, _ in self._strange)

    def get(self, id_: str) -> tm.Scan | None:
        """The scan with this id."""
        row = self._store.read.execute(f"SELECT {_BODY} FROM scans WHERE id = ?", (id_,)).fetchone()
        return decoded(_DECODER, row[0]) if row else None

    async def refresh(self) -> Refusal | None:
        """Fetch the scans; raises NoAnswer. What became of one since, such as a conflict, is told by the newest."""
        from mirabelle.contract import endpoints as e

        answer = await self._api.call(e.SCANS)
        if isinstance(answer, Refusal):
            return answer
        unsent = {row[0] for row in self._store.read.execute("SELECT scan FROM offline_scans")}
        news = [scan for scan in answer.scans if scan.id not in unsent and self.get(scan.id) != scan]
        if news:
            with self._store.write("scans") as connection:
                for scan in news:
                    keep_scan(connection, scan)
        return None
