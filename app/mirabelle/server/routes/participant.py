"""What a signed-in participant may call."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from litestar.router import Router

from mirabelle.contract import account
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract import reminders as rm
from mirabelle.contract.wire import API_PREFIX
from mirabelle.server.routes.edge import Ask, Key, Named, Since, answered, caller_of, request_hash, told
from mirabelle.server.services import (
    account_data,
    gifts,
    leaving,
    passes,
    redemptions,
    reminders,
    transfers,
    vouchers,
    wallet,
)
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import claim_key, may_be_forgotten
from mirabelle.server.services.tokens import Caller


def participant_routes(context: Context) -> Router:
    """The routes, bound to a running server's parts; staff are refused."""
    return Router(
        path=API_PREFIX,
        route_handlers=[*_reading(context), *_redeeming(context), *_reminding(context)],
        dependencies={"caller": Provide(caller_of(context, "participant"), sync_to_thread=False)},
        security=[{"access_token": []}],
    )


def _reading(context: Context) -> list[HTTPRouteHandler]:
    @get(e.WALLET.path, operation_id="getWallet", responses=told(e.WALLET))
    async def get_wallet(caller: NamedDependency[Caller]) -> m.Wallet:
        """The caller's points as they stand now."""
        async with context.database.read() as connection:
            return await wallet.wallet(context, connection, caller.subject)

    @get(e.ACTIVITY.path, operation_id="getActivity", responses=told(e.ACTIVITY))
    async def get_activity(
        caller: NamedDependency[Caller],
        before: Annotated[int | None, QueryParameter(ge=1, le=2**53, description="The last sequence known.")] = None,
    ) -> m.ActivityPage:
        """A page of the changes of the caller's points, newest first."""
        async with context.database.read() as connection:
            return await wallet.activity(context, connection, caller.subject, before)

    @get(e.REDEMPTIONS.path, operation_id="getRedemptions", responses=told(e.REDEMPTIONS))
    async def get_redemptions(caller: NamedDependency[Caller]) -> m.Redemptions:
        """All that the caller redeemed, with the vouchers as they stand."""
        async with context.database.read() as connection:
            return await redemptions.redemptions_of(context, connection, caller)

    @get(e.ACCOUNT_DATA.path, operation_id="exportAccount", responses=told(e.ACCOUNT_DATA))
    async def export_account(caller: NamedDependency[Caller]) -> account.AccountData:
        """All that the programme keeps about the caller."""
        return await account_data.account_data(context, caller.subject)

    @get(e.LEAVING.path, operation_id="getLosses", responses=told(e.LEAVING))
    async def get_losses(caller: NamedDependency[Caller]) -> account.Leaving:
        """What deleting the account would cost the caller, and what stands in the way."""
        async with context.database.read() as connection:
            return await leaving.would_lose(context, connection, caller.subject)

    return [get_wallet, get_activity, get_redemptions, export_account, get_losses]


def _redeeming(context: Context) -> list[HTTPRouteHandler]:
    @post(e.REDEEM.path, operation_id="redeem", responses=told(e.REDEEM))
    async def redeem(
        caller: NamedDependency[Caller],
        request: Ask,
        data: JSONBody[m.RedemptionRequest],
        key: Key,
        since: Since = "",
    ) -> Response[Any]:
        """Exchange points for a reward."""
        asked, only_known = await request_hash(request, data), may_be_forgotten(since, context.now())
        return answered(await redemptions.redeem(context, caller, data, key, asked, only_known=only_known))

    @post(e.CANCEL.path, operation_id="cancelRedemption", responses=told(e.CANCEL))
    async def cancel(caller: NamedDependency[Caller], request: Ask, redemption: Named, key: Key) -> Response[Any]:
        """Cancel a redemption whose points are still held."""
        return answered(await redemptions.cancel(context, caller, redemption, key, await request_hash(request)))

    @post(e.TRANSFER.path, operation_id="transferPoints", responses=told(e.TRANSFER))
    async def transfer(
        caller: NamedDependency[Caller],
        request: Ask,
        data: JSONBody[m.TransferRequest],
        key: Key,
        since: Since = "",
    ) -> Response[Any]:
        """Give points to another participant."""
        asked, only_known = await request_hash(request, data), may_be_forgotten(since, context.now())
        return answered(await transfers.transfer(context, caller, data, key, asked, only_known=only_known))

    @post(e.RENEW_LEASE.path, operation_id="renewLease", responses=told(e.RENEW_LEASE))
    async def renew_lease(
        caller: NamedDependency[Caller],
        request: Ask,
        voucher: Named,
        data: JSONBody[m.LeaseRequest],
        key: Key,
    ) -> m.Voucher:
        """Lease a voucher to the calling device from now on."""
        await claim_key(context, caller.subject, key, await request_hash(request, data))
        async with context.database.write() as connection:
            return await vouchers.renew_lease(context, connection, caller, voucher, data)

    @post(e.PUT_ON_PAPER.path, operation_id="putOnPaper", responses=told(e.PUT_ON_PAPER))
    async def put_on_paper(caller: NamedDependency[Caller], request: Ask, voucher: Named, key: Key) -> m.PaperVoucher:
        """Give a voucher a form that whoever holds it can use."""
        await claim_key(context, caller.subject, key, await request_hash(request))
        async with context.database.write() as connection:
            return await vouchers.put_on_paper(context, connection, caller, voucher)

    @post(e.PUT_IN_WALLET.path, operation_id="putInWallet", responses=told(e.PUT_IN_WALLET))
    async def put_in_wallet(
        caller: NamedDependency[Caller], request: Ask, voucher: Named, data: JSONBody[m.PassRequest], key: Key
    ) -> m.WalletPass:
        """Give a voucher the form of a pass for a phone's wallet app."""
        await claim_key(context, caller.subject, key, await request_hash(request, data))
        return await passes.put_in_wallet(context, caller, voucher, data.wallet)

    @post(e.GIVE.path, operation_id="giveVoucher", responses=told(e.GIVE))
    async def give(
        caller: NamedDependency[Caller],
        request: Ask,
        voucher: Named,
        data: JSONBody[m.GiftRequest],
        key: Key,
        since: Since = "",
    ) -> Response[Any]:
        """Give a voucher to another participant, for good."""
        asked, only_known = await request_hash(request, data), may_be_forgotten(since, context.now())
        return answered(await gifts.give(context, caller, voucher, data, key, asked, only_known=only_known))

    return [redeem, cancel, transfer, renew_lease, put_on_paper, put_in_wallet, give]


def _reminding(context: Context) -> list[HTTPRouteHandler]:
    @get(e.REMINDERS.path, operation_id="getReminders", responses=told(e.REMINDERS))
    async def get_reminders(caller: NamedDependency[Caller]) -> rm.Reminders:
        """What the caller chose of reminders, and what was told lately."""
        async with context.database.read() as connection:
            return await reminders.reminders(context, connection, caller.subject)

    @post(e.CHOOSE_REMINDERS.path, operation_id="chooseReminders", responses=told(e.CHOOSE_REMINDERS))
    async def choose_reminders(
        caller: NamedDependency[Caller], request: Ask, data: JSONBody[rm.ReminderRequest], key: Key
    ) -> rm.Reminders:
        """Choose when to be reminded, on all devices."""
        await reminders.choose(context, caller.subject, data, key, await request_hash(request, data))
        async with context.database.read() as connection:
            return await reminders.reminders(context, connection, caller.subject)

    @post(e.CLAIM_REMINDERS.path, operation_id="claimReminders", responses=told(e.CLAIM_REMINDERS))
    async def claim_reminders(
        caller: NamedDependency[Caller], request: Ask, data: JSONBody[rm.ClaimRequest], key: Key
    ) -> rm.Claimed:
        """Ask to tell reminders from the calling device, and from no other."""
        return await reminders.claim(context, caller.subject, data, key, await request_hash(request, data))

    return [get_reminders, choose_reminders, claim_reminders]
