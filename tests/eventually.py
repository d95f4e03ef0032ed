"""Waiting for what a running server does by itself."""

import threading
import time
from collections.abc import Callable

PATIENCE_SECONDS = 30


def eventually(true: Callable[[], bool]) -> None:
    """Return once `true` is; a machine that is busy gets its time."""
    until, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not true():
        assert time.monotonic() < until, "it never came true"
        pause.wait(0.1)
