"""Pictures on the device's disk: below a cap, whatever happens, and each checked whenever it is read."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mirabelle.contract import limits
from mirabelle.contract.pictures import PROOF_BYTES, is_genuine

log = logging.getLogger(__name__)

_SUFFIX: Final = ".picture"
_UNFINISHED: Final = ".part"
_FORGOTTEN_SECONDS: Final = 600  # after which nobody is still writing a file
_SEEN_SECONDS: Final = 3600  # how often it is noted on the disk that a picture was seen


class PictureFiles:
    """The pictures in `folder`, `most_bytes` of them: those seen least recently go first. Each file begins with the
    picture's proof. Several windows may share the folder."""

    def __init__(
        self, folder: Path, most_bytes: int = limits.PICTURES_KEPT_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._most_bytes, self._clock = folder, most_bytes, clock
        self._files: dict[str, tuple[int, float]] = {}  # bytes and when they were seen, those seen least recently first
        self._as_of = -1
        self._lock = threading.Lock()

    def read(self, name: str, width: int) -> bytes | None:
        """The picture `name` in that width; None where it is not here, or not as it was."""
        file = self._file(name, width)
        try:
            kept = file.read_bytes()
        except OSError:
            return None
        proof, content = kept[:PROOF_BYTES], kept[PROOF_BYTES:]
        with self._lock:
            if not is_genuine(name, width, proof, content):
                log.warning("a picture on the disk is damaged; it is fetched anew")
                with contextlib.suppress(OSError):
                    self._remove(file.name)
                return None
            self._note_seen(file, len(kept))
        return content

    def put(self, name: str, width: int, proof: bytes, content: bytes) -> None:
        """Keep a picture that is genuine; where the disk does not take it, it is only not kept."""
        file, kept = self._file(name, width), proof + content
        temporary = file.with_name(f"{file.name}.{os.getpid()}-{threading.get_ident()}{_UNFINISHED}")
        with self._lock:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._look_again()
                if len(kept) > self._most_bytes or not self._make_room(len(kept)):
                    return
                # Not flushed: one that a power cut leaves unfinished is found out when it is read.
                temporary.write_bytes(kept)
                temporary.replace(file)
                self._files.pop(file.name, None)
                self._files[file.name] = (len(kept), self._clock())
                self._as_of = self._changed_at()
            except OSError as fault:
                log.info("a picture could not be kept: %s", type(fault).__name__)
                self._as_of = -1
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def _file(self, name: str, width: int) -> Path:
        return self._folder / f"{name}-{width}{_SUFFIX}"

    def _note_seen(self, file: Path, size: int) -> None:
        _, seen = self._files.pop(file.name, (size, 0.0))
        now = self._clock()
        if not seen <= now < seen + _SEEN_SECONDS:
            try:
                os.utime(file, (now, now))
            except OSError:
                return
            seen = now
        self._files[file.name] = (size, seen)

    def _changed_at(self) -> int:
        return self._folder.stat().st_mtime_ns

    def _look_again(self) -> None:
        """Read what is there, at first and after another window wrote: all of it counts, also what is unfinished."""
        if self._changed_at() == self._as_of:
            return
        found = []
        for entry in os.scandir(self._folder):
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if entry.name.endswith(_UNFINISHED) and not 0 <= self._clock() - stat.st_mtime < _FORGOTTEN_SECONDS:
                self._remove(entry.name)
            else:
                found.append((stat.st_mtime, entry.name, stat.st_size))
        known = self._files
        rows = [(known[name][1] if name in known else at, name, size) for at, name, size in found]
        self._files = {name: (size, at) for at, name, size in sorted(rows)}
        self._as_of = self._changed_at()

    def _make_room(self, size: int) -> bool:
        """Let the oldest go until `size` bytes more are below the cap, before they are written; whether they can be."""
        total = sum(one for one, _ in self._files.values()) + size
        for name in [*self._files]:
            if total <= self._most_bytes:
                break
            if not name.endswith(_UNFINISHED):
                total -= self._files[name][0]
                self._remove(name)
        return total <= self._most_bytes

    def _remove(self, name: str) -> None:
        self._files.pop(name, None)
        (self._folder / name).unlink(missing_ok=True)
