"""A bad line between a client and a server: it loses, doubles, cuts, breaks off and holds back, by a seed."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

FAULTS: Final = ("lose", "double", "truncate", "reset", "hold")
AWAY: Final = "away"
HELD_SECONDS: Final = (0.01, 0.4)  # between which a request that was given up still reaches the server
AWAY_SECONDS: Final = (0.05, 0.5)  # between which nobody can connect


class BadLine(AbstractContextManager["BadLine"]):
    """Passes HTTP/1.1 through to `server_url`, from a thread of its own; `url` leads to it.

    A `share` of the requests meets a fault. lose: the server carries it out and its answer is dropped. double: it is
    carried out twice, and the second answer arrives. truncate: the answer breaks off in its middle. reset: nothing is
    passed on. hold: the client is cut off, and the server gets the request later. away: whoever is not connected cannot
    connect for a moment; whoever is goes on.
    """

    def __init__(self, server_url: str, seed: int, share: float = 0.0, faults: Sequence[str] = FAULTS) -> None:
        at = urlsplit(server_url)
        assert at.hostname and at.port
        self._server, self.share, self._faults = (at.hostname, at.port), share, faults
        self._random, self._port, self._is_cut = random.Random(seed), 0, False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad line", daemon=True)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.met: Counter[str] = Counter()
        self.requests = 0

    @property
    def url(self) -> str:
        """Where the client finds the server."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "BadLine":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)
        return self

    def __exit__(self, *_fault: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self, is_cut: bool = True) -> None:
        """From now on nothing passes, until it is called with False."""
        self._is_cut = is_cut

    def quiet(self) -> None:
        """Wait until what is held back has arrived, and everybody can connect."""
        asyncio.run_coroutine_threadsafe(self._held(), self._loop).result(30)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._talk, "127.0.0.1", self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def _listen_again(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()

    async def _end(self) -> None:
        self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _held(self) -> None:
        held = [task for task in self._tasks if task.get_name() in ("held", AWAY)]
        if held:
            await asyncio.wait(held)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not self._is_cut:
                request = await _message(reader)
                if self._is_cut or not await self._pass_on(request, writer):
                    break
        writer.transport.abort()

    async def _pass_on(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection lives on."""
        self.requests += 1
        fault = self._random.choice(self._faults) if self._random.random() < self.share else ""
        self.met[fault or "none"] += 1
        if fault == "reset":
            return False
        if fault == AWAY and self._listener.is_serving():
            self._listener.close()
            back = asyncio.ensure_future(self._listen_again(self._random.uniform(*AWAY_SECONDS)))
            back.set_name(AWAY)
            self._keep(back)
        if fault == "hold":
            held = asyncio.ensure_future(self._later(request, self._random.uniform(*HELD_SECONDS)))
            held.set_name("held")
            self._keep(held)
            return False
        answer = await self._asked(request)
        if fault == "double":
            answer = await self._asked(request)
        if fault == "lose":
            return False
        writer.write(answer[: self._random.randrange(len(answer))] if fault == "truncate" else answer)
        await writer.drain()
        return fault != "truncate"

    async def _later(self, request: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(OSError, asyncio.IncompleteReadError):
            await self._asked(request)

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self._server)
        try:
            writer.write(request)
            return await _message(reader)
        finally:
            writer.transport.abort()

    def _keep(self, task: "asyncio.Task[Any] | None") -> None:
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer; both say how long they are."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    return head + (await reader.readexactly(length) if length else b"")
