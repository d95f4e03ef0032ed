"""A voucher in a phone's wallet app: a pass that whoever shows it can use once, where programme and reward allow it."""

from mirabelle.client.api import Api, Refusal
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract.fields import PassKind
from mirabelle.contract.messages import PassRequest, Voucher, WalletPass


class PutInWallet:
    """Has passes made of vouchers."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, voucher: Voucher, kind: PassKind) -> WalletPass | Refusal:
        """The pass of `voucher` for the wallet app `kind`; raises NoAnswer."""
        path = {"voucher": voucher.id}
        return await self._api.call(e.PUT_IN_WALLET, body=PassRequest(wallet=kind), key=new_key(), path=path)
