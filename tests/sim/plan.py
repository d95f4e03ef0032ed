"""What a seed makes of the programme: policies, rewards and people, as plain values that the model reads as well."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

# Clocks that change at night, at midnight, by half an hour or not at all, and the days around which they do.
PLACES = [
    ("Europe/Paris", datetime(2026, 3, 20, tzinfo=UTC)),
    ("Europe/Paris", datetime(2026, 10, 12, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 2, 27, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 22, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 18, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 3, 24, tzinfo=UTC)),
    ("Pacific/Auckland", datetime(2026, 9, 16, tzinfo=UTC)),
    ("UTC", datetime(2026, 12, 15, tzinfo=UTC)),
]
STORES = (0, 7, 8)  # 0 is any
TIERS = (("silver", 60), ("gold", 140))


@dataclass(frozen=True, slots=True)
class Policy:
    """A version of the programme's rules."""

    version: int
    zone: str
    arrive_days: int
    expiry: str
    after_days: int | None
    after_periods: int
    grace_days: int
    refunds: str
    extension: tuple[int, int, int, int] | None
    transfers_from: int | None
    tiers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Prize:
    """A reward; `slices` are its pieces by cell, None where it has no stock; `worth` is the money on its voucher."""

    id: str
    points: int
    slices: dict[int, int] | None = None
    limit: int | None = None
    from_tier: str = ""
    opens: datetime | None = None
    ends: datetime | None = None
    withdrawn: bool = False
    needs: str = "nothing"
    has_voucher: bool = True
    value_class: str = "A"
    store: int = 0
    valid_days: int = 90
    worth: int | None = None

    @property
    def stocked(self) -> bool:
        return self.slices is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """The world of a seed at its beginning."""

    start: datetime
    policy: Policy
    next_policy: Policy
    prizes: tuple[Prize, ...]
    people: tuple[str, ...]
    servers: int
    loss: float
    breaks: float


def make_plan(random: Random) -> Plan:
    """The world that the seed's randomness makes."""
    zone, start = random.choice(PLACES)
    people = tuple(f"person-{number}" for number in range(random.randint(2, 5)))
    policy = _policy(random, 1, zone)
    # Of two programmes one changes its mind: lots that exist keep what they were promised.
    next_policy = _policy(random, 2, zone) if random.random() < 0.6 else policy
    return Plan(
        start=start + timedelta(minutes=random.randrange(24 * 60)),
        policy=policy,
        next_policy=next_policy,
        prizes=_prizes(random, start),
        people=people,
        servers=random.randint(1, 3),
        loss=random.choice([0.0, 0.1, 0.3]),
        breaks=random.choice([0.0, 0.1, 0.3]),
    )


def _policy(random: Random, version: int, zone: str) -> Policy:
    expiry = random.choice(["fixed", "fixed", "fixed", "rolling", "month", "quarter", "year"])
    extends = random.random() < 0.7
    return Policy(
        version=version,
        zone=zone,
        arrive_days=random.choice([0, 0, 1, 2, 5]),
        expiry=expiry,
        after_days=random.choice([3, 6, 10, None, None]) if expiry == "fixed" else random.choice([3, 6, 10]),
        after_periods=random.choice([0, 0, 1]),
        grace_days=random.choice([0, 2, 5]),
        refunds=random.choice(["within_balance", "never_below_zero"]),
        extension=(random.randint(1, 10), random.randint(1, 8), random.randint(1, 4), random.randint(1, 2))
        if extends
        else None,
        transfers_from=random.choice([None, 1, 1, 1, 5]),
        tiers=random.choice([(), TIERS, TIERS]),
    )


def _prizes(random: Random, start: datetime) -> tuple[Prize, ...]:
    def slices() -> dict[int, int]:
        cells = sorted(random.sample(range(64), random.randint(1, 4)))
        return {cell: random.randint(0, 3) for cell in cells}

    opens = start + timedelta(days=random.randint(0, 8))
    basic = (
        Prize("mug", 20),
        Prize("card", 30, value_class="C", valid_days=random.choice([0, 1, 3, 30])),
        Prize("coffee", 5, value_class="B", store=random.choice(STORES), valid_days=random.choice([0, 2, 30])),
        Prize("few", 8, slices=slices(), value_class=random.choice("ABC"), valid_days=random.choice([1, 30])),
        Prize("rare", 8, slices=slices(), value_class=random.choice("ABC")),
        Prize("twice", 4, limit=2),
        Prize("silver-only", 6, from_tier="silver"),
        Prize("soon", 3, opens=opens, ends=opens + timedelta(days=4)),
        Prize("gone", 3, withdrawn=True),
        Prize(
            "gift",
            6,
            slices=dict.fromkeys(random.sample(range(64), 4), 2),
            value_class="C",
            store=random.choice(STORES),
            worth=100,
            valid_days=random.choice([1, 4, 30]),
        ),
        Prize("parcel", 12, needs="address", has_voucher=False, slices=slices()),
    )
    return tuple(replace(one, limit=1) if random.random() < 0.05 else one for one in basic)
