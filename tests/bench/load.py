"""The clients of the bench, in a process of their own: `python -m tests.bench.load`.

Reads a pickled Load from its input, and writes the pickled waits and seconds. One epoll loop over plain sockets, with
every request written beforehand, so that the clients take as little as can be from the cores that they share.
"""

import pickle
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.figures import Run
from tests.bench.processes import environment


@dataclass(frozen=True, slots=True)
class Load:
    """What each client asks, one after another on one connection, and how every answer begins."""

    host: str
    port: int
    requests: Sequence[Sequence[bytes]]
    begins: bytes


def run_load(url: str, requests: Sequence[Sequence[bytes]], begins: bytes = b"HTTP/1.1 201") -> Run:
    """Ask `requests` of the server at `url` from another process, each client's one after another."""
    place = urlsplit(url)
    assert place.hostname and place.port
    load = pickle.dumps(Load(place.hostname, place.port, requests, begins))
    words = [sys.executable, "-m", __name__]
    done = subprocess.run(words, input=load, stdout=subprocess.PIPE, check=True, env=environment())
    waits, seconds = pickle.loads(done.stdout)
    return Run(waits, seconds)


class _Client:
    def __init__(self, load: Load, requests: Sequence[bytes]) -> None:
        self.socket = socket.create_connection((load.host, load.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = list(reversed(requests))
        self._begins = load.begins
        self._got = b""
        self._asked = 0.0

    def ask(self) -> bool:
        """Send the next request; False where there is none."""
        if not self._left:
            return False
        self._asked = time.perf_counter()
        self.socket.sendall(self._left.pop())
        return True

    def wait_of_answer(self) -> float | None:
        """How long the answer took, once it is there whole."""
        self._got += self.socket.recv(65536)
        head, _, body = self._got.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if not length or len(body) < int(length):
            assert self._got, "the server closed the connection"
            return None
        assert head.startswith(self._begins), self._got
        self._got = b""
        return time.perf_counter() - self._asked


def _ask_all(load: Load) -> tuple[list[float], float]:
    clients = [_Client(load, requests) for requests in load.requests]
    by_number = {client.socket.fileno(): client for client in clients}
    waits: list[float] = []
    with select.epoll() as ready:
        for number in by_number:
            ready.register(number, select.EPOLLIN)
        began = time.perf_counter()
        busy = sum(client.ask() for client in clients)
        while busy:
            for number, _event in ready.poll():
                client = by_number[number]
                wait = client.wait_of_answer()
                if wait is not None:
                    waits.append(wait)
                    busy -= not client.ask()
        seconds = time.perf_counter() - began
    for client in clients:
        client.socket.close()
    return waits, seconds


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(_ask_all(pickle.loads(sys.stdin.buffer.read()))))
