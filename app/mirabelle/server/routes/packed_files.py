"""The web app's own files made small, once for all who load them: a browser's first visit is 5 MB instead of 14."""

import asyncio
from typing import Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from mirabelle.server.routes.packing import packed_for, packing_for

_PACKED: Final = (".wasm", ".js", ".mjs", ".json", ".otf", ".ttf")  # other files are small already
_MOST_BYTES: Final = 32 * 1024 * 1024  # of them all, packed: a browser loads 5 MB
_ASKS_FOR_LESS: Final = {b"range", b"if-none-match", b"if-modified-since"}
_OF_THE_WHOLE: Final = {b"content-length", b"accept-ranges", b"etag"}

Headers = list[tuple[bytes, bytes]]


class PackedFiles:
    """An ASGI application before that of the web app, whose files stay as they are while it runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[tuple[str, str], tuple[Headers, bytes] | None] = {}  # None: goes as it is
        self._one_by_one = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file as it is kept, packed for this browser; leave everything else to the web app."""
        headers = dict(scope.get("headers", ()))
        packing = packing_for(headers.get(b"accept-encoding", b"").decode("latin-1"))
        name = scope.get("path", ""), packing
        is_file = scope["type"] == "http" and scope["method"] == "GET" and name[0].endswith(_PACKED)
        if not is_file or not packing or _ASKS_FOR_LESS & headers.keys():
            await self._app(scope, receive, send)
            return
        if name not in self._kept:
            async with self._one_by_one:  # the first who asks has it packed for the others
                if name not in self._kept:
                    await self._keep(name, scope, receive)
        if kept := self._kept.get(name):
            await send({"type": "http.response.start", "status": 200, "headers": kept[0]})
            await send({"type": "http.response.body", "body": kept[1], "more_body": False})
        else:
            await self._app(scope, receive, send)

    async def _keep(self, name: tuple[str, str], scope: Scope, receive: Receive) -> None:
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            heard.append(message)

        await self._app(scope, receive, hear)
        start, *parts = heard
        if start["type"] != "http.response.start" or start["status"] != 200:
            return
        body = b"".join(part["body"] for part in parts if part["type"] == "http.response.body")
        small, packed = await asyncio.to_thread(packed_for, name[1], body)
        if not packed or self._bytes() + len(small) > _MOST_BYTES:
            self._kept[name] = None
            return
        told = dict(start["headers"])
        # The same file in other bytes: a browser that has either is told that it has the newest.
        etag = [(b"etag", b"W/" + told[b"etag"])] if b"etag" in told else []
        more = {**packed, "Vary": "Accept-Encoding", "Content-Length": str(len(small))}
        headers = [(key, value) for key, value in told.items() if key not in _OF_THE_WHOLE]
        self._kept[name] = (
            headers + etag + [(key.lower().encode(), value.encode()) for key, value in more.items()],
            small,
        )

    def _bytes(self) -> int:
        return sum(len(kept[1]) for kept in self._kept.values() if kept)
