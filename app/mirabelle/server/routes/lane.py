"""A short way to the endpoints that the busiest day is made of: what is well-formed goes straight to its service.

All else goes on to the application as it came, so that the rules of refusing stand in one place.
"""

import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from mirabelle.contract import endpoints as e
from mirabelle.contract.limits import REQUEST_BYTES
from mirabelle.contract.wire import API_PREFIX, ASKED_SINCE, IDEMPOTENCY_KEY
from mirabelle.server.ledger.batches import Answer
from mirabelle.server.routes.edge import address_of, caller_by, hash_of, is_key, media_type_of, problem_of
from mirabelle.server.routes.packing import COMPRESS_FROM_BYTES
from mirabelle.server.services import redemptions, scans
from mirabelle.server.services.context import Context
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller

_KEY: Final = IDEMPOTENCY_KEY.lower().encode()
_SINCE: Final = ASKED_SINCE.lower().encode()
_GZIP_LEVEL: Final = 9

Service = Callable[[Context, Caller, Any, str, bytes], Awaitable[Answer]]
SERVICES: Final[tuple[tuple[e.Endpoint[Any], Service], ...]] = (
    (e.REDEEM, redemptions.redeem),
    (e.SCAN, scans.scan),
)


@dataclass(frozen=True, slots=True)
class _Way:
    endpoint: e.Endpoint[Any]
    service: Service
    body: msgspec.json.Decoder[Any]


@dataclass(frozen=True, slots=True)
class _Letter:
    """A well-formed request: whose it is, what it asks, and under which key."""

    caller: Caller
    data: Any
    key: str
    hash: bytes


def with_lane(context: Context, app: ASGIApp) -> ASGIApp:
    """`app`, with the short way before it."""
    ways = {
        API_PREFIX + endpoint.path: _Way(endpoint, service, msgspec.json.Decoder(endpoint.request))
        for endpoint, service in SERVICES
    }

    async def laned(scope: Scope, receive: Receive, send: Send) -> None:
        way = ways.get(scope.get("path", ""))
        headers = dict(scope["headers"]) if way and scope["type"] == "http" else {}
        if way is None or not _is_plain(scope, headers):
            await app(scope, receive, send)
            return
        first = await receive()
        letter = _read(context, way, scope, headers, first)
        if letter is None:
            await app(scope, _once_more(first, receive), send)
            return
        try:
            answer = await way.service(context, letter.caller, letter.data, letter.key, letter.hash)
        except Exception as fault:
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            await problem_of(request, fault).to_asgi_response(app=None, request=request)(scope, receive, send)
        else:
            await _send(answer, headers, send)

    return laned


def _is_plain(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether nothing about the request is out of the ordinary, as far as its headers tell."""
    is_json = headers.get(b"content-type") == b"application/json" and b"transfer-encoding" not in headers
    is_first = _SINCE not in headers
    return scope.get("method") == "POST" and is_json and is_first and len(headers) == len(scope["headers"])


def _read(context: Context, way: _Way, scope: Scope, headers: Mapping[bytes, bytes], first: Message) -> _Letter | None:
    """The letter in a request whose body came with the `first` message; None where something is wrong with it."""
    if first["type"] != "http.request" or first.get("more_body"):
        return None
    body, key = first["body"], headers.get(_KEY, b"").decode("latin-1")
    if len(body) > REQUEST_BYTES or not is_key(key):
        return None
    try:
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        caller = caller_by(context, way.endpoint.role, authorization, address_of(scope))
        body.decode()  # of fields that nobody knows as well, which the decoder skips
        data = way.body.decode(body)
    except (Refused, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return _Letter(caller, data, key, hash_of(way.endpoint.method, scope["path"], body))


def _once_more(first: Message, receive: Receive) -> Receive:
    """`receive` as it was before it gave `first`."""
    given = [first]

    async def again() -> Any:
        return given.pop() if given else await receive()

    return again


async def _send(answer: Answer, asked: Mapping[bytes, bytes], send: Send) -> None:
    body, more = answer.body, []
    if len(body) >= COMPRESS_FROM_BYTES and b"gzip" in asked.get(b"accept-encoding", b""):
        body = gzip.compress(body, _GZIP_LEVEL)
        more = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers = [(b"content-type", media_type_of(answer).encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
