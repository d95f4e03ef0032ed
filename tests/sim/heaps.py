"""What the model remembers: people with heaps of points, and what was bought with which."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Heap:
    """Points that came together. `ended` are those whose time was over; `first_end` is when, if they got more of it.

    `given` points are somebody else's now, `back` ones had been spent until `back_at`.
    """

    number: int
    source: str
    earned: datetime
    arrives: datetime
    expires: datetime | None
    points: int
    left: int
    here: bool
    renew_days: int | None
    version: int
    ended: int = 0
    refunded: int = 0
    owed: int = 0
    extended: int = 0
    extended_at: datetime | None = None
    transferred: bool = False
    given: int = 0
    back: int = 0
    back_at: datetime | None = None
    first_end: datetime | None = None

    def is_over(self, at: datetime) -> bool:
        return self.expires is not None and self.expires <= at

    def at(self, moment: datetime) -> int:
        """What of it can pay at a moment, as far as it was not spent since."""
        if moment < self.earned or moment < self.arrives or self.is_over(moment):
            return 0
        away = self.back if self.back_at and moment < self.back_at else 0
        return max(self.left - away, 0) + self.ended_after(moment)

    def ended_after(self, moment: datetime) -> int:
        """What ended, but not yet at a moment; of points that got more time nobody knows."""
        return 0 if self.first_end or self.is_over(moment) else self.ended


@dataclass(slots=True)
class Person:
    name: str
    heaps: list[Heap] = field(default_factory=list)
    held: int = 0
    owed: int = 0
    tier: str = ""
    active: datetime | None = None

    def available(self) -> int:
        return sum(heap.left for heap in self.heaps if heap.here)

    def pending(self) -> int:
        return sum(heap.left for heap in self.heaps if not heap.here)

    def payers(self, at: datetime) -> list[Heap]:
        """Soonest to end first, what never ends last, then as earned."""
        mine = [heap for heap in self.heaps if heap.at(at)]
        return sorted(mine, key=lambda h: (h.expires is None, h.expires or at, h.earned, h.number))

    def can_pay(self, at: datetime) -> int:
        return sum(heap.at(at) for heap in self.heaps)


@dataclass(slots=True)
class Bought:
    """A redemption, with its voucher if it has one."""

    id: str
    owner: str
    prize: str
    points: int
    state: str
    at: datetime
    paid: list[tuple[int, int]] = field(default_factory=list)
    returned: int = 0
    voucher: bytes | None = None
    voucher_state: str = ""
    store: int = 0
    expires: datetime | None = None
    used_by: str = ""
    use: int = 1
    uses: list["Used"] = field(default_factory=list)
    worth: int | None = None
    holds: list["Held"] = field(default_factory=list)

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds if hold.state == "held")

    def holds_now(self, hold: str) -> bool:
        return any(one.id == hold and one.state == "held" for one in self.holds)

    @property
    def taken(self) -> int:
        return sum(hold.captured for hold in self.holds if hold.state == "captured")


@dataclass(slots=True)
class Used:
    """A scan that had a voucher's use, and whether that was undone."""

    scan: str
    till: str
    use: int
    at: datetime
    undone: bool = False


@dataclass(slots=True)
class Held:
    """Money that a till set aside until it `ends`: "held", "released", "captured" or "undone"."""

    id: str
    till: str
    amount: int
    ends: datetime
    state: str = "held"
    captured: int = 0
    at: datetime | None = None
