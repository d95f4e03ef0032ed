"""The edge: who calls, under which key, and how every refusal and fault becomes a problem document."""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from mirabelle.contract import messages as m
from mirabelle.contract.endpoints import Endpoint
from mirabelle.contract.fields import Role
from mirabelle.contract.limits import IDEMPOTENCY_KEY_CHARACTERS, IDENTIFIER_CHARACTERS
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.contract.wire import ASKED_SINCE, IDEMPOTENCY_KEY
from mirabelle.server.ledger.batches import Answer, KeyForgotten, KeyReused
from mirabelle.server.services.context import Context
from mirabelle.server.services.mail import MailNotSent
from mirabelle.server.services.problems import PROBLEM_JSON, problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage.direct import DatabaseBusy

log = logging.getLogger(__name__)

_KEY_FROM: Final = 8
_KEY_PATTERN: Final = r"^[\x21-\x7e]+$"

Ask = Request[Any, Any, Any]
Key = Annotated[
    str,
    HeaderParameter(
        name=IDEMPOTENCY_KEY,
        min_length=_KEY_FROM,
        max_length=IDEMPOTENCY_KEY_CHARACTERS,
        pattern=_KEY_PATTERN,
        description="Chosen by the caller, once for each thing to be done; the same key again gets the first answer.",
    ),
]

Since = Annotated[
    str,
    HeaderParameter(
        name=ASKED_SINCE,
        description="Unix seconds, of a request that may have been sent before under this key, and then no earlier."
        " Once its answer may be kept no more, the request is not carried out.",
    ),
]

# msgspec's own constraints are not looked at in a path, so they stand here again.
Named = Annotated[str, PathParameter(max_length=IDENTIFIER_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")]


def is_key(text: str) -> bool:
    """Whether `text` can be an idempotency key, as a `Key` is."""
    return _KEY_FROM <= len(text) <= IDEMPOTENCY_KEY_CHARACTERS and re.match(_KEY_PATTERN, text) is not None


def caller_of(context: Context, role: Role) -> Callable[[Ask], Caller]:
    """A dependency that tells who calls, and refuses everybody but `role`."""

    def caller(request: Ask) -> Caller:
        return caller_by(context, role, request.headers.get("authorization", ""), address_of(request.scope))

    return caller


def caller_by(context: Context, role: Role | None, authorization: str, address: str) -> Caller:
    """Who calls with this Authorization header from `address`; raises Refused where that is nobody, or somebody who is
    not `role`."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(Reason.NOT_SIGNED_IN)
    known = context.tokens.caller(token.strip(), context.now())
    if known is None or known.subject in context.left:
        raise Refused(Reason.SESSION_ENDED)
    if known.role != role:
        raise Refused(Reason.WRONG_ROLE)
    return replace(known, address=address)


def json_only(app: ASGIApp) -> ASGIApp:
    """A middleware: a body is JSON and says so. A guard would cost each request a copy of its handler and a thread."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        has_body = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if has_body and media_type != b"application/json":
            raise Refused(Reason.UNSUPPORTED_MEDIA_TYPE)
        await app(scope, receive, send)

    return checked


def address_of(scope: Mapping[str, Any]) -> str:
    """The network address that a request came from; of IPv6 its first 64 bits, since a customer has all that follow."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    if ":" not in address:
        return address
    try:
        whole = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(whole.ipv4_mapped or ipaddress.IPv6Address(int(whole) >> 64 << 64))


async def request_hash(request: Ask, data: m.Message | None = None) -> bytes:
    """What was asked, as a hash: a key may be used again for the same and nothing else.

    Raises msgspec.ValidationError where the body is only nearly `data`: Litestar would take "10" for 10.
    """
    body = await request.body()
    if data is not None:
        msgspec.json.decode(body, type=type(data))
    return hash_of(request.method, request.url.path, body)


def hash_of(method: str, path: str, body: bytes) -> bytes:
    """The hash of a request."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()


def answered(answer: Answer) -> Response[Any]:
    """An answer of the ledger as it was stored."""
    return Response(content=answer.body, status_code=answer.status, media_type=media_type_of(answer))


def media_type_of(answer: Answer) -> str:
    """What the body of an answer of the ledger is."""
    return "application/json" if answer.status < 400 else PROBLEM_JSON


def refused(reason: Reason, detail: str = "", **more: Any) -> Response[Any]:
    """A refusal as a problem document."""
    headers = {"WWW-Authenticate": "Bearer"} if STATUS[reason] == HTTPStatus.UNAUTHORIZED else {}
    return Response(
        content=problem_body(reason, detail, **more),
        status_code=STATUS[reason],
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def told(endpoint: Endpoint[Any]) -> dict[int, ResponseSpec]:
    """Everything `endpoint` may answer, for the OpenAPI document; what a GET finds is told by its handler's type."""
    specs: dict[int, ResponseSpec] = {}
    if endpoint.method == "POST":
        done = ResponseSpec(data_container=endpoint.answer, generate_examples=False, description="Done")
        specs[int(HTTPStatus.CREATED)] = done
    by_status: dict[int, list[str]] = {}
    for reason in (*endpoint.refusals, Reason.FAULT, Reason.BUSY):
        by_status.setdefault(STATUS[reason], []).append(reason.value)
    for status, codes in sorted(by_status.items()):
        specs[status] = ResponseSpec(
            data_container=m.Problem,
            generate_examples=False,
            media_type=PROBLEM_JSON,  # type: ignore[arg-type]
            description=", ".join(codes),
        )
    return specs


def _on_refused(_request: Ask, fault: Refused) -> Response[Any]:
    return refused(
        fault.reason, fault.detail, field=fault.field, points=fault.points, points_missing=fault.points_missing
    )


def _on_key_reused(_request: Ask, _fault: KeyReused) -> Response[Any]:
    return refused(Reason.IDEMPOTENCY_KEY_REUSED)


def _on_key_forgotten(_request: Ask, _fault: KeyForgotten) -> Response[Any]:
    return refused(Reason.OUTCOME_UNKNOWN)


def _on_mail_not_sent(_request: Ask, _fault: MailNotSent) -> Response[Any]:
    return refused(Reason.BUSY, "the mail could not be sent")


def _on_invalid(_request: Ask, fault: ValidationException) -> Response[Any]:
    first: dict[str, Any] = fault.extra[0] if isinstance(fault.extra, list) and fault.extra else {}
    field, detail = str(first.get("key", "")) or None, str(first.get("message", ""))
    if first.get("source") == "header":
        field = IDEMPOTENCY_KEY  # the only one that is looked at
    if not first and IDEMPOTENCY_KEY.lower() in fault.detail.lower():
        return refused(Reason.IDEMPOTENCY_KEY_MISSING, field=IDEMPOTENCY_KEY)
    if field == "data":
        field, detail = None, "a JSON object is needed"
    return refused(Reason.INVALID, detail, field=field)


def _on_inexact(_request: Ask, fault: msgspec.ValidationError) -> Response[Any]:
    detail, _, path = str(fault).partition(" - at `$.")
    return refused(Reason.INVALID, detail, field=path.rstrip("`") or None)


def _on_too_deep(_request: Ask, _fault: RecursionError) -> Response[Any]:
    return refused(Reason.MALFORMED, "nested too deeply")


def _on_malformed(_request: Ask, _fault: UnicodeDecodeError) -> Response[Any]:
    return refused(Reason.MALFORMED, "not UTF-8")


_BY_STATUS: Final = {
    400: Reason.MALFORMED,
    401: Reason.NOT_SIGNED_IN,
    404: Reason.NOT_FOUND,
    405: Reason.METHOD_NOT_ALLOWED,
    413: Reason.TOO_LARGE,
    415: Reason.UNSUPPORTED_MEDIA_TYPE,
}


def _on_http(_request: Ask, fault: HTTPException) -> Response[Any]:
    response = refused(_BY_STATUS.get(fault.status_code, Reason.FAULT))
    if isinstance(fault, MethodNotAllowedException) and fault.headers:
        response.headers.update(fault.headers)
    return response


def _on_busy(request: Ask, fault: Exception) -> Response[Any]:
    log.warning("the database did not serve %s %s: %s", request.method, request.url.path, fault)
    return refused(Reason.BUSY)


# SQLSTATE classes under which PostgreSQL ends a connection: it is lost, out of resources, or an operator steps in.
_ENDED: Final = ("08", "53", "57")


def _on_database_fault(request: Ask, fault: DBAPIError) -> Response[Any]:
    ended = fault.connection_invalidated or str(getattr(fault.orig, "sqlstate", "")).startswith(_ENDED)
    return (_on_busy if ended else _on_fault)(request, fault)


def _on_fault(request: Ask, fault: Exception) -> Response[Any]:
    log.error("fault in %s %s", request.method, request.url.path, exc_info=fault)
    return refused(Reason.FAULT)


HANDLERS: Final[dict[Any, Any]] = {
    Refused: _on_refused,
    KeyReused: _on_key_reused,
    KeyForgotten: _on_key_forgotten,
    MailNotSent: _on_mail_not_sent,
    ValidationException: _on_invalid,
    msgspec.ValidationError: _on_inexact,
    NotFoundException: _on_http,
    ClientException: _on_http,
    HTTPException: _on_http,
    DatabaseBusy: _on_busy,
    DBAPIError: _on_database_fault,
    OperationalError: _on_busy,
    InterfaceError: _on_busy,
    PoolExhausted: _on_busy,
    OSError: _on_busy,
    UnicodeDecodeError: _on_malformed,
    RecursionError: _on_too_deep,
    Exception: _on_fault,
}


def problem_of(request: Ask, fault: Exception) -> Response[Any]:
    """What `fault` is told as."""
    handler = next(HANDLERS[kind] for kind in type(fault).__mro__ if kind in HANDLERS)
    told: Response[Any] = handler(request, fault)
    return told


ETAG: Final = ResponseHeader(name="ETag", documentation_only=True, description="Names what is answered.")
IfNoneMatch = Annotated[str, HeaderParameter(name="If-None-Match", description="An ETag that was answered before.")]
NOT_MODIFIED: Final = {304: ResponseSpec(data_container=None, description="Nothing changed since the named ETag.")}


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether an If-None-Match header names `etag`, by the weak comparison of RFC 9110, 13.1.2."""
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag.removeprefix("W/") in known or known == ["*"]
