"""Cancelling a redemption whose points are still held."""

from contextlib import suppress

from mirabelle.client.api import Api, NoAnswer, Refusal
from mirabelle.client.repositories.redemptions import keep_redemption
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m


class Cancel:
    """Cancels redemptions."""

    def __init__(self, store: Store, api: Api, wallet: Wallet) -> None:
        self._store, self._api, self._wallet = store, api, wallet

    async def __call__(self, redemption: str) -> m.Redemption | Refusal:
        """Give the points of `redemption` back; raises NoAnswer. Asking again does no harm: it has one key."""
        answer = await self._api.call(e.CANCEL, key=f"cancel-{redemption}", path={"redemption": redemption})
        if isinstance(answer, Refusal):
            return answer
        with self._store.write("redemptions", "vouchers") as connection:
            keep_redemption(connection, answer)
        with suppress(NoAnswer):  # it is done; the wallet is brought up to date with the next sync
            await self._wallet.refresh()
        return answer
