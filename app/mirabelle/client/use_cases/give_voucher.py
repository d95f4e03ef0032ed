"""Giving a voucher to another participant: once, however often it is pressed and whatever becomes of the answer."""

from collections.abc import Callable
from datetime import datetime

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.redemptions import keep_redemption
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.send_once import SendOnce
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m


class GiveVoucher:
    """Gives vouchers. While nobody knows whether one was given, it is neither shown nor given to anybody else."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._gifts = SendOnce(
            store, api, outbox, now, "gift", e.GIVE, keep_redemption, lambda voucher: {"voucher": voucher}
        )
        self.settle, self.finish = self._gifts.settle, self._gifts.finish

    def last(self, voucher: str) -> Entry | None:
        """The gift of `voucher` that is not settled, or whose refusal nobody has seen yet."""
        return self._gifts.last(voucher)

    def is_open(self, voucher: str) -> bool:
        """Whether nobody knows yet if `voucher` was given."""
        last = self.last(voucher)
        return last is not None and last.state != "refused"

    async def __call__(self, voucher: str, recipient: str) -> m.Redemption | Refusal | None:
        """Give `voucher` to the participant with the address `recipient`; raises NoAnswer.

        None where its last gift is not settled yet: nothing was sent.
        """
        return await self._gifts(voucher, m.GiftRequest(recipient=recipient), among=voucher)
