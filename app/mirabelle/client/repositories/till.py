"""The till and its scans."""

import sqlite3
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import endpoints as e
from mirabelle.contract import till_messages as tm

_DECODER: Final = msgspec.json.Decoder(tm.Scan)


class Till:
    """Reads the till from the store and keeps it fresh."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api

    def current(self) -> tm.Till | None:
        """The till as last seen."""
        return self._store.document("till", tm.Till)

    async def refresh(self) -> Refusal | None:
        """Fetch the till; raises NoAnswer."""
        answer = await self._api.call(e.TILL)
        if isinstance(answer, Refusal):
            return answer
        with self._store.write("till") as connection:
            put_document(connection, "till", answer)
        return None


def keep_scan(connection: sqlite3.Connection, scan: tm.Scan) -> None:
    """Write a scan, in the caller's transaction."""
    row = (scan.id, scan.at.isoformat(), msgspec.json.encode(scan))
    connection.execute("INSERT OR REPLACE INTO scans (id, at, body) VALUES (?, ?, ?)", row)


class Scans:
    """Reads this till's scans from the store and keeps them fresh."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api

    def list(self) -> list[tm.Scan]:
        """The scans, newest first."""
        return [
            _DECODER.decode(row[0]) for row in self._store.read.execute("SELECT body FROM scans ORDER BY at DESC, id")
        ]

    async def refresh(self) -> Refusal | None:
        """Fetch the scans; raises NoAnswer."""
        answer = await self._api.call(e.SCANS)
        if isinstance(answer, Refusal):
            return answer
        known = {scan.id for scan in self.list()}
        unseen = [scan for scan in answer.scans if scan.id not in known]
        if unseen:
            with self._store.write("scans") as connection:
                for scan in unseen:
                    keep_scan(connection, scan)
        return None
