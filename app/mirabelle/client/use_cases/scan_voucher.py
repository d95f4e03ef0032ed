"""Scanning a voucher: every way of reading one ends here, and one presentation has one key."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from mirabelle.client.api import Api, LostAnswer, NotSent, Refusal
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.till import keep_scan
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason


class ScanVoucher:
    """Asks the server for a verdict."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._outbox, self._now = store, api, outbox, now

    async def frame(self, text: str) -> m.Scan | Refusal:
        """The verdict on a scanned text, to the character; raises NoAnswer."""
        return await self._scan(m.ScanRequest(frame=text[: limits.FRAME_CHARACTERS]))

    async def code(self, text: str) -> m.Scan | Refusal:
        """The verdict on a typed code; raises NoAnswer."""
        return await self._scan(m.ScanRequest(code=text[:40]))

    async def _scan(self, request: m.ScanRequest) -> m.Scan | Refusal:
        await self.settle_all()
        key = new_key()
        self._outbox.add(key, "scan", "", msgspec.json.encode(request), self._now())
        self._outbox.claim(key)
        try:
            return await self._send(key, request)
        except NotSent:
            self._drop(key)  # surely nothing was counted, and the next presentation is a new one
            raise
        except LostAnswer:
            return await self._send(key, request)  # the same key: if it was counted, this is its answer

    async def _send(self, key: str, request: m.ScanRequest) -> m.Scan | Refusal:
        answer = await self._api.call(e.SCAN, body=request, key=key)
        if isinstance(answer, Refusal):
            if answer.status < 500 and answer.reason not in (Reason.SESSION_ENDED, Reason.NOT_SIGNED_IN):
                self._drop(key)
            return answer
        with self._store.write("outbox", "scans") as connection:
            Outbox.settle(connection, key)
            keep_scan(connection, answer)
        return answer

    def _drop(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)

    async def settle_all(self) -> None:
        """Ask again for every verdict that was lost; it lands in the history. Raises NoAnswer."""
        for entry in self._outbox.entries("scan"):
            request = msgspec.json.decode(entry.body, type=m.ScanRequest)
            await self._send(entry.key, request)
