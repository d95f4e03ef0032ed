"""The sessions that were ended on this device while its secret store did not answer, and so may still hold them."""

import json
from contextlib import suppress
from pathlib import Path


class Endings:
    """Their names, in a file beside the stores: no start goes on with one of them. Nothing secret is in it."""

    def __init__(self, file: Path | None) -> None:
        """Without a `file` they are known for as long as the app runs."""
        self._file = file
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """All of them."""
        if self._file is None:
            return self._names
        with suppress(OSError, ValueError):
            return frozenset(map(str, json.loads(self._file.read_text())))
        return frozenset()

    def add(self, name: str) -> None:
        """The session `name` is over. Raises OSError."""
        self._write(self.names() | {name})

    def remove(self, name: str) -> None:
        """The secret store holds it no more, or another in its place. Raises OSError."""
        if name in self.names():
            self._write(self.names() - {name})

    def _write(self, names: frozenset[str]) -> None:
        self._names = names
        if self._file is None:
            return
        if not names:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(sorted(names)))
        new.replace(self._file)
