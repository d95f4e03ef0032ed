"""A server in a process of its own that can be killed at any moment and comes back at once, on the same port."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from mirabelle.server.hosting import LOOPBACK, Hosting, Settings, bind, serve
from mirabelle.server.services.programme_file import read_programme

ROOT = Path(__file__).parents[1]
BACKLOG = 512


class ServerProcess(AbstractContextManager["ServerProcess"]):
    """Serves `programme` with its demo from `database_url`, "" for SQLite in `data`.

    The listening socket is this process's, so that who connects while the server is down waits for the next one. The
    servers are children of one process that has imported what they need, which is most of what a start costs.
    """

    def __init__(self, data: Path, programme: Path, database_url: str = "") -> None:
        self._listener = bind(LOOPBACK, 0)
        self._listener.listen(BACKLOG)
        self._words = [str(self._listener.fileno()), str(data), str(programme), database_url]
        self._parent: subprocess.Popen[str] | None = None
        self.kills = 0

    @property
    def port(self) -> int:
        """The port, which stays the same."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Where the server is, when it is."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Serve; returns once requests are answered."""
        self._tell("start", "ready")

    def kill(self) -> None:
        """SIGKILL."""
        self._tell("kill", "killed")
        self.kills += 1

    def __enter__(self) -> "ServerProcess":
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.server_process", *self._words],
            cwd=ROOT, pass_fds=[self._listener.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'app'}{os.pathsep}{ROOT}"},
        )  # fmt: skip
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_fault: object) -> None:
        assert self._parent is not None and self._parent.stdin and self._parent.stdout
        with suppress(BrokenPipeError):
            self._parent.stdin.close()
        self._parent.wait()
        self._parent.stdout.close()
        self._listener.close()

    def _tell(self, word: str, answer: str) -> None:
        assert self._parent is not None and self._parent.stdin and self._parent.stdout
        self._parent.stdin.write(f"{word}\n")
        self._parent.stdin.flush()
        said = self._parent.stdout.readline()
        assert said == f"{answer}\n", f"the server was told to {word} and said {said!r}"


def _serve(
    listener: socket.socket, data: Path, programme: str, database_url: str, on_ready: Callable[[Any], None]
) -> None:
    hosting = Hosting(
        settings=Settings(data, demo=True), database_url=database_url, programme=read_programme(Path(programme))
    )
    asyncio.run(serve(hosting, listener, listener.getsockname()[1], on_ready))


def _warm_up(programme: str) -> None:
    """Start and stop once, so that all is imported that a start needs."""

    def stop(server: Any) -> None:
        server.should_exit = True

    with tempfile.TemporaryDirectory() as data:
        _serve(bind(LOOPBACK, 0), Path(data), programme, "", stop)


def main(listener: str, data: str, programme: str, database_url: str) -> None:
    """Start and kill a server as the lines of the standard input say; at their end, kill it."""
    import_module("sqlalchemy.dialects.postgresql.asyncpg")
    _warm_up(programme)
    inherited = socket.socket(fileno=int(listener))
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = os.fork()
            if not child:
                _be_a_server(inherited, Path(data), programme, database_url)
        else:
            child = _kill(child)
            print("killed", flush=True)
    _kill(child)


def _be_a_server(listener: socket.socket, data: Path, programme: str, database_url: str) -> NoReturn:
    """Serve until killed; who waits for a server that cannot start is told so, and why."""
    try:
        _serve(listener, data, programme, database_url, lambda _server: print("ready", flush=True))
    except BaseException:
        traceback.print_exc()
    finally:
        print("ended by itself", flush=True)
        os._exit(1)


def _kill(child: int) -> int:
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return 0


if __name__ == "__main__":
    main(*sys.argv[1:])
