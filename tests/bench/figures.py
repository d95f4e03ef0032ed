"""What a comparison found, and how it is told."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison: what `ours` and `bare` took in seconds, sample by sample, each made of `each` operations; and
    the most that their ratio may be, where that is fixed."""

    name: str
    bare_name: str
    ours: Sequence[float]
    bare: Sequence[float]
    each: int = 1
    wanted: float | None = None

    def told(self) -> str:
        """The ratio of the medians, the medians themselves, and of how many samples."""
        ours, bare = statistics.median(self.ours) / self.each, statistics.median(self.bare) / self.each
        samples = f"{len(self.ours)} samples" + (f" of {self.each}" if self.each > 1 else "")
        told = f"{ours / bare:6.2f} x   {self.name} {_time(ours)}, {self.bare_name} {_time(bare)}   ({samples} each)"
        return told if self.wanted is None else f"{told} (wanted: <= {self.wanted} x)"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long one thing took each time, in seconds, how much of that the processor worked for it, and the most that
    the p99 may be, where that is fixed."""

    name: str
    seconds: Sequence[float]
    busy: Sequence[float]
    wanted: float | None = None

    def told(self) -> str:
        """The p99 and the median; the processor's share says what a machine with nothing else to do would take."""
        p99, busy = (_time(statistics.quantiles(each, n=100)[-1]) for each in (self.seconds, self.busy))
        told = f"{p99:>8}   p99 of: {self.name}, median {_time(statistics.median(self.seconds))}"
        told += f"; of the processor p99 {busy}, median {_time(statistics.median(self.busy))}"
        told += f"   ({len(self.seconds)} samples)"
        return told if self.wanted is None else f"{told} (wanted: <= {_time(self.wanted)})"


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
