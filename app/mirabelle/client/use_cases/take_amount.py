"""Taking an amount from a voucher that carries money: held first, then captured, and once whatever becomes of answers.

Until the capture is sent nothing can be taken; after that its key says what became of it. What staff do not come back
for is let go of: the programme is asked to release it, and says so where it was captured after all.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from mirabelle.client.api import Api, LostAnswer, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.till import Till, keep_scan
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.send_once import UNDECIDED
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import limits
from mirabelle.contract import till_messages as tm
from mirabelle.contract.endpoints import Endpoint
from mirabelle.contract.fields import Message
from mirabelle.contract.reasons import Reason
from mirabelle.rules.scans import scan_id

A = TypeVar("A")

# By then no hold lasts, and what was shown must be shown again: whoever comes back now begins anew.
_LEFT_AFTER: Final = timedelta(minutes=2 * limits.HOLD_MINUTES)
_TOO_OLD: Final = (Reason.HOLD_ENDED, Reason.PRESENT_AGAIN)


class TakeAmount:
    """Takes amounts. While nobody knows what became of one, the same voucher's next one is that one."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, till: Till, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._outbox, self._till, self._now = store, api, outbox, till, now

    def open_amount(self, voucher: str) -> int | None:
        """The amount, in minor units, of which nobody knows whether it was taken from `voucher` (hex)."""
        entry = self._open(voucher)
        return _asked(entry).amount_minor if entry else None

    async def __call__(self, shown: tm.Scan, amount_minor: int) -> tm.Scan | Refusal:
        """Take `amount_minor` of what was `shown`; the scan that did. Raises NoAnswer, LostAnswer where it may be done.

        Where an amount is open, it is that one if it is the same; else that one is settled first, and where it was
        taken, its scan is the answer.
        """
        assert shown.balance is not None, "only what carries money has amounts"
        voucher, last = shown.balance.voucher, self._open(shown.balance.voucher)
        if last is not None and _asked(last).amount_minor != amount_minor:
            told = await self._let_go(last)
            if told is not None:
                return told
            last = None
        if last is not None:
            answer = await self._take(last)
            if not isinstance(answer, Refusal) or answer.reason not in _TOO_OLD:
                return answer
        request = tm.HoldRequest(scan=shown.id, amount_minor=amount_minor)
        return await self._take(
            self._outbox.add(new_key(), "amount", voucher, msgspec.json.encode(request), self._now())
        )

    async def let_go(self, voucher: str) -> tm.Scan | Refusal | None:
        """Staff go on without an answer about `voucher`: nothing more of it is taken; the scan that took it, where that
        was done before, or why that is not known. Raises NoAnswer."""
        entry = self._open(voucher)
        return None if entry is None else await self._let_go(entry)

    async def settle(self) -> None:
        """Let go of amounts that nobody came back for; raises NoAnswer."""
        for entry in self._outbox.entries("amount"):
            if self._now() - entry.created_at > _LEFT_AFTER:
                await self._let_go(entry)

    def _open(self, voucher: str) -> Entry | None:
        return next((entry for entry in self._outbox.entries("amount") if entry.subject == voucher), None)

    async def _take(self, entry: Entry) -> tm.Scan | Refusal:
        if self._outbox.claim(entry.key) is None:
            raise LostAnswer  # another window has settled it
        try:
            held = await self._ask(e.HOLD, entry.body, entry.key)
        except NotSent:
            self._outbox.put_back(entry.key)
            if self._outbox.drop(entry.key):
                raise  # surely nothing was held, nor taken
            raise LostAnswer from None
        if isinstance(held, Refusal):
            return self._refused(entry, held)
        return await self._capture(entry, held.id)

    async def _capture(self, entry: Entry, hold: str) -> tm.Scan | Refusal:
        request = tm.CaptureRequest(amount_minor=_asked(entry).amount_minor)
        try:
            taken = await self._ask(e.CAPTURE, request, f"{entry.key}-take", hold=hold)
        except NotSent:
            raise LostAnswer from None  # it is held by now, and an earlier try may have taken it
        if isinstance(taken, Refusal):
            return self._refused(entry, taken)
        with self._store.write("outbox", "scans") as connection:
            Outbox.settle(connection, entry.key)
            keep_scan(connection, taken)
        return taken

    async def _let_go(self, entry: Entry) -> tm.Scan | Refusal | None:
        """None once nothing was taken and nothing will be; else the scan that took it, or why that is not known."""
        till = self._till.current()
        hold = scan_id(till.id if till else "", entry.key)
        released = await self._ask(e.RELEASE, None, f"{entry.key}-let", hold=hold)
        if isinstance(released, Refusal) and released.reason == Reason.HOLD_CAPTURED:
            return await self._capture(entry, hold)
        if isinstance(released, Refusal) and released.reason in UNDECIDED:
            return released
        self._drop(entry.key)
        return None

    async def _ask(self, endpoint: Endpoint[A], body: Message | bytes | None, key: str, **path: str) -> A | Refusal:
        """The answer; one that is lost is asked for once more, under the same key, and stays lost where that fails."""
        try:
            return await self._api.call(endpoint, body=body, key=key, path=path)
        except LostAnswer as lost:
            try:
                return await self._api.call(endpoint, body=body, key=key, path=path)
            except NotSent:
                raise lost from None

    def _refused(self, entry: Entry, refusal: Refusal) -> Refusal:
        if refusal.reason not in UNDECIDED:
            self._drop(entry.key)
        return refusal

    def _drop(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)


def _asked(entry: Entry) -> tm.HoldRequest:
    return msgspec.json.decode(entry.body, type=tm.HoldRequest)
