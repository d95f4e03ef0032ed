"""The wire between an app and a server, on which replies get lost and connections fail when a test says so."""

import asyncio
import secrets
import threading
from collections import Counter
from contextlib import AbstractContextManager, suppress
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

CHUNK = 65536


class Wire(AbstractContextManager["Wire"]):
    """Passes TCP through to `server_url`, from a thread of its own. `url` leads to it; `carried` counts its bytes.

    As a proxy on the server's machine it says where requests come from: each wire from an address of its own, for which
    the server counts what may be tried only so often.
    """

    def __init__(self, server_url: str) -> None:
        at = urlsplit(server_url)
        assert at.hostname and at.port
        self._server, self._port = (at.hostname, at.port), 0
        self._address = ".".join(["10", *(str(part) for part in secrets.token_bytes(3))])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._listener: asyncio.Server | None = None
        self._talks: set[asyncio.Task[Any]] = set()
        self._to_lose: Counter[str] = Counter()
        self._last: set[str] = set()
        self._to_cut: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.carried = 0

    @property
    def url(self) -> str:
        """Where the app finds the server."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> "Wire":
        self._thread.start()
        self.mend()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lose_reply(self, request: str, times: int = 1) -> None:
        """The server carries `request` ("POST /api/v1/redemptions", with * for what an id is) out, but its answer does
        not arrive."""
        self._to_lose[request] += times

    def lose_reply_and_all(self, request: str) -> None:
        """As `lose_reply`, and from then on nobody can be reached until `mend`."""
        self.lose_reply(request)
        self._last.add(request)

    def _next_lost(self, request: str) -> str | None:
        return next((each for each, times in self._to_lose.items() if times and fnmatchcase(request, each)), None)

    def cut_reply(self, request: str, after: int) -> None:
        """Of the next answer to `request` only the first bytes arrive."""
        self._to_cut[request] = after

    def cut(self) -> None:
        """Nobody can be reached until `mend`; what is under way breaks off."""
        self._run(self._cut())

    def mend(self) -> None:
        """The server can be reached, where it could before."""
        self._run(self._mend())

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _mend(self) -> None:
        self._listener = await asyncio.start_server(self._talk, "127.0.0.1", self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for talk in self._talks:
            talk.cancel()
        if self._talks:
            await asyncio.wait(self._talks)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        to_server: asyncio.StreamWriter | None = None
        with suppress(OSError, asyncio.CancelledError):
            from_server, to_server = await asyncio.open_connection(*self._server)
            asked: list[str] = []
            directions = (self._forth(reader, to_server, asked), self._back(from_server, writer, asked))
            ways = [asyncio.ensure_future(way) for way in directions]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, to_server):
            if end is not None:
                end.transport.abort()
        self._talks.discard(task)

    async def _forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        while chunk := await reader.read(CHUNK):
            self.carried += len(chunk)
            head, end, rest = chunk.partition(b"\r\n")
            first_line = head.decode("latin-1")
            if first_line.endswith("HTTP/1.1"):
                asked[:] = [first_line.removesuffix(" HTTP/1.1").split("?")[0]]
                self.requests[asked[0]] += 1
                writer.write(head + f"\r\nX-Forwarded-For: {self._address}".encode() + end + rest)
            else:
                writer.write(chunk)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        while chunk := await reader.read(CHUNK):
            # The answer is there, so its effect is committed: now it gets lost.
            if asked and (lost := self._next_lost(asked[0])):
                self._to_lose[lost] -= 1
                self.lost[asked[0]] += 1
                if lost in self._last and self._listener is not None:
                    self._last.remove(lost)
                    self._listener.close()
                    self._listener = None
                return
            if asked and asked[0] in self._to_cut:
                left = self._to_cut[asked[0]]
                self._to_cut[asked[0]] -= len(chunk)
                if left <= len(chunk):
                    del self._to_cut[asked[0]]
                    writer.write(chunk[:left])
                    await writer.drain()
                    return
            self.carried += len(chunk)
            writer.write(chunk)
            await writer.drain()
