"""Scanning a voucher: every way of reading one ends here, and one presentation has one key.

An answer that was lost is asked for again only when the same voucher is presented again: a scan that was never carried
out must not use a voucher up while nobody stands at the till. What was carried out is in the server's history.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mirabelle.client.api import Api, LostAnswer, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.till import keep_scan
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import limits
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.rules.frame import Frame, parse
from mirabelle.rules.voucher_code import VoucherCode

LOST_ANSWERS_KEPT: Final = timedelta(minutes=5)  # as long as a customer may still stand at the till


class ScanVoucher:
    """Asks the server for a verdict."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._outbox, self._now = store, api, outbox, now

    async def frame(self, text: str) -> tm.Scan | Refusal:
        """The verdict on a scanned text, to the character; raises NoAnswer."""
        read = parse(text)
        voucher = read.voucher.hex() if isinstance(read, Frame) else text
        return await self._scan(tm.ScanRequest(frame=text[: limits.FRAME_CHARACTERS]), voucher)

    async def code(self, text: str) -> tm.Scan | Refusal:
        """The verdict on a typed code; raises NoAnswer."""
        return await self._scan(tm.ScanRequest(code=text[:40]), text)

    async def _scan(self, request: tm.ScanRequest, voucher: str) -> tm.Scan | Refusal:
        for lost in self._lost(voucher):
            answer = await self._send(lost.key, msgspec.json.decode(lost.body, type=tm.ScanRequest))
            if isinstance(answer, Refusal) or answer.verdict == VoucherCode.ACCEPTED:
                return answer  # it was accepted the first time, and nobody had been told
        key = new_key()
        self._outbox.add(key, "scan", voucher, msgspec.json.encode(request), self._now())
        self._outbox.claim(key)
        try:
            return await self._send(key, request)
        except NotSent:
            self._drop(key)  # surely nothing was counted, and the next presentation is a new one
            raise
        except LostAnswer:
            return await self._send(key, request)  # the same key: if it was counted, this is its answer

    async def _send(self, key: str, request: tm.ScanRequest) -> tm.Scan | Refusal:
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

    def _lost(self, voucher: str) -> list[Entry]:
        self.forget_old()
        return [entry for entry in self._outbox.entries("scan") if entry.subject == voucher]

    def forget_old(self) -> None:
        """Let go of lost answers that nobody came back for; what came of them is in the server's history."""
        for entry in self._outbox.entries("scan"):
            if self._now() - entry.created_at > LOST_ANSWERS_KEPT:
                self._drop(entry.key)
