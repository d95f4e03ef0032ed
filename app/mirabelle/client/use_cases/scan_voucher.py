"""Scanning a voucher: every way of reading one ends here, and one presentation has one key.

The server is asked first. When it does not answer in time, a frame is judged by what the till itself knows, under the
same key, so that both ends mean one scan whatever became of the question. Typed codes only the server knows.

An answer that was lost is asked for again only when the same voucher is presented again: a scan that was never carried
out must not use a voucher up while nobody stands at the till. What was carried out is in the server's history.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mirabelle.client.api import Api, LostAnswer, NoAnswer, NotSent, Refusal
from mirabelle.client.repositories.offline_scans import note_use
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.till import keep_scan
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.judge_offline import JudgeOffline
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import limits
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.rules.frame import Frame, parse
from mirabelle.rules.trusted_time import ClockRefusal
from mirabelle.rules.voucher_code import VoucherCode

log = logging.getLogger(__name__)

ONLINE_SECONDS: Final = 1.5  # that a customer waits for the server, where the till can decide without it
LOST_ANSWERS_KEPT: Final = timedelta(minutes=5)  # as long as a customer may still stand at the till


class ScanVoucher:
    """Gets a verdict, from the server or without it."""

    def __init__(
        self, store: Store, api: Api, outbox: Outbox, judge_offline: JudgeOffline, now: Callable[[], datetime]
    ) -> None:
        self._store, self._api, self._outbox, self._now = store, api, outbox, now
        self._judge_offline = judge_offline
        self._asking: set[asyncio.Task[tm.Scan | Refusal]] = set()

    async def frame(self, text: str, nonce: bytes | None = None) -> tm.Scan | Refusal | ClockRefusal:
        """The verdict on a scanned text, to the character; `nonce` is the challenge that it may answer.

        Raises NoAnswer where nobody answers and the till has never heard what it must know to decide by itself.
        """
        read = parse(text)
        voucher = read.voucher.hex() if isinstance(read, Frame) else text
        request = tm.ScanRequest(frame=text[: limits.FRAME_CHARACTERS], nonce=nonce.hex() if nonce else "")
        if not self._judge_offline.is_possible:
            return await self._online(request, voucher)
        key = new_key()
        lost, lost_codes = self._lost(voucher), self._lost_codes()
        try:
            async with asyncio.timeout(ONLINE_SECONDS):
                answer = await self._online(request, voucher, key)
        except (NoAnswer, TimeoutError) as fault:
            log.info("a voucher is judged without network: %s", type(fault).__name__)
        else:
            if not isinstance(answer, Refusal) or answer.status < 500:
                return answer
        # What the last presentation asked may have been accepted: this is still that scan.
        key = lost[-1].key if lost and self._outbox.get(lost[-1].key) else key
        judged = self._judge_offline(text, key, nonce, lost_codes)
        if judged is None:
            raise LostAnswer  # the till was signed out meanwhile, in this window or in another
        return judged

    async def code(self, text: str) -> tm.Scan | Refusal:
        """The verdict on a typed code, which only the server knows; raises NoAnswer."""
        return await self._online(tm.ScanRequest(code=text[:40]), text)

    async def _online(self, request: tm.ScanRequest, voucher: str, key: str | None = None) -> tm.Scan | Refusal:
        for lost in self._lost(voucher):
            asked = msgspec.json.decode(lost.body, type=tm.ScanRequest)
            if not self._may_hear(request, asked):
                continue  # whatever it claims, its holder may be somebody else
            if self._outbox.claim(lost.key) is None:
                continue  # another window has settled it
            try:
                answer = await self._ask(lost.key, lost.body)
            except NotSent:
                self._outbox.put_back(lost.key)
                raise
            if isinstance(answer, Refusal) or answer.voucher is not None:
                return answer  # it was accepted the first time, and nobody had been told
        key = key or new_key()
        body = self._outbox.add(key, "scan", voucher, msgspec.json.encode(request), self._now()).body
        self._outbox.claim(key)
        try:
            return await self._ask(key, body)
        except NotSent:
            self._outbox.put_back(key)
            self._outbox.drop(key)  # surely nothing was counted, and the next presentation is a new one
            raise
        except LostAnswer as lost:
            try:
                return await self._ask(key, body)  # the same key: if it was counted, this is its answer
            except NotSent:
                raise lost from None

    def _may_hear(self, request: tm.ScanRequest, asked: tm.ScanRequest) -> bool:
        """Whether what is shown now may have the answer that was lost: the same text, or one that proves as much."""
        if (request.frame, request.code) == (asked.frame, asked.code):
            return True
        nonce = bytes.fromhex(request.nonce) if request.nonce else None
        return bool(request.frame) and self._judge_offline.proves(request.frame, nonce)

    async def _ask(self, key: str, body: bytes) -> tm.Scan | Refusal:
        """Ask, and go on listening where nobody waits any more: a session's renewal must not be broken off."""
        asking = asyncio.ensure_future(self._send(key, body))
        self._asking.add(asking)
        asking.add_done_callback(self._done)
        return await asyncio.shield(asking)

    def _done(self, asking: "asyncio.Task[tm.Scan | Refusal]") -> None:
        self._asking.discard(asking)
        if not asking.cancelled() and (fault := asking.exception()) is not None:
            log.info("a scan got no answer: %s", type(fault).__name__)

    async def _send(self, key: str, body: bytes) -> tm.Scan | Refusal:
        answer = await self._api.call(e.SCAN, body=body, key=key)
        if self._outbox.get(key) is None:
            return answer  # it came too late: the till has decided by itself
        if isinstance(answer, Refusal):
            if answer.status < 500 and answer.reason not in (Reason.SESSION_ENDED, Reason.NOT_SIGNED_IN):
                self._drop(key)
            return answer
        with self._store.write("outbox", "scans") as connection:
            Outbox.settle(connection, key)
            if answer.verdict == VoucherCode.ACCEPTED and answer.voucher is not None and answer.use is not None:
                use = bytes.fromhex(answer.voucher), answer.use
                if not note_use(connection, *use, answer.id, answer.at):
                    # Its code was scanned meanwhile, without network: that upload tells the programme.
                    return msgspec.structs.replace(answer, verdict=VoucherCode.ALREADY_USED.value, undo_until=None)
            if answer.verdict != VoucherCode.AMOUNT_REQUIRED:  # what is taken then is a scan of its own
                keep_scan(connection, answer)
        return answer

    def _drop(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)

    def _lost(self, voucher: str) -> list[Entry]:
        self.forget_old()
        return [entry for entry in self._outbox.entries("scan") if entry.subject == voucher]

    def _lost_codes(self) -> list[str]:
        """The keys of the typed codes without an answer, the newest of them: which vouchers they are, nobody knows."""
        self.forget_old()
        requests = [(entry.key, entry.body) for entry in self._outbox.entries("scan")]
        codes = [key for key, body in requests if msgspec.json.decode(body, type=tm.ScanRequest).code]
        return codes[-limits.LOST_KEYS :]

    def forget_old(self) -> None:
        """Let go of lost answers that nobody came back for; what came of them is in the server's history."""
        for entry in self._outbox.entries("scan"):
            if self._now() - entry.created_at > LOST_ANSWERS_KEPT:
                self._drop(entry.key)

    async def finish(self) -> None:
        """Stop listening for answers that nobody waits for."""
        for asking in list(self._asking):
            asking.cancel()
        if self._asking:
            await asyncio.wait(self._asking)
