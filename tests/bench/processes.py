"""Servers in processes of their own, so that what is measured shares nothing with what measures."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ADDRESS: Final = re.compile(r"https?://\S+")


@contextmanager
def running(*words: str) -> Iterator[str]:
    """Run `python` with `words` until the block ends; gives the address that the process prints once it is ready."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    try:
        yield next(found[0] for line in process.stdout if (found := _ADDRESS.search(line)))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def demo(data: Path, database: str = "") -> Iterator[str]:
    """The demo's server and web app as `mirabelle serve` runs them; `database` "" is SQLite in `data`."""
    more = ["--database", database] if database else []
    with running("-m", "mirabelle", "serve", "--demo", "--port", "0", "--data", str(data), *more) as url:
        yield url


def environment() -> dict[str, str]:
    """What this process has, and the places where it found the modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
