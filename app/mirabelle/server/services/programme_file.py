"""Reads a programme's TOML file; every mistake is named by its file and field."""

import tomllib
from collections import Counter
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, field

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.rules.programme import (
    Earning,
    Expiry,
    ExpiryPolicy,
    Extension,
    RefundPolicy,
    Rules,
    Tier,
    Transfers,
    minor_units,
)
from mirabelle.server.services.picture_making import PictureUnusable, picture_file

LAST_YEAR: Final = 9000  # days are added to dates, and the calendar ends with 9999
U32 = Annotated[int, Meta(ge=1, le=2**32 - 1)]


class ProgrammeUnusable(Exception):
    """The programme file cannot be used; the message names the file and the field."""


class About(Struct, forbid_unknown_fields=True):
    """Who runs the programme, in which money and time."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    time_zone: str
    contact: str = ""


class EarningRules(Struct, forbid_unknown_fields=True):
    """How points are earned."""

    points_per_unit: Annotated[int, Meta(ge=0, le=10_000)] = 1
    arrive_after_days: Annotated[int, Meta(ge=0, le=365)] = 0


class ExpiryRules(Struct, forbid_unknown_fields=True):
    """How long points live; without `after_days` they never expire.

    `rolling` points live `after_days` from the participant's last purchase or redemption; those of a calendar policy
    to the end of the month, quarter or year that is `after_periods` after the one they were earned in.
    """

    policy: Literal["fixed", "rolling", "month", "quarter", "year"] = "fixed"
    after_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    after_periods: Annotated[int, Meta(ge=0, le=1200)] = 0
    grace_days: Annotated[int, Meta(ge=0, le=365)] = 30


class RefundRules(Struct, forbid_unknown_fields=True):
    """What happens when points of a refunded purchase are spent.

    Other points pay as far as the balance holds them. `within_balance` forgives the rest unless the spent points come
    back; `never_below_zero` takes it from the points that come next.
    """

    policy: Literal["within_balance", "never_below_zero"] = "within_balance"


class ExtensionRules(Struct, forbid_unknown_fields=True):
    """Who gets more time: who was active in the last days, for what ends soon, how many days, how often a lot."""

    active_within_days: Annotated[int, Meta(ge=1, le=3650)]
    ending_within_days: Annotated[int, Meta(ge=1, le=3650)]
    days: Annotated[int, Meta(ge=1, le=3650)]
    times: Annotated[int, Meta(ge=1, le=1000)] = 1


class TransferRules(Struct, forbid_unknown_fields=True):
    """Whether participants may give points to each other, and how few at least."""

    allowed: bool = False
    from_points: Annotated[int, Meta(ge=1, le=10**9)] = 1


class VoucherRules(Struct, forbid_unknown_fields=True):
    """How long a voucher works without network after it was last renewed."""

    lease_hours: Annotated[int, Meta(ge=1, le=limits.LEASE_HOURS)] = limits.LEASE_HOURS


class CapRules(Struct, forbid_unknown_fields=True):
    """How many vouchers of a class, and of which value, a till without network takes between two syncs."""

    count: Annotated[int, Meta(ge=0, le=100_000)]
    value: str | None = None


class TillRules(Struct, forbid_unknown_fields=True):
    """What tills may do without network, and for how many minutes a scan may be undone.

    A till goes by what it was told for `keyset_days`, and takes vouchers for `hours_since_sync` after the last sync.
    """

    keyset_days: Annotated[int, Meta(ge=1, le=90)] = 14
    hours_since_sync: Annotated[int, Meta(ge=0, le=24 * 90)] = 24
    undo_minutes: Annotated[int, Meta(ge=0, le=24 * 60)] = 5
    caps: dict[Literal["A", "B"], CapRules] = field(
        default_factory=lambda: {"A": CapRules(count=20), "B": CapRules(count=20)}
    )


class TierRules(Struct, forbid_unknown_fields=True):
    """A tier and the points, earned in a year, that lead to it."""

    id: m.Identifier
    from_points: m.Points
    name: m.Text


class StoreRules(Struct, forbid_unknown_fields=True):
    """A store; `reference` is what vouchers call it, `group` the hub it belongs to. Where it is, in degrees, helps to
    find vouchers that travel too fast."""

    id: m.Identifier
    name: m.Text
    reference: U32 | None = None
    group: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    latitude: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Meta(ge=-180, le=180)] | None = None


class StaffRules(Struct, forbid_unknown_fields=True):
    """Somebody who may scan vouchers at a store, signing in by e-mail."""

    email: m.Email
    store: m.Identifier
    name: m.Name = ""


class RewardRules(Struct, forbid_unknown_fields=True):
    """A reward as the programme offers it. `picture` names a file below the programme's own folder, and once it is
    loaded the picture that was made from it; then `placeholder` says what stands there before, and not earlier.

    With `paper` its vouchers may be printed: whoever holds the paper can use it. With `challenge` the till sets a task
    that only the holder's device can answer, which paper cannot. With `uses` one redemption is good that many times.
    With `balance` the voucher carries its value in money, and tills with network take it bit by bit.
    """

    id: m.Identifier
    kind: m.Kind
    points: m.Points
    title: m.Text
    category: str = ""
    brand: str | None = None
    summary: m.Text = field(default_factory=m.Text)
    terms: m.Text = field(default_factory=m.Text)
    picture: str | None = None
    tint: Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$")] | None = None
    value: str | None = None
    stock: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    per_participant: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    from_tier: str | None = None
    store: str | None = None
    value_class: m.ValueClass | None = None
    needs: m.Needs = "nothing"
    fulfilment: m.Fulfilment = "voucher"
    valid_days: Annotated[int, Meta(ge=1, le=3650)] = 90
    paper: bool = False
    challenge: bool = False
    uses: Annotated[int, Meta(ge=1, le=limits.VOUCHER_USES)] = 1
    balance: bool = False
    placeholder: str = ""
    available_from: date | None = None
    available_until: date | None = None
    popularity: Annotated[int, Meta(ge=0, le=100)] = 0


class ProgrammeDocument(Struct, forbid_unknown_fields=True):
    """A whole programme file."""

    programme: About
    earning: EarningRules = field(default_factory=EarningRules)
    expiry: ExpiryRules = field(default_factory=ExpiryRules)
    refunds: RefundRules = field(default_factory=RefundRules)
    extension: ExtensionRules | None = None
    transfers: TransferRules = field(default_factory=TransferRules)
    vouchers: VoucherRules = field(default_factory=VoucherRules)
    tills: TillRules = field(default_factory=TillRules)
    tiers: list[TierRules] = field(default_factory=list)
    categories: list[m.NamedThing] = field(default_factory=list)
    charities: list[m.NamedThing] = field(default_factory=list)
    stores: list[StoreRules] = field(default_factory=list)
    staff: list[StaffRules] = field(default_factory=list)
    rewards: list[RewardRules] = field(default_factory=list)

    @property
    def zone(self) -> tzinfo:
        """The programme's time zone."""
        return ZoneInfo(self.programme.time_zone)

    def rules(self, version: int) -> Rules:
        """The part that decides about points."""
        return Rules(
            currency=self.programme.currency,
            zone=self.zone,
            earning=Earning(self.earning.points_per_unit, self.earning.arrive_after_days),
            expiry=Expiry(**{**msgspec.structs.asdict(self.expiry), "policy": ExpiryPolicy(self.expiry.policy)}),
            tiers=[Tier(tier.id, tier.from_points) for tier in self.tiers],
            version=version,
            refunds=RefundPolicy(self.refunds.policy),
            extension=Extension(**msgspec.structs.asdict(self.extension)) if self.extension else None,
            transfers=Transfers(self.transfers.allowed, self.transfers.from_points),
        )

    def start_of_offer(self, reward: RewardRules) -> datetime | None:
        """The beginning of the first local day on which `reward` can be had."""
        if reward.available_from is None:
            return None
        return datetime.combine(reward.available_from, time.min, self.zone).astimezone(UTC)

    def end_of_offer(self, reward: RewardRules) -> datetime | None:
        """The end of the last local day on which `reward` can be had."""
        if reward.available_until is None:
            return None
        return datetime.combine(reward.available_until + timedelta(days=1), time.min, self.zone).astimezone(UTC)


EMPTY = ProgrammeDocument(programme=About(name="Mirabelle", currency="EUR", time_zone="UTC"))


def read_programme(file: Path) -> ProgrammeDocument:
    """The programme in `file`, with `rewards*.toml` beside it if it has no rewards itself; raises ProgrammeUnusable."""
    content = _toml(file)
    if "rewards" not in content:
        for part in sorted(file.parent.glob("rewards*.toml")):
            content.setdefault("rewards", []).extend(_toml(part).get("rewards", []))
    try:
        document = msgspec.convert(content, ProgrammeDocument)
    except msgspec.ValidationError as fault:
        raise ProgrammeUnusable(f"{file}: {fault}") from fault
    _check(file, document)
    _find_pictures(file, document)
    return document


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ProgrammeUnusable(f"{file}: {fault.strerror or fault}") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ProgrammeUnusable(f"{file}: not TOML: {fault}") from fault


def _check(file: Path, document: ProgrammeDocument) -> None:
    """What the types cannot say: names that must exist, ids that must not repeat."""
    if document.expiry.policy == "rolling" and document.expiry.after_days is None:
        raise ProgrammeUnusable(f"{file}: expiry.after_days: a rolling policy needs it")
    try:
        _ = document.zone
    except (KeyError, ValueError, OSError) as fault:
        raise ProgrammeUnusable(f"{file}: programme.time_zone: no such zone: {document.programme.time_zone}") from fault
    _check_caps(file, document)
    unique = {
        "tiers": [tier.id for tier in document.tiers],
        "stores": [store.id for store in document.stores],
        "rewards": [reward.id for reward in document.rewards],
        "staff": [person.email.lower() for person in document.staff],
    }
    for name, ids in unique.items():
        repeated = [id_ for id_, times in Counter(ids).items() if times > 1]
        if repeated:
            raise ProgrammeUnusable(f"{file}: {name}: {repeated[0]} stands twice")
    _check_places(file, document)
    for index, reward in enumerate(document.rewards):
        fault_of_reward = reward_fault(reward, document, unique["stores"])
        if fault_of_reward:
            raise ProgrammeUnusable(f"{file}: rewards[{index}].{fault_of_reward}")
    for index, person in enumerate(document.staff):
        if person.store not in unique["stores"]:
            raise ProgrammeUnusable(f"{file}: staff[{index}].store: unknown: {person.store}")


def _find_pictures(file: Path, document: ProgrammeDocument) -> None:
    """Say of each picture where it really is."""
    for index, reward in enumerate(document.rewards):
        if reward.picture is not None:
            try:
                reward.picture = str(picture_file(file.parent, reward.picture))
            except PictureUnusable as fault:
                where = f"{file}: rewards[{index}].picture: {reward.id}"
                raise ProgrammeUnusable(f"{where}: {reward.picture!r} {fault}") from fault


def _check_caps(file: Path, document: ProgrammeDocument) -> None:
    for class_, cap in document.tills.caps.items():
        try:
            value_of(cap, document.programme.currency)
        except ValueError as fault:
            raise ProgrammeUnusable(f"{file}: tills.caps.{class_}.value: {fault}") from fault


def _check_places(file: Path, document: ProgrammeDocument) -> None:
    for index, store in enumerate(document.stores):
        if (store.latitude is None) != (store.longitude is None):
            raise ProgrammeUnusable(f"{file}: stores[{index}]: latitude and longitude come together")


def reward_fault(reward: RewardRules, document: ProgrammeDocument, stores: Collection[str]) -> str | None:
    """Which field of `reward` cannot be, and why, where the programme is `document` and has `stores`."""
    tiers = {tier.id for tier in document.tiers}
    categories = {category.id for category in document.categories}
    try:
        value_of(reward, document.programme.currency)
    except ValueError as fault:
        return f"value: {fault}"
    checks = (
        (reward.placeholder, "placeholder: it is made from the picture"),
        (reward.store and reward.store not in stores, f"store: unknown: {reward.store}"),
        (reward.from_tier and reward.from_tier not in tiers, f"from_tier: unknown: {reward.from_tier}"),
        # A programme without categories takes those that its rewards name.
        (categories and reward.category and reward.category not in categories, f"category: unknown: {reward.category}"),
        (reward.value_class == "B" and not reward.store, "store: class B is bound to a store"),
        (reward.paper and reward.challenge, "paper: nothing on paper can answer a challenge"),
        (
            reward.uses > 1 and (value_class_of(reward) == "C" or reward.fulfilment != "voucher"),
            "uses: only vouchers of the classes A and B are used several times",
        ),
        *(_balance_checks(reward, document.programme.currency) if reward.balance else ()),
        (reward.available_until and reward.available_until.year > LAST_YEAR, f"available_until: after {LAST_YEAR}"),
        (
            reward.available_from and reward.available_from > (reward.available_until or date.max),
            "available_from: after available_until",
        ),
    )
    return next((fault for failed, fault in checks if failed), None)


def _balance_checks(reward: RewardRules, currency: str) -> tuple[tuple[bool, str], ...]:
    """What a reward whose voucher carries money must be, and may not be."""
    return (
        (not value_of(reward, currency), "balance: it needs a value"),
        (reward.fulfilment != "voucher", "balance: only a voucher carries money"),
        (value_class_of(reward) != "C", "value_class: what carries money is of class C"),
        (reward.paper, "paper: what carries money is not put on paper"),
    )


def value_of(rules: RewardRules | CapRules, currency: str) -> int | None:
    """The value in money, in minor units, of a reward or of a till's cap; raises ValueError."""
    return None if rules.value is None else minor_units(rules.value, currency)


def value_class_of(reward: RewardRules) -> Literal["A", "B", "C"]:
    """The reward's class: as stated, else B where it is bound to a store, else A."""
    return reward.value_class or ("B" if reward.store else "A")
