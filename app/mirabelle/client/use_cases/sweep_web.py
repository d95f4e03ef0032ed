"""Removing what browsers that never came back have left on a server's disk."""

import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from mirabelle.client.repositories.kept_tills import keeps_unsent, kept_tills
from mirabelle.contract.limits import REFRESH_TOKEN_DAYS

log = logging.getLogger(__name__)

UNSEEN: Final = timedelta(days=REFRESH_TOKEN_DAYS)  # by then no session of theirs can go on


def sweep_web(directory: Path, now: datetime) -> int:
    """Remove the directories below `directory` of browsers unseen for as long as a session lasts; how many went.

    What was never sent stays, and what cannot be read: a till's scans are worth money until somebody sees to them.
    """
    gone = 0
    for kept in list(directory.iterdir()) if directory.is_dir() else []:
        if not kept.is_dir() or now.timestamp() - _last_seen([kept, *kept.iterdir()]) <= UNSEEN.total_seconds():
            continue
        if tills := kept_tills(kept, signed_in=""):
            log.warning("%s keeps %d unsent scans of till %s", kept, tills[0].scans, tills[0].id)
            continue
        if keeps_unsent(kept):
            log.warning("%s keeps what was never sent, or cannot be read", kept)
            continue
        shutil.rmtree(kept, ignore_errors=True)
        gone += 1
    return gone


def _last_seen(paths: Iterable[Path]) -> float:
    """The last write to any of `paths`, unix seconds; an open page writes at each round of its sync."""
    times = [0.0]
    for path in paths:
        with suppress(OSError):  # closed and gone meanwhile
            times.append(path.stat().st_mtime)
    return max(times)
