"""What the catalog's screens know: the filters in force, and whether this participant can have a reward now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal
from weakref import WeakKeyDictionary

import flet as ft

from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.ui.catalog.pages import PAGE_ROWS, Pages
from mirabelle.contract.messages import Details, Kind, Programme, Redemption, Reward, Wallet
from mirabelle.rules.redemption import Asked, RewardTerms, refusal
from mirabelle.rules.refusals import RedemptionRefusal

if TYPE_CHECKING:
    from mirabelle.client.app import App
    from mirabelle.client.repositories.catalog import Catalog

FEW_LEFT: Final = 5  # from here on the stock is news
ENDS_SOON_DAYS: Final = 7

Sort = Literal["popular", "price_up", "price_down", "newest"]
SORTS: Final[tuple[Sort, ...]] = ("popular", "price_up", "price_down", "newest")


@ft.observable
@dataclass
class Filters:
    """What the catalog is narrowed to. It outlives the page, so that coming back finds the list as it was."""

    text: str = ""
    category: str | None = None
    kind: Kind | None = None
    affordable: bool = False
    price_min: int | None = None
    price_max: int | None = None
    sort: Sort = "popular"
    page: int = 0
    reached: int = 1
    is_searching: bool = False
    pages: Pages = field(default_factory=Pages)

    def set(self, **changes: object) -> None:
        """Changes filters and starts again at the first reward."""
        for name, value in {**changes, "page": 0, "reached": 1, "pages": Pages(self.pages.measured)}.items():
            setattr(self, name, value)

    def clear(self) -> None:
        """Shows everything again."""
        self.set(text="", category=None, kind=None, affordable=False, price_min=None, price_max=None, sort="popular")

    def show_more(self) -> None:
        """Shows the next page, if there is one."""
        if self.pages.go_on():
            self.reached = self.pages.reached

    def look_at(self, pixels: float) -> None:
        """Draws the pages around the one that is `pixels` down the list, and no longer those far from it."""
        page = self.pages.at(pixels)
        if page != self.page:
            self.page = page

    def back_at_the_top(self) -> "Filters":
        """Begins at the top, as a page does that is drawn anew; what was narrowed stays."""
        if self.reached > 1:
            self.set()
        return self

    @property
    def in_sheet(self) -> int:
        """How many of the filter sheet's filters are in force."""
        narrowing = (self.kind, self.price_min, self.price_max)
        return sum(value is not None for value in narrowing) + self.affordable + (self.sort != "popular")

    @property
    def narrows(self) -> bool:
        """Whether something beyond "what I can have now" is asked for."""
        return bool(self.text or self.category or self.in_sheet - self.affordable)

    @property
    def any(self) -> bool:
        """Whether the list is narrowed at all."""
        return bool(self.text or self.category or self.in_sheet)

    def query(self, available: int) -> CatalogQuery:
        """These filters as the store asks them."""
        return CatalogQuery(
            text=self.text,
            category=self.category,
            kind=self.kind,
            affordable_with=available if self.affordable else None,
            price_min=self.price_min,
            price_max=self.price_max,
            sort=self.sort,
        )


_FILTERS: "WeakKeyDictionary[App, Filters]" = WeakKeyDictionary()


def filters_of(app: "App") -> Filters:
    """The filters of this page's app."""
    return _FILTERS.setdefault(app, Filters())


@dataclass(frozen=True, slots=True)
class Feature:
    """A reward that makes good use of the points that expire next; `used` of `expiring` points would go into it."""

    reward: Reward
    used: int
    expiring: int
    expires_at: datetime


def feature(catalog: "Catalog", available: int, expiry: tuple[int, datetime] | None) -> Feature | None:
    """The cheapest reward that uses up what expires next, else the one that uses most of it; None if nothing does."""
    if expiry is None:
        return None
    expiring, expires_at = expiry
    whole = CatalogQuery(affordable_with=available, price_min=expiring, sort="price_up", limit=PAGE_ROWS)
    part = CatalogQuery(affordable_with=available, price_max=expiring, sort="price_down", limit=PAGE_ROWS)
    for query in (whole, part):
        for reward in catalog.search(query):
            if reward.stock != 0:
                return Feature(reward, min(reward.points, expiring), expiring, expires_at)
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether this participant can have a reward now: `refused` says why not, `missing` how many points short."""

    refused: RedemptionRefusal | None = None
    missing: int = 0


def standing(
    reward: Reward,
    wallet: Wallet | None,
    programme: Programme | None,
    redemptions: Sequence[Redemption],
    now: datetime,
    details: Details | None = None,
) -> Standing:
    """What the server's own rule says of it, from what this device knows; without `details` they are taken as given."""
    if wallet is None or programme is None:
        return Standing()
    from_points = {tier.id: tier.from_points for tier in programme.tiers}
    standing = wallet.standing
    terms = RewardTerms(
        id=reward.id,
        points=reward.points,
        per_participant=reward.per_participant,
        from_points=from_points.get(reward.from_tier or "", 0),
        available_from=reward.available_from,
        available_until=reward.available_until,
        needs=reward.needs if details is not None else "nothing",
    )
    asked = Asked(
        terms=terms,
        agreed_points=reward.points,
        details={} if details is None else {reward.needs: getattr(details, reward.needs, "")},
        at=now,
        tier_points=max(standing.points_in_period, from_points.get(standing.tier or "", 0)),
        had_before=sum(one.reward == reward.id and one.state != "released" for one in redemptions),
        in_stock=reward.stock is None or reward.stock > 0,
        available=wallet.available,
    )
    return Standing(refusal(asked), max(0, reward.points - wallet.available))


def ends_in_days(reward: Reward, now: datetime) -> int | None:
    """In how many days a reward leaves the catalog, when that is soon enough to be news."""
    if reward.available_until is None:
        return None
    left = reward.available_until - now
    return left // timedelta(days=1) if timedelta(0) < left < timedelta(days=ENDS_SOON_DAYS) else None
