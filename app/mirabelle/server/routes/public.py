"""What anybody may call: the programme, its catalog, signing in."""

import asyncio
import hashlib
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import account, pictures
from mirabelle.contract import catalog as cm
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract import sign_in as sm
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.server.routes.edge import (
    ETAG,
    NOT_MODIFIED,
    Ask,
    IfNoneMatch,
    Key,
    address_of,
    answered,
    is_known,
    refused,
    request_hash,
    told,
)
from mirabelle.server.routes.kept_pages import KeptPages, Page
from mirabelle.server.routes.packing import packed_for, packing_for
from mirabelle.server.services import demo, enrolment, leaving, sessions, sign_in
from mirabelle.server.services.catalog import (
    catalog_after,
    catalog_standing,
    signed_catalog,
    usable_cursor,
    usable_revision,
)
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import Claim, note_key
from mirabelle.server.services.pictures import served_picture
from mirabelle.server.services.programme import programme_message
from mirabelle.server.services.refusals import Refused

_BROWSERS_ASK_AGAIN = "no-cache"
_KEPT_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
_WIDTHS = {str(width): width for width in pictures.WIDTHS}
_PROOF = ResponseHeader(
    name=pictures.PROOF_HEADER,
    documentation_only=True,
    description="SHA-256 hashes of all its sizes, in hexadecimal; the name is the first half of the SHA-256 of these.",
)
_CURSOR = r"^([0-9]{0,18}|[0-9a-f]{8}(\.[0-9a-f]{1,15}){1,3})$"


def public_routes(context: Context) -> list[HTTPRouteHandler]:
    """The routes, bound to a running server's parts."""
    return [*_reading(context), *_signing_in(context), *_leaving(context)]


def _reading(context: Context) -> list[HTTPRouteHandler]:
    kept = KeptPages(context.now)

    @get(e.PROGRAMME.path, operation_id="getProgramme", responses=told(e.PROGRAMME))
    async def programme() -> m.Programme:
        """The programme's name, rules and places."""
        settings, now = context.settings, context.now()
        async with context.database.read() as connection:
            return await programme_message(
                connection, context.programme, settings.demo, settings.passes.offered(now), now
            )

    @get(e.CATALOG.path, operation_id="getCatalog", responses=told(e.CATALOG) | NOT_MODIFIED, response_headers=[ETAG])
    async def catalog(
        request: Ask,
        after: Annotated[
            str, QueryParameter(pattern=_CURSOR, description="The cursor of the last answer, of the same form.")
        ] = "",
        form: Annotated[
            Literal["1", "2"],
            QueryParameter(description="2: signed, the most popular first, and then only the fields that changed."),
        ] = "1",
        columns: Annotated[
            Literal["0", "1"], QueryParameter(description="1: whole rewards may come field by field, with form 2.")
        ] = "0",
        if_none_match: IfNoneMatch = "",
    ) -> Response[m.Catalog | cm.SignedCatalog]:
        """The rewards that changed since a cursor; all of them without one."""
        standing = await catalog_standing(context)
        etag, accepted = standing.etag(context.now()), request.headers.get("accept-encoding", "")
        if form == cm.FORM:
            if is_known(etag, if_none_match):
                return _unchanged(etag)
            after = usable_cursor(after, standing)
        else:
            after = usable_revision(after, standing)

        async def make() -> Page:
            if form == cm.FORM:
                signed = await signed_catalog(context, after, standing, in_columns=columns == cm.COLUMNS)
                return await _page(signed, etag, accepted)
            async with context.database.read() as connection:
                return await _page(await catalog_after(connection, after, context.now()), "", accepted)

        name = (form, columns, etag, after, packing_for(accepted))
        page = await kept.get(name, make, address_of(request.scope))
        if is_known(page.etag, if_none_match):
            return _unchanged(page.etag)
        return Response(content=page.body, media_type="application/json", headers=page.headers)  # type: ignore[arg-type]

    @get(
        e.PICTURE.path,
        operation_id="getPicture",
        media_type=pictures.MEDIA_TYPE,
        responses=told(e.PICTURE),
        response_headers=[_PROOF],
    )
    async def picture(picture: FromPath[str], width: FromPath[str]) -> Response[bytes]:
        """A reward's picture as WebP, in one of the sizes that it comes in. What has this name never changes."""
        is_one = pictures.is_name(picture) and width in _WIDTHS
        found = await served_picture(context.database, picture, _WIDTHS[width]) if is_one else None
        if found is None:
            raise Refused(Reason.NOT_FOUND)
        headers = {pictures.PROOF_HEADER: found[1].hex()} | _KEPT_FOR_EVER
        return Response(content=found[0], media_type=pictures.MEDIA_TYPE, headers=headers)

    return [programme, catalog, picture]


async def _page(content: m.Catalog | cm.SignedCatalog, etag: str, accepted: str) -> Page:
    body = msgspec.json.encode(content)
    etag = etag or f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    packed, encoding = await asyncio.to_thread(packed_for, accepted, body)
    headers = {"ETag": etag, "Cache-Control": _BROWSERS_ASK_AGAIN, "Vary": "Accept-Encoding"} | encoding
    return Page(etag, packed, headers)


def _unchanged(etag: str) -> Response[Any]:
    # A cache may keep what it has: "no-cache" stood beside it.
    return Response(content=b"", status_code=304, headers={"ETag": etag})


def _signing_in(context: Context) -> list[HTTPRouteHandler]:
    async def claim_of(request: Ask, data: m.Message, key: str) -> Claim:
        # Keyed: these bodies are little more than an address, which must not be found again by trying once it is gone.
        asked = context.tokens.mac("request", (await request_hash(request, data)).hex())

        async def claim(connection: AsyncConnection) -> None:
            await note_key(connection, request.url.path, key, asked, context.now())

        return claim

    @post(e.REQUEST_SIGN_IN_CODE.path, operation_id="requestSignInCode", responses=told(e.REQUEST_SIGN_IN_CODE))
    async def request_code(request: Ask, data: JSONBody[sm.SignInCodeRequest], key: Key) -> m.Done:
        """Mail a one-time code."""
        claim = await claim_of(request, data, key)
        await sign_in.send_code(context, data, key, address_of(request.scope), claim)
        return m.Done()

    @post(e.SIGN_IN.path, operation_id="signIn", responses=told(e.SIGN_IN))
    async def with_code(request: Ask, data: JSONBody[sm.SignInRequest], key: Key) -> Response[Any]:
        """Sign in with a one-time code."""
        claim = await claim_of(request, data, key)
        return _session(await sign_in.sign_in(context, data, address_of(request.scope), claim))

    @post(e.REFRESH.path, operation_id="refresh", responses=told(e.REFRESH))
    async def refresh(request: Ask, data: JSONBody[sm.RefreshRequest], key: Key) -> Response[Any]:
        """The next tokens of a session; each refresh token works once."""
        claim = await claim_of(request, data, key)
        outcome = await context.database.attempt(lambda c: sessions.refresh(context, c, data, claim))
        return _renewed(outcome, context.now())

    @post(e.ENROL.path, operation_id="enrolTill", responses=told(e.ENROL))
    async def enrol(request: Ask, data: JSONBody[tm.EnrolmentRequest], key: Key) -> Response[Any]:
        """Become the till that an operator prepared, with its one-time code."""
        claim = await claim_of(request, data, key)
        return _session(await enrolment.enrol(context, data, address_of(request.scope), claim))

    @post(e.SIGN_OUT.path, operation_id="signOut", responses=told(e.SIGN_OUT))
    async def sign_out(request: Ask, data: JSONBody[sm.SignOutRequest], key: Key) -> m.Done:
        """End a session."""
        claim = await claim_of(request, data, key)
        await context.database.attempt(lambda c: sessions.sign_out(context, c, data, claim))
        return m.Done()

    @post(e.DEMO.path, operation_id="tryDemo", responses=told(e.DEMO))
    async def try_demo(request: Ask, data: JSONBody[sm.DemoRequest], key: Key) -> sm.Session:
        """Sign in as a new demo participant or demo till, where the server runs the demo."""
        if not context.settings.demo:
            raise Refused(Reason.NOT_FOUND)
        claim = await claim_of(request, data, key)
        await context.database.attempt(claim)
        return await demo.open_demo(context, data, key)

    return [request_code, with_code, refresh, enrol, sign_out, try_demo]


def _leaving(context: Context) -> list[HTTPRouteHandler]:
    @post(e.LEAVE.path, operation_id="deleteAccount", responses=told(e.LEAVE))
    async def delete_account(request: Ask, data: JSONBody[account.LeaveRequest], key: Key) -> Response[Any]:
        """Delete the account of a participant, for good."""
        return answered(await leaving.leave(context, data, key, await request_hash(request, data)))

    return [delete_account]


def _renewed(outcome: sm.Session | Reason, now: datetime) -> Response[Any]:
    return refused(outcome, server_time=now) if outcome is Reason.CLOCK_DIFFERS else _session(outcome)


def _session(outcome: sm.Session | Reason) -> Response[Any]:
    return refused(outcome) if isinstance(outcome, Reason) else Response(content=outcome, status_code=201)
