"""What the voucher screens know: which vouchers are where, and whether one can be shown now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from mirabelle.contract.messages import Redemption, Reward, Voucher
from mirabelle.rules import frame

Tab = Literal["ready", "used", "expired", "orders"]
TABS: Final[tuple[Tab, ...]] = ("ready", "used", "expired", "orders")
EXPIRES_SOON_DAYS: Final = 7

Showing = Literal["live", "renew", "elsewhere", "used", "expired", "cancelled", "given", "giving", "blocked"]


def on_tab(vouchers: Sequence[Voucher], tab: Tab) -> list[Voucher]:
    """The vouchers of a tab: ready ones by what expires first, the others newest first. Cancelled ones lie with the
    expired, and those given away with the used."""
    states = {"expired": ("expired", "cancelled"), "used": ("used", "given")}.get(tab, (tab,))
    chosen = [voucher for voucher in vouchers if voucher.state in states]
    if tab == "ready":
        # Of those that were issued together the next one stands for all.
        chosen.sort(key=lambda voucher: voucher.blocked)
        together = {(voucher.redemption, voucher.given_by): voucher for voucher in reversed(chosen)}
        return sorted(together.values(), key=lambda voucher: voucher.expires_at)
    return sorted(chosen, key=lambda voucher: voucher.issued_at, reverse=True)


def left_of(vouchers: Sequence[Voucher], voucher: Voucher) -> list[Voucher]:
    """The vouchers that can still be used of those issued together with `voucher`, the next one first."""
    usable = [each for each in vouchers if each.state == "ready" and not each.blocked]
    return [each for each in usable if each.redemption == voucher.redemption]


def orders(redemptions: Sequence[Redemption]) -> list[Redemption]:
    """What was ordered rather than put on a voucher, newest first."""
    chosen = [redemption for redemption in redemptions if redemption.voucher is None]
    return sorted(chosen, key=lambda redemption: redemption.created_at, reverse=True)


def order_state(order: Redemption, reward: Reward | None) -> str:
    """How an order stands. What is handed over in a shop, and was paid for without a voucher, has been handed over."""
    if order.state == "captured" and reward is not None and reward.fulfilment == "voucher":
        return "received"
    return order.state


def showing(voucher: Voucher, now: datetime, *, is_here: bool, is_giving: bool = False) -> Showing:
    """How a voucher is shown now: live, or why not; `renew` when only the network can make it live again.

    It `is_here` where it is leased to this device, and `is_giving` while nobody knows whether it was given away.
    """
    if voucher.state != "ready":
        return voucher.state
    if voucher.expires_at <= now:
        return "expired"
    if voucher.blocked:
        return "blocked"
    if is_giving:
        return "giving"
    if voucher.superseded and not is_here:
        return "elsewhere"
    return "live" if is_here and now < voucher.lease_ends_at else "renew"


def works_offline(voucher: Voucher) -> bool:
    """Whether the shop may accept it without network, by what the issuer signed."""
    return frame.read_issued(bytes.fromhex(voucher.issued)).offline_allowed


def expires_in_days(voucher: Voucher, now: datetime) -> int | None:
    """In how many days it expires, when that is soon."""
    left = voucher.expires_at - now
    return left // timedelta(days=1) if timedelta(0) < left < timedelta(days=EXPIRES_SOON_DAYS) else None
