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


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def machine() -> str:
    """The machine that the figures are true of."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
