"""Giving a voucher to another participant: once, however often it is pressed and whatever becomes of the answer."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from mirabelle.client.api import Api, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.redemptions import keep_redemption
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.redeem import UNDECIDED
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m


class GiveVoucher:
    """Gives vouchers. While nobody knows whether one was given, it is neither shown nor given to anybody else."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store, self._api, self._outbox, self._now = store, api, outbox, now

    def last(self, voucher: str) -> Entry | None:
        """The gift of `voucher` that is not settled, or whose refusal nobody has seen yet."""
        return next((entry for entry in self._outbox.entries("gift") if entry.subject == voucher), None)

    def is_open(self, voucher: str) -> bool:
        """Whether nobody knows yet if `voucher` was given."""
        last = self.last(voucher)
        return last is not None and last.state != "refused"

    async def __call__(self, voucher: str, recipient: str) -> m.Redemption | Refusal | None:
        """Give `voucher` to the participant with the address `recipient`; raises NoAnswer.

        None where its last gift is not settled yet: nothing was sent.
        """
        if self.is_open(voucher):
            return None
        self.forget_refusal(voucher)
        request = m.GiftRequest(recipient=recipient)
        entry = self._outbox.add(new_key(), "gift", voucher, msgspec.json.encode(request), self._now())
        answer = await self._send(entry)
        self.forget_refusal(voucher)  # whoever pressed sees it now
        return answer

    async def settle(self) -> None:
        """Find out what became of gifts without an answer; raises NoAnswer. A refusal stays to be seen."""
        for entry in self._outbox.entries("gift"):
            if entry.state != "refused":
                await self._send(entry)

    def forget_refusal(self, voucher: str) -> None:
        """The refusal of the gift of `voucher` was seen, if there is one."""
        last = self.last(voucher)
        if last is not None and last.state == "refused":
            self._leave(last.key)

    async def _send(self, entry: Entry) -> m.Redemption | Refusal | None:
        claimed = self._outbox.claim(entry.key)
        if claimed is None:
            return None
        surely_new = claimed.state == "waiting"
        request = msgspec.json.decode(entry.body, type=m.GiftRequest)
        try:
            answer = await self._api.call(e.GIVE, body=request, key=entry.key, path={"voucher": entry.subject})
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
        with self._store.write("outbox", "redemptions", "vouchers") as connection:
            Outbox.settle(connection, entry.key)
            keep_redemption(connection, answer)
        return answer

    def _leave(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)
