"""What a till may call."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.router import Router

from mirabelle.contract import endpoints as e
from mirabelle.contract import till_messages as tm
from mirabelle.contract import trust as tr
from mirabelle.contract.wire import API_PREFIX
from mirabelle.server.routes.edge import (
    ETAG,
    NOT_MODIFIED,
    Ask,
    IfNoneMatch,
    Key,
    Named,
    answered,
    caller_of,
    is_known,
    request_hash,
    told,
)
from mirabelle.server.services import balances, scans, trust, uploads
from mirabelle.server.services.context import Context
from mirabelle.server.services.tokens import Caller


def staff_routes(context: Context) -> Router:
    """The routes, bound to a running server's parts; participants are refused."""

    @get(e.TILL.path, operation_id="getTill", responses=told(e.TILL))
    async def get_till(caller: NamedDependency[Caller]) -> tm.Till:
        """The calling till and its store."""
        async with context.database.read() as connection:
            return await scans.till_of(connection, caller.subject, context.now())

    @get(e.TRUST.path, operation_id="getTrust", responses=told(e.TRUST) | NOT_MODIFIED, response_headers=[ETAG])
    async def get_trust(caller: NamedDependency[Caller], if_none_match: IfNoneMatch = "") -> Response[tr.SignedTrust]:
        """What the calling till must know to check vouchers without network."""
        bundle, etag = await trust.bundle_of(context, caller.subject)
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if is_known(etag, if_none_match):
            return Response(content=b"", status_code=304, headers=headers)  # type: ignore[arg-type]
        return Response(content=trust.signed(bundle, context.programme_key), headers=headers)

    @get(e.SCANS.path, operation_id="getScans", responses=told(e.SCANS))
    async def get_scans(caller: NamedDependency[Caller]) -> tm.Scans:
        """The calling till's scans, newest first."""
        async with context.database.read() as connection:
            return await scans.scans_of(connection, caller.subject, context.now())

    @post(e.SCAN.path, operation_id="scan", responses=told(e.SCAN))
    async def scan(
        caller: NamedDependency[Caller], request: Ask, data: JSONBody[tm.ScanRequest], key: Key
    ) -> Response[Any]:
        """Judge what was shown and, if it is accepted, use the voucher."""
        return answered(await scans.scan(context, caller, data, key, await request_hash(request, data)))

    @post(e.UPLOAD_SCAN.path, operation_id="uploadScan", responses=told(e.UPLOAD_SCAN))
    async def upload_scan(
        caller: NamedDependency[Caller], request: Ask, data: JSONBody[tm.ScanUpload], key: Key
    ) -> Response[Any]:
        """Take down a scan that the calling till accepted without network."""
        return answered(await uploads.upload(context, caller, data, key, await request_hash(request, data)))

    @post(e.UNDO_SCAN.path, operation_id="undoScan", responses=told(e.UNDO_SCAN))
    async def undo_scan(caller: NamedDependency[Caller], request: Ask, scan: Named, key: Key) -> Response[Any]:
        """Take back what the calling till accepted a moment ago."""
        return answered(await uploads.undo(context, caller, scan, key, await request_hash(request)))

    return Router(
        path=API_PREFIX,
        route_handlers=[get_till, get_trust, get_scans, scan, upload_scan, undo_scan, *_taking(context)],
        dependencies={"caller": Provide(caller_of(context, "staff"), sync_to_thread=False)},
        security=[{"access_token": []}],
    )


def _taking(context: Context) -> list[HTTPRouteHandler]:
    @post(e.HOLD.path, operation_id="holdAmount", responses=told(e.HOLD))
    async def hold_amount(
        caller: NamedDependency[Caller], request: Ask, data: JSONBody[tm.HoldRequest], key: Key
    ) -> Response[Any]:
        """Set an amount aside of the money on a voucher that the calling till was shown a moment ago."""
        return answered(await balances.hold(context, caller, data, key, await request_hash(request, data)))

    @post(e.CAPTURE.path, operation_id="captureHold", responses=told(e.CAPTURE))
    async def capture_hold(
        caller: NamedDependency[Caller], request: Ask, hold: Named, data: JSONBody[tm.CaptureRequest], key: Key
    ) -> Response[Any]:
        """Take an amount of what the calling till holds; the rest goes back to the voucher."""
        return answered(await balances.capture(context, caller, hold, data, key, await request_hash(request, data)))

    @post(e.RELEASE.path, operation_id="releaseHold", responses=told(e.RELEASE))
    async def release_hold(caller: NamedDependency[Caller], request: Ask, hold: Named, key: Key) -> Response[Any]:
        """Take nothing of what the calling till holds."""
        return answered(await balances.release(context, caller, hold, key, await request_hash(request)))

    return [hold_amount, capture_hold, release_hold]
