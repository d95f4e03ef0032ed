"""What an operator should look at: travel that nobody can do, and tills that refuse unlike the others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby, pairwise
from math import asin, cos, radians, sin, sqrt
from statistics import median
from typing import Final

FASTEST_KM_PER_HOUR: Final = 120
FEWEST_SCANS: Final = 20
TIMES_THE_MEDIAN: Final = 3
POINTS_OVER_THE_MEDIAN: Final = Fraction(10, 100)

_EARTH_KM: Final = 6371.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A participant's voucher, accepted at a store."""

    participant: str
    voucher: str
    store: int
    till: str
    at: datetime
    scan: str


@dataclass(frozen=True, slots=True)
class Travel:
    """Two visits that are too far apart for the time between them."""

    first: Visit
    second: Visit
    km: float


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many scans a till made, and how many of them were refused."""

    till: str
    scans: int
    refused: int

    @property
    def share(self) -> Fraction:
        """The refused part of all."""
        return Fraction(self.refused, self.scans)


def distance_km(one: Place, other: Place) -> float:
    """The way between two places along the earth's surface (the haversine formula)."""
    up = radians(other.latitude - one.latitude)
    across = radians(other.longitude - one.longitude)
    inner = sin(up / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(across / 2) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(inner)))


def impossible_travel(visits: Iterable[Visit], places: Mapping[int, Place]) -> list[Travel]:
    """Each participant's visits in a row that take more than 120 km/h, between stores whose place is known."""
    known = sorted((v for v in visits if v.store in places), key=lambda v: (v.participant, v.at, v.scan))
    found = []
    for _, mine in groupby(known, key=lambda visit: visit.participant):
        for first, second in pairwise(mine):
            km = distance_km(places[first.store], places[second.store])
            hours = (second.at - first.at).total_seconds() / 3600
            if first.store != second.store and km > FASTEST_KM_PER_HOUR * hours:
                found.append(Travel(first, second, km))
    return sorted(found, key=lambda travel: travel.second.at)


def unusual_tills(counts: Iterable[Refusals]) -> tuple[list[Refusals], Fraction]:
    """The tills that refuse far more than is usual, the worst first, and the median share.

    Of tills with at least 20 scans: one whose share of refusals is at least three times the median share of them all,
    and at least 10 percentage points above it.
    """
    busy = [count for count in counts if count.scans >= FEWEST_SCANS]
    usual = median(count.share for count in busy) if busy else Fraction(0)
    unusual = [
        count
        for count in busy
        if count.share >= TIMES_THE_MEDIAN * usual and count.share >= usual + POINTS_OVER_THE_MEDIAN
    ]
    return sorted(unusual, key=lambda count: (-count.share, count.till)), Fraction(usual)
