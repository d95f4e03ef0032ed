"""The typed client of the API: the only place that knows httpx, and that turns its faults into ours."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import msgspec

from mirabelle.contract.messages import Message, Problem
from mirabelle.contract.pictures import PROOF_HEADER, path_of
from mirabelle.contract.reasons import Reason
from mirabelle.contract.wire import API_PREFIX, ASKED_SINCE, IDEMPOTENCY_KEY

if TYPE_CHECKING:
    import ssl

    import httpx

    from mirabelle.contract.endpoints import Endpoint

log = logging.getLogger(__name__)

A = TypeVar("A")

CONNECT_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 10.0  # without a byte of it
_NOT_MODIFIED: Final = 304
_UNASKED: Final = ("accept", "connection", "user-agent")  # headers that say nothing here, in each request
_PACKED: Final = "gzip"  # the one way to pack an answer that is unpacked here, see `_received`
_PROBLEM: Final = "application/problem+json"
_UNTRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"  # all that httpx 0.28 tells of it
_SIGN_IN_FIRST: Final = 511


class Patience(msgspec.Struct, frozen=True):
    """How many seconds an answer may take, until its last byte: `whole`, longer the more of it has come, for as long as
    that is not slower than the `slowest` line, in bytes a second, and not for ever."""

    whole: float = 60.0
    slowest: float = 250.0
    longest: float = 900.0  # in which such a line brings a page of the catalog

    def seconds(self, came: int) -> float:
        """How many seconds since it was asked for, once so many bytes of it came."""
        return min(self.whole + came / self.slowest, self.longest)


PATIENCE: Final = Patience()


class Refusal(msgspec.Struct, frozen=True):
    """The server said no, and why. `reason` is a stable code of `contract.reasons`."""

    reason: str
    status: int
    detail: str
    problem: Problem | None


class Changed(msgspec.Struct, Generic[A], frozen=True):
    """An answer, and the ETag that names it."""

    answer: A
    etag: str


class NoAnswer(Exception):
    """There is no answer from the server."""


class NotSent(NoAnswer):
    """The server could not be reached: surely nothing was done."""


class LostAnswer(NoAnswer):
    """The request may have been carried out, but its answer is lost: ask again with the same key."""


class Untrusted(NotSent):
    """Whoever is there cannot prove to be the server: its certificate is not one to trust."""


class WrongServer(NoAnswer):
    """Something answered that is no Mirabelle server."""


class Portal(WrongServer):
    """It looks like the page of a network that wants to be signed in to, such as a hotel's."""


class Tokens(Protocol):
    """Where the API finds the access token, and how it gets a new one."""

    def access_token(self) -> str | None:
        """The access token, if anybody is signed in."""

    async def renew(self, stale: str) -> Refusal | None:
        """Get a new access token in place of `stale`; the refusal if that is not granted."""

    @property
    def who(self) -> object | None:
        """Who is signed in; another object for another person."""


class Api:
    """Calls endpoints at `base_url`. `on_contact` is told whether the server could be reached, at each call. Where the
    app runs beside the server, for a browser elsewhere, `browser` is the network address that its calls are made for.
    """

    def __init__(self, base_url: str, on_contact: Callable[[bool], None], patience: Patience = PATIENCE) -> None:
        self._base_url = base_url.rstrip("/") + API_PREFIX
        self._on_contact, self._patience = on_contact, patience
        self._client: httpx.AsyncClient | None = None
        self.tokens: Tokens | None = None
        self.language = "en"
        self.browser = ""

    async def call(
        self,
        endpoint: "Endpoint[A]",
        *,
        body: Message | bytes | None = None,
        key: str | None = None,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        since: datetime | None = None,
    ) -> A | Refusal:
        """The endpoint's answer, or its refusal; raises NotSent, LostAnswer or WrongServer.

        A `body` that was written down before it was sent is sent as it stands: a key stands for its very bytes. What
        may have been sent before says `since` when, by the server's clock.
        """
        url = self._base_url + _filled(endpoint.path, path or {})
        content = msgspec.json.encode(body) if isinstance(body, Message) else body

        async def send() -> "tuple[httpx.Response, str | None]":
            token = self.tokens.access_token() if self.tokens and endpoint.role else None
            headers = {"Accept-Language": self.language}
            if content is not None:
                headers["Content-Type"] = "application/json"
            if key is not None:
                headers[IDEMPOTENCY_KEY] = key
            if since is not None:
                headers[ASKED_SINCE] = str(max(0, int(since.timestamp())))
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            return await self._send(endpoint, url, content, headers, query), token

        asker = self.tokens.who if self.tokens else None
        response, token = await send()
        answer = self._answer(endpoint, response)
        if isinstance(answer, Refusal) and answer.reason == Reason.SESSION_ENDED and self.tokens and token:
            refused = await self.tokens.renew(token)
            if refused is not None:
                return refused
            response, _ = await send()
            answer = self._answer(endpoint, response)
        if endpoint.role and self.tokens and self.tokens.who is not asker:
            raise LostAnswer  # whoever asked has left meanwhile; the store is another person's now
        return answer

    async def changed(
        self, endpoint: "Endpoint[A]", query: Mapping[str, str], known: str
    ) -> "Changed[A] | Refusal | None":
        """What anybody may ask for, unless it is what ETag `known` names: None then. Raises as `call` does."""
        headers = {"Accept-Language": self.language} | ({"If-None-Match": known} if known else {})
        response = await self._send(endpoint, self._base_url + endpoint.path, None, headers, query)
        if known and response.status_code == _NOT_MODIFIED:
            self._on_contact(True)
            return None
        answer = self._answer(endpoint, response)
        return answer if isinstance(answer, Refusal) else Changed(answer, response.headers.get("etag", ""))

    async def picture(self, name: str, width: int) -> "tuple[bytes, bytes] | Refusal":
        """A picture's proof and its file as they came, genuine or not. Raises as `call` does."""
        from mirabelle.contract.endpoints import PICTURE

        response = await self._send(PICTURE, self._base_url + path_of(name, width), None, {}, None)
        if not response.is_success:
            refused = self._answer(PICTURE, response)
            assert isinstance(refused, Refusal)
            return refused
        try:
            return bytes.fromhex(response.headers.get(PROOF_HEADER, "")), response.content
        except ValueError:
            return b"", b""

    def _answer(self, endpoint: "Endpoint[A]", response: "httpx.Response") -> A | Refusal:
        try:
            answer = _decoded(endpoint, response)
        except NoAnswer:
            self._on_contact(False)
            raise
        self._on_contact(True)
        return answer

    async def _send(
        self,
        endpoint: "Endpoint[Any]",
        url: str,
        content: bytes | None,
        headers: dict[str, str],
        query: Mapping[str, str] | None,
    ) -> "httpx.Response":
        import httpx

        client = self._client or self._open()
        try:
            asked = client.stream(endpoint.method, url, content=content, headers=headers, params=query)
            begun, seconds = asyncio.get_running_loop().time(), self._patience.seconds
            async with asyncio.timeout_at(begun + seconds(0)) as given, asked as coming:
                return await _received(
                    coming, endpoint.most_bytes, lambda came: given.reschedule(begun + seconds(came))
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            self._on_contact(False)
            raise (Untrusted if _UNTRUSTED in str(fault) else NotSent) from fault
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as fault:
            self._on_contact(False)
            raise LostAnswer from fault
        except NoAnswer:
            self._on_contact(False)
            raise

    def _open(self) -> "httpx.AsyncClient":
        import httpx

        # What the environment says of proxies is for the wide world, not for a server on this very machine.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            verify=_trusted(),
            trust_env="//127.0.0.1" not in self._base_url,
            headers={"Accept-Encoding": _PACKED} | ({"X-Forwarded-For": self.browser} if self.browser else {}),
        )
        for name in _UNASKED:
            del self._client.headers[name]
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def _received(coming: "httpx.Response", most: int, on_more: Callable[[int], None]) -> "httpx.Response":
    """The whole answer, unpacked; `on_more` is told how many bytes of it came. httpx unpacks whatever comes: some
    kilobytes may say that they are gigabytes, so no more than `most` bytes are; raises WrongServer beyond."""
    import httpx

    packing = coming.headers.pop("content-encoding", "identity").lower()
    if packing not in ("identity", _PACKED):
        raise WrongServer
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16) if packing == _PACKED else None
    body = bytearray()
    async for chunk in coming.aiter_raw():
        on_more(coming.num_bytes_downloaded)
        try:
            body += unpacking.decompress(chunk, most + 1 - len(body)) if unpacking else chunk
        except zlib.error as fault:
            raise WrongServer from fault
        if len(body) > most:
            raise WrongServer
    if unpacking and body and not unpacking.eof:
        raise LostAnswer
    return httpx.Response(coming.status_code, headers=coming.headers, content=bytes(body))


def _filled(path: str, values: Mapping[str, str]) -> str:
    from urllib.parse import quote

    for name, value in values.items():
        path = path.replace("{" + name + ":str}", quote(value, safe=""))
    return path


def _decoded(endpoint: "Endpoint[A]", response: "httpx.Response") -> A | Refusal:
    try:
        if response.is_success:
            return msgspec.json.decode(response.content, type=endpoint.answer)
        if response.headers.get("content-type", "").startswith(_PROBLEM):
            problem = msgspec.json.decode(response.content, type=Problem)
            return Refusal(problem.code, problem.status, problem.detail, problem)
    except msgspec.DecodeError as fault:
        raise (Portal if _is_page(response) else WrongServer) from fault
    if response.status_code == _SIGN_IN_FIRST or response.has_redirect_location:
        raise Portal
    if response.status_code >= 500:
        raise LostAnswer
    raise WrongServer


def _is_page(response: "httpx.Response") -> bool:
    return response.headers.get("content-type", "").startswith("text/html")


@cache
def _trusted() -> "ssl.SSLContext":
    """Whom to trust, read once: it takes longer than all else that a new page needs."""
    import ssl

    return ssl.create_default_context()


class SingleFlight:
    """Runs an action once at a time: whoever asks meanwhile gets the same answer."""

    def __init__(self, action: Callable[[], Awaitable[Any]]) -> None:
        self._action = action
        self._running: asyncio.Task[Any] | None = None

    async def __call__(self) -> Any:
        """What the action that runs now, or starts with this call, answers; raises LostAnswer when it is stopped."""
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._action())
        running = self._running
        await asyncio.wait([running])
        if running.cancelled():
            raise LostAnswer
        return running.result()

    @property
    def is_running(self) -> bool:
        """Whether the action runs now."""
        return self._running is not None and not self._running.done()

    async def stop(self) -> None:
        """Break off the action if it runs; when this returns it does not."""
        while self._running is not None and not self._running.done():
            self._running.cancel()
            await asyncio.wait([self._running])
