"""Who has a store's file open, in whatever process: only whoever is alone with it may put another in its place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from mirabelle.client.store.gone import identity

BUSY_SECONDS: Final = 5
_LOCK: Final = (
    ".lock"  # stays empty: of use are SQLite's locks on it, which every system has and which end with a process
)


class Held(sqlite3.Connection):
    """A connection to a store's file, which it holds for as long as it is open."""

    is_open = True
    _hold: sqlite3.Connection | None = None

    def take(self, hold: sqlite3.Connection) -> None:
        """Hold the file by `hold`."""
        self._hold = hold

    def let_go(self) -> None:
        """Hold the file no more."""
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def close(self) -> None:
        """Close the connection, and let go of the file."""
        super().close()
        self.is_open = False
        self.let_go()

    def close_leaving_log(self, path: str) -> None:
        """Close it, and leave the log at `path` as it is: the last to close a file would remove what it takes of it."""
        with closing(read_only(path)) as last:
            with suppress(sqlite3.Error):
                last.execute("SELECT 1 FROM sqlite_schema").fetchone()
            self.close()


def read_only(path: str) -> sqlite3.Connection:
    """A connection to the file at `path` that changes nothing, not even by closing; raises sqlite3.Error."""
    return sqlite3.connect(address(path, "ro"), uri=True)


def address(path: str, mode: Literal["ro", "rw"]) -> str:
    """What SQLite opens the file at `path` by, and nothing where there is none."""
    return f"{Path(path).absolute().as_uri()}?mode={mode}"


def make_folder(folder: Path) -> None:
    """Make `folder`, where there is none, for nobody else. Raises OSError."""
    for each in reversed((folder, *folder.parents)):
        each.mkdir(mode=0o700, exist_ok=True)  # parents made by `mkdir` itself would be open to others


def hold(path: str) -> sqlite3.Connection:
    """Holds the file at `path` until it is closed; raises sqlite3.Error where another is being put in its place."""
    lock = _lock(path, BUSY_SECONDS)
    try:
        lock.execute("PRAGMA cache_size = 1")  # the file stays empty: SQLite would set room for 20 pages aside
        lock.execute("PRAGMA shrink_memory")
        lock.execute("BEGIN")
        lock.execute("SELECT 1 FROM sqlite_schema").fetchall()
    except BaseException:
        lock.close()
        raise
    return lock


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Keep everybody else out of the file; raises sqlite3.OperationalError where somebody holds it."""
    with closing(_lock(path, 0)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def alone_for_now(path: str) -> Iterator[None]:
    """The same, where nobody holds the file for long, nor needs to: what it is locked by is there only meanwhile."""
    file = Path(path + _LOCK)
    file.touch(mode=0o600)
    found = identity(str(file))
    with alone(path):
        if identity(str(file)) != found:
            raise sqlite3.OperationalError("somebody who was alone has just removed it")
        try:
            yield
        finally:
            with suppress(OSError):  # a system that removes no file which is open leaves an empty one
                file.unlink()


def _lock(path: str, seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(path + _LOCK, timeout=seconds, isolation_level=None, check_same_thread=False)
