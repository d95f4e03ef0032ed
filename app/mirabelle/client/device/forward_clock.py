"""A clock that only runs forward, also while the device sleeps, and says which start of the device it counts from."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

_LINUX_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class ForwardClock(msgspec.Struct, frozen=True):
    """`elapsed` is in seconds; readings compare only under the same `start`, and "" is like no other."""

    elapsed: Callable[[], float]
    start: str


def open_clock() -> ForwardClock:
    """This device's: Linux and Android count sleep in another clock than the usual one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return ForwardClock(time.monotonic, "")
    try:
        start = _LINUX_BOOT.read_text(encoding="ascii").strip()
    except OSError:
        start = ""
    return ForwardClock(lambda: time.clock_gettime(boottime), start)
