"""Sending points to another participant: once, however often it is pressed and whatever becomes of the answer."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from mirabelle.client.api import Api, NoAnswer, Refusal
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.send_once import SendOnce
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m


class SendPoints:
    """Sends points. While nobody knows whether the last transfer arrived, there is no other."""

    def __init__(self, store: Store, api: Api, outbox: Outbox, wallet: Wallet, now: Callable[[], datetime]) -> None:
        self._wallet = wallet
        self._transfers = SendOnce(
            store, api, outbox, now, "transfer", e.TRANSFER, lambda _connection, _answer: None, lambda _recipient: {}
        )
        self.settle, self.finish = self._transfers.settle, self._transfers.finish

    def last(self) -> Entry | None:
        """The transfer that is not settled, or whose refusal nobody has seen yet."""
        return self._transfers.last()

    async def __call__(self, recipient: str, points: int) -> m.Transfer | Refusal | None:
        """Send `points` to the participant with the address `recipient`; raises NoAnswer.

        None where another transfer is not settled yet: nothing was sent.
        """
        request = m.TransferRequest(recipient=recipient, points=points)
        answer = await self._transfers(recipient, request, among=None)
        if isinstance(answer, m.Transfer):
            with suppress(NoAnswer):  # it is done; the wallet is brought up to date with the next sync
                await self._wallet.refresh()
        return answer
