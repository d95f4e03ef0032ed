"""A server in a process of its own that can be killed at any moment and comes back on the same port."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

from mirabelle.server.hosting import LOOPBACK, Hosting, Settings, bind, serve
from mirabelle.server.services.programme_file import read_programme

ROOT = Path(__file__).parents[1]
BACKLOG = 512


class ServerProcess(AbstractContextManager["ServerProcess"]):
    """Serves `programme` with its demo from `database_url`, "" for SQLite in `data`.

    The listening socket is this process's, so that who connects while the server is down waits for the next one.
    """

    def __init__(self, data: Path, programme: Path, database_url: str = "") -> None:
        self._listener = bind(LOOPBACK, 0)
        self._listener.listen(BACKLOG)
        self._words = [str(self._listener.fileno()), str(data), str(programme), database_url]
        self._next: subprocess.Popen[str] | None = None
        self._now: subprocess.Popen[str] | None = None
        self.kills = 0

    @property
    def port(self) -> int:
        """The port, which stays the same."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Where the server is, when it is."""
        return f"http://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Have the next server import what it needs."""
        self._next = self._next or subprocess.Popen(
            [sys.executable, "-m", "tests.server_process", *self._words],
            cwd=ROOT, pass_fds=[self._listener.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'app'}{os.pathsep}{ROOT}"},
        )  # fmt: skip

    def start(self) -> None:
        """Serve; returns once requests are answered."""
        self.prepare()
        self._now, self._next = self._next, None
        assert self._now is not None and self._now.stdin and self._now.stdout
        self._now.stdin.write("go\n")
        self._now.stdin.flush()
        assert self._now.stdout.readline() == "ready\n", "the server did not start"

    def kill(self) -> None:
        """SIGKILL."""
        assert self._now is not None
        self._now.send_signal(signal.SIGKILL)
        _reap(self._now)
        self._now = None
        self.kills += 1

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        for process in (self._now, self._next):
            if process is not None:
                process.kill()
                _reap(process)
        self._listener.close()


def _reap(process: subprocess.Popen[str]) -> None:
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


def main(listener: str, data: str, programme: str, database_url: str) -> None:
    """Wait for a word, then serve."""
    for module in ("litestar", "uvicorn", "mirabelle.server.application"):
        import_module(module)
    if not sys.stdin.readline():
        return
    inherited = socket.socket(fileno=int(listener))
    hosting = Hosting(
        settings=Settings(Path(data), demo=True),
        database_url=database_url,
        programme=read_programme(Path(programme)),
    )
    port = inherited.getsockname()[1]
    asyncio.run(serve(hosting, inherited, port, lambda _server: print("ready", flush=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
