"""A client's line to servers that are killed: it asks again under the same key until it is answered."""

import asyncio
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY

LOST_SHARE = 0.2  # of the replies to what was done
PATIENCE_SECONDS = 60  # for one answer, which is many times what a start after a kill takes
BUSY = 503
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Line:
    """Connections to `ports`, taken at random, and what happened on them.

    Of the replies, some are lost: the server has done it, and the client behaves as if it had heard nothing.
    """

    ports: list[int]
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _idle: dict[int, list[Talk]] = field(default_factory=dict)

    async def get(self, path: str, token: str) -> Reply:
        """Read `path`."""
        return await self._until_answered("GET", path, token, b"", "")

    async def post(self, path: str, token: str, body: Any, key: str, *, kept: bool = True) -> Reply:
        """Write to `path`. An answer that the server keeps must be the same whenever the key comes again."""
        raw = b"" if body is None else json.dumps(body).encode()
        reply = await self._until_answered("POST", path, token, raw, key)
        if self.dice.random() < LOST_SHARE:
            self.counts["replies lost"] += 1
            again = await self._until_answered("POST", path, token, raw, key)
            if kept and 401 not in (reply.status, again.status) and again != reply:  # a token may end between the two
                self.wrong.append(f"{path}: {key} was answered {reply.body!r}, then {again.body!r}")
            reply = again
        return reply

    def close(self) -> None:
        """Hang up."""
        for talks in self._idle.values():
            for _, writer in talks:
                writer.close()

    async def _until_answered(self, method: str, path: str, token: str, body: bytes, key: str) -> Reply:
        while True:
            port = self.dice.choice(self.ports)
            try:
                reply = await asyncio.wait_for(self._ask(port, method, path, token, body, key), PATIENCE_SECONDS)
            except TimeoutError:  # an OSError too, but nobody died: asking again would hide that nothing answers
                raise
            except (OSError, asyncio.IncompleteReadError):
                self.counts["connections that broke"] += 1  # its server was killed: nobody knows what was done
                continue
            if reply.status == BUSY:
                self.counts["busy"] += 1
                await asyncio.sleep(0.01)
                continue
            if reply.status >= 500:
                self.wrong.append(f"{method} {path} was answered {reply.status}")
            return reply

    async def _ask(self, port: int, method: str, path: str, token: str, body: bytes, key: str) -> Reply:
        idle = self._idle.setdefault(port, [])
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        lines = [f"{method} {API_PREFIX}{path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/json"] if body else []
        lines += [f"{IDEMPOTENCY_KEY}: {key}"] if key else []
        lines += [f"Authorization: Bearer {token}"] if token else []
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            content = await reader.readexactly(int(length[1])) if length else b""
        except BaseException:
            writer.transport.abort()
            raise
        idle.append((reader, writer))
        return Reply(int(head[9:12]), content)
