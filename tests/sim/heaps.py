"""What the model remembers: people with heaps of points, and what was bought with which."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Heap:
    """Points that came together. `ended` are those whose time was over, `again` that they were given more of it."""

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
    again: bool = False
    given: bool = False

    def is_over(self, at: datetime) -> bool:
        return self.expires is not None and self.expires <= at

    def at(self, moment: datetime) -> int:
        """What of it can pay at a moment, as far as it was not spent since."""
        if moment < self.earned or moment < self.arrives or self.is_over(moment):
            return 0
        return self.left + (0 if self.again else self.ended)


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
    paid: list[tuple[int, int]] = field(default_factory=list)
    returned: int = 0
    voucher: bytes | None = None
    voucher_state: str = ""
    store: int = 0
    expires: datetime | None = None
    used_by: str = ""
