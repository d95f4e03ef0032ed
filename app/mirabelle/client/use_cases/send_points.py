"""Sending points to another participant: once, however often it is pressed and whatever becomes of the answer."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import msgspec

from mirabelle.client.api import Api, NoAnswer, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.redeem import UNDECIDED
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m

log = logging.getLogger(__name__)


class SendPoints:
    """Sends points. While nobody knows whether the last transfer arrived, there is no other."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, wallet: Wallet, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._outbox, self._wallet, self._now = store, api, outbox, wallet, now

    def last(self) -> Entry | None:
        """The transfer that is not settled, or whose refusal nobody has seen yet."""
        return next(iter(self._outbox.entries("transfer")), None)

    async def __call__(self, recipient: str, points: int) -> m.Transfer | Refusal | None:
        """Send `points` to the participant with the address `recipient`; raises NoAnswer.

        None where another transfer is not settled yet: nothing was sent.
        """
        last = self.last()
        if last is not None and last.state != "refused":
            return None
        if last is not None:
            self._leave(last.key)
        request = m.TransferRequest(recipient=recipient, points=points)
        entry = self._outbox.add(new_key(), "transfer", recipient, msgspec.json.encode(request), self._now())
        answer = await self._send(entry)
        if isinstance(answer, Refusal) and (self._outbox.get(entry.key) or entry).state == "refused":
            self._leave(entry.key)  # whoever pressed sees it now
        return answer

    async def settle(self) -> None:
        """Find out what became of a transfer without an answer; raises NoAnswer. A refusal stays to be seen."""
        entry = self.last()
        if entry is not None and entry.state != "refused":
            await self._send(entry)

    def forget_refusal(self) -> None:
        """The refusal was seen."""
        last = self.last()
        if last is not None and last.state == "refused":
            self._leave(last.key)

    async def _send(self, entry: Entry) -> m.Transfer | Refusal | None:
        claimed = self._outbox.claim(entry.key)
        if claimed is None:
            return None
        surely_new = claimed.state == "waiting"
        try:
            request = msgspec.json.decode(entry.body, type=m.TransferRequest)
            answer = await self._api.call(e.TRANSFER, body=request, key=entry.key)
        except NotSent:
            if surely_new:
                self._leave(entry.key)
            raise
        if isinstance(answer, Refusal):
            if answer.reason not in UNDECIDED:
                self._outbox.refuse(entry.key, answer.reason)
            elif surely_new and answer.status < 500:
                self._leave(entry.key)
            return answer
        self._leave(entry.key)
        with suppress(NoAnswer):  # it is done; the wallet is brought up to date with the next sync
            await self._wallet.refresh()
        return answer

    def _leave(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)
