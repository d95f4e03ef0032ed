"""What a comparison found, and how it is told."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison: what `ours` and `bare` took in seconds, sample by sample, each made of `each` operations."""

    name: str
    bare_name: str
    ours: Sequence[float]
    bare: Sequence[float]
    each: int = 1

    def told(self) -> str:
        """The ratio of the medians, the medians themselves, and of how many samples."""
        ours, bare = statistics.median(self.ours) / self.each, statistics.median(self.bare) / self.each
        samples = f"{len(self.ours)} samples" + (f" of {self.each}" if self.each > 1 else "")
        return f"{ours / bare:6.2f} x   {self.name} {_time(ours)}, {self.bare_name} {_time(bare)}   ({samples} each)"


@dataclass(frozen=True, slots=True)
class Run:
    """A closed loop: how long each caller waited each time, and how long all of it took, in seconds."""

    waits: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Operations a second."""
        return len(self.waits) / self.seconds

    @property
    def p99(self) -> float:
        """The wait that one in a hundred exceeds, in seconds."""
        return statistics.quantiles(self.waits, n=100)[-1]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rounds of two closed loops in turn, and what their ratio should be; `wanted_p99` is the most their p99s may."""

    name: str
    bare_name: str
    ours: Sequence[Run]
    bare: Sequence[Run]
    wanted: float
    wanted_p99: float | None = None

    def told(self) -> str:
        """The ratio of the rates and, where it is limited, of the p99s: medians over the rounds."""
        ours, bare = (statistics.median(run.rate for run in runs) for runs in (self.ours, self.bare))
        told = f"{ours / bare:6.2f} x   {self.name} {ours:.0f}/s, {self.bare_name} {bare:.0f}/s"
        rate = f"{told} (wanted: >= {self.wanted:.2f} x)"
        if self.wanted_p99 is None:
            return rate
        ours, bare = (statistics.median(run.p99 for run in runs) for runs in (self.ours, self.bare))
        p99 = (
            f"{ours / bare:6.2f} x   its p99 {_time(ours)}, the floor's {_time(bare)} (wanted: <= {self.wanted_p99} x)"
        )
        return f"{rate}\n{p99}"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def memory_told(kibibytes: int) -> str:
    """An amount of memory in MiB."""
    return f"{kibibytes / 1024:.0f} MiB"


def machine() -> str:
    """The machine that the figures are true of."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
