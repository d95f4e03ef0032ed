"""What checkout knows: its steps, what would pay, and how a confirmation went."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from mirabelle.contract.messages import Details, LotShare, Redemption, Reward, Wallet
from mirabelle.contract.reasons import Reason
from mirabelle.rules import lots

Step = Literal["cost", "details", "confirm"]
Waiting = Literal["not_sent", "unknown"]

# After these the same request may well be granted; after the others something has to change first.
WORTH_ANOTHER_TRY: Final = (Reason.BUSY, Reason.FAULT, Reason.RATE_LIMITED)
SIGN_IN_FIRST: Final = (Reason.SESSION_ENDED, Reason.NOT_SIGNED_IN)

_JUST_NOW: Final = timedelta(minutes=10)


def steps(reward: Reward) -> tuple[Step, ...]:
    """The steps of a checkout; details are asked for only where the reward needs some."""
    return ("cost", "confirm") if reward.needs == "nothing" else ("cost", "details", "confirm")


def paying(wallet: Wallet, points: int, now: datetime) -> list[LotShare]:
    """Which lots would pay, soonest-expiring first, by the server's own rule; empty where they do not suffice."""
    by_number = {lot.number: lot for lot in wallet.lots}
    known = [
        lots.Lot(lot.number, lot.earned_at, lot.available_at, lot.expires_at, lot.points, lot.remaining)
        for lot in wallet.lots
    ]
    return [
        LotShare(
            lot=number, points=share, earned_at=by_number[number].earned_at, expires_at=by_number[number].expires_at
        )
        for number, share in lots.take(known, points, now) or ()
    ]


def merged(shares: Sequence[LotShare]) -> list[tuple[datetime | None, int]]:
    """The shares as people read them: how many points from those that expire when, one line a date."""
    by_expiry: dict[datetime | None, int] = {}
    for share in shares:
        by_expiry[share.expires_at] = by_expiry.get(share.expires_at, 0) + share.points
    return list(by_expiry.items())


def is_filled(reward: Reward, details: Details) -> bool:
    """Whether everything that the reward needs has been given."""
    return reward.needs == "nothing" or bool(str(getattr(details, reward.needs)).strip())


def new_since(redemptions: Sequence[Redemption], reward: str, before: frozenset[str]) -> Redemption | None:
    """The redemption of `reward` that was not among `before`: what a confirmation without an answer came to."""
    return next((one for one in redemptions if one.reward == reward and one.id not in before), None)


def just_redeemed(redemptions: Sequence[Redemption], reward: str, now: datetime) -> Redemption | None:
    """A redemption of `reward` so fresh that whoever is back at the counter may not know of it, as after a reload."""
    fresh = (one for one in redemptions if one.reward == reward and one.state != "released")
    return next((one for one in fresh if now - one.created_at < _JUST_NOW), None)
