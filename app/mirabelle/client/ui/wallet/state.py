"""What the wallet page shows, read from the store in one go."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal

from mirabelle.client.ui.shared.times import days_between, last_moment
from mirabelle.contract.messages import Activity, Reward, Wallet

if TYPE_CHECKING:
    from mirabelle.client.app import App


@dataclass(frozen=True)
class WalletPage:
    """The wallet's plain values; `bars` are the repository's expiry bars, soonest first."""

    wallet: Wallet | None
    now: datetime = field(compare=False)
    first_name: str = ""
    part_of_day: Literal["morning", "afternoon", "evening"] = "morning"
    is_from_today: bool = True
    arrives_at: datetime | None = None
    arrives_within_a_week: bool = False
    tier: str | None = None
    next_tier: str | None = None
    points_to_next: int = 0
    tier_progress: float = 1.0  # for a bar's length only: no points are reckoned with it
    bars: list[Any] = field(default_factory=list)
    next_expiry: tuple[int, datetime] | None = None
    days_left: int = 0
    rewards: list[Reward] = field(default_factory=list)
    activity: list[Activity] = field(default_factory=list)
    can_send: bool = False


def read_wallet(app: "App", *, rewards: int, rows: int) -> WalletPage:
    """The page as the store knows it now, `rewards` rewards that can be had, the last `rows` changes."""
    from mirabelle.client.repositories.catalog import CatalogQuery

    wallet = app.wallet.current()
    if wallet is None:
        return WalletPage(None, app.now())
    now, zone = app.now(), app.t.time_zone
    next_expiry = app.wallet.next_expiry(now)
    if next_expiry is not None:
        next_expiry = next_expiry[0], last_moment(next_expiry[1])
    arrives_at = _one_arrival(wallet, now, zone)
    return WalletPage(
        wallet,
        now,
        first_name=wallet.name.split(" ")[0],
        part_of_day=part_of_day(now.astimezone(zone).hour),
        is_from_today=wallet.as_of.astimezone(zone).date() == now.astimezone(zone).date(),
        arrives_at=arrives_at,
        arrives_within_a_week=arrives_at is not None and arrives_at - now < timedelta(days=6),
        **_standing(app, wallet),
        bars=app.wallet.timeline(now),
        next_expiry=next_expiry,
        days_left=days_between(now, next_expiry[1], zone) if next_expiry else 0,
        rewards=app.catalog.search(CatalogQuery(affordable_with=wallet.available, sort="popular", limit=rewards)),
        activity=app.wallet.activity(limit=rows),
        can_send=_can_send(app),
    )


def _can_send(app: "App") -> bool:
    programme = app.programme.current()
    return programme is not None and programme.transfers_from is not None


def part_of_day(hour: int) -> Literal["morning", "afternoon", "evening"]:
    """Which greeting suits the hour (0-23)."""
    if 4 <= hour < 12:
        return "morning"
    return "afternoon" if 12 <= hour < 18 else "evening"


def _one_arrival(wallet: Wallet, now: datetime, zone: tzinfo | None) -> datetime | None:
    """When what is on its way arrives, if all of it arrives on one day."""
    arrivals = [lot.available_at for lot in wallet.lots if lot.available_at is not None and lot.available_at > now]
    days = {arrival.astimezone(zone).date() for arrival in arrivals}
    return min(arrivals) if len(days) == 1 else None


def _standing(app: "App", wallet: Wallet) -> dict[str, Any]:
    standing, programme = wallet.standing, app.programme.current()
    if standing.tier is None or programme is None:
        return {}
    steps = {tier.id: tier.from_points for tier in programme.tiers}
    begin = steps.get(standing.tier, 0)
    length = steps.get(standing.next_tier or "", begin) - begin
    return {
        "tier": app.programme.tier_name(standing.tier),
        "next_tier": app.programme.tier_name(standing.next_tier) if standing.next_tier else None,
        "points_to_next": standing.points_to_next,
        "tier_progress": (standing.points_in_period - begin) / length if length > 0 else 1.0,
    }
