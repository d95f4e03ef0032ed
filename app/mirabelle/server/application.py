"""The backend as one ASGI application: the API, its OpenAPI document and its health."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from litestar import Litestar, Response, get
from litestar.config.compression import CompressionConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.router import Router
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle import __version__
from mirabelle.contract.endpoints import CATALOG
from mirabelle.contract.limits import REQUEST_BYTES
from mirabelle.contract.places import MAIL_FOLDER
from mirabelle.contract.wire import API_PREFIX
from mirabelle.server.ledger.queue import Ledger
from mirabelle.server.routes.edge import HANDLERS, json_only
from mirabelle.server.routes.packing import COMPRESS_FROM_BYTES
from mirabelle.server.routes.participant import participant_routes
from mirabelle.server.routes.public import public_routes
from mirabelle.server.routes.staff import staff_routes
from mirabelle.server.services.closing import close_days, end_holds, forget_what_is_past, lapse_holds
from mirabelle.server.services.context import Context, Settings
from mirabelle.server.services.issuer_keys import current_issuer, may_sign, use_signer
from mirabelle.server.services.mail import Mailer, OutboxMailer, SmtpMailer
from mirabelle.server.services.programme import Loaded, loaded_programme, world_of
from mirabelle.server.services.sealing import KeysUnusable
from mirabelle.server.services.secrets_file import open_secrets
from mirabelle.server.services.signing import Signer
from mirabelle.server.services.stock import tally_stock
from mirabelle.server.services.tokens import Tokens
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.schema import programmes

log = logging.getLogger(__name__)

PROGRAMME_SECONDS: Final = 1
KEYS_SECONDS: Final = 1
TALLY_SECONDS: Final = 1
HOUSEKEEPING_SECONDS: Final = 30
REST_TIMES: Final = 20
LONGEST_ROUNDS: Final = 10


async def open_context(settings: Settings, database: Database) -> Context:
    """Put the parts of a server together; raises OSError, KeysUnusable where its secrets are not kept, MailUnusable."""
    secrets = open_secrets(settings.secrets, settings.master_key)

    async def register(connection: AsyncConnection) -> tuple[Signer, Loaded]:
        return await _issuer(connection, settings), await loaded_programme(connection)

    issuer, loaded = await database.attempt(register)
    mailer: Mailer = SmtpMailer(settings.smtp) if settings.smtp else OutboxMailer(settings.data / MAIL_FOLDER)
    return Context(
        settings=settings,
        database=database,
        programme=loaded.document,
        version=loaded.version,
        ledger=Ledger(database, world_of(loaded)),
        issuer=issuer,
        programme_key=secrets.programme,
        tokens=Tokens(secrets.token_key),
        mailer=mailer,
    )


async def _issuer(connection: AsyncConnection, settings: Settings) -> Signer:
    """What signs vouchers: the signer that was given, or else the key in the data directory."""
    if settings.issuer is not None:
        return await use_signer(connection, settings.issuer, settings.clock())
    return await current_issuer(connection, settings.secrets, settings.master_key, settings.clock())


def create_app(context: Context) -> Litestar:
    """The API under /api/v1, and /healthz."""

    @get("/healthz", include_in_schema=False, media_type="text/plain")
    async def health() -> Response[str]:
        """200 once requests can be served."""
        async with context.database.read() as connection:  # not the programme: whoever asks would have it all unpacked
            await connection.execute(select(func.max(programmes.c.version)))
        return Response("ok")

    # Not one router within another: each is copied in full as it is registered, which is most of a server's start.
    public = Router(path=API_PREFIX, route_handlers=public_routes(context))
    return Litestar(
        route_handlers=[public, participant_routes(context), staff_routes(context), health],
        middleware=[json_only],
        exception_handlers=HANDLERS,
        request_max_body_size=REQUEST_BYTES,
        compression_config=CompressionConfig(
            backend="gzip",
            minimum_size=COMPRESS_FROM_BYTES,
            exclude=[f"^{API_PREFIX}{CATALOG.path}$", f"^{API_PREFIX}/pictures/"],  # those are small already
        ),
        lifespan=[lambda _app: _work_going_on(context)],
        openapi_config=OpenAPIConfig(
            title="Mirabelle",
            version=__version__,
            path=f"{API_PREFIX}/openapi.json",
            render_plugins=[JsonRenderPlugin(path="/")],
            components=Components(
                security_schemes={"access_token": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
            ),
        ),
        logging_config=None,
    )


@asynccontextmanager
async def _work_going_on(context: Context) -> AsyncIterator[None]:
    """Do what needs doing beside the requests, from the start to the end of the server."""
    tasks = [
        asyncio.create_task(_keep_doing(_follow_programme, context, PROGRAMME_SECONDS)),
        asyncio.create_task(_keep_doing(_follow_keys, context, KEYS_SECONDS)),
        asyncio.create_task(_keep_doing(_tally, context, TALLY_SECONDS)),
        asyncio.create_task(_keep_doing(_keep_house, context, HOUSEKEEPING_SECONDS)),
    ]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_doing(work: Callable[[Context], Awaitable[None]], context: Context, every_seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            await work(context)
        except Exception:  # whatever it is, one bad round must not be the last
            log.warning("%s was not done; the next round does it", work.__name__.strip("_"), exc_info=True)
        # Where there is much to look through, requests come first.
        await asyncio.sleep(max(every_seconds, min((clock() - began) * REST_TIMES, every_seconds * LONGEST_ROUNDS)))


async def _follow_programme(context: Context) -> None:
    """Go by a programme that was loaded beside this server, as every other server of the ledger does."""
    async with context.database.read() as connection:
        newest = (await connection.execute(select(func.max(programmes.c.version)))).scalar()
        if newest in (None, context.version):
            return
        loaded = await loaded_programme(connection)
    context.ledger.world = world_of(loaded)
    context.programme, context.version = loaded.document, loaded.version
    log.info("going by version %s of the programme", loaded.version)


async def _follow_keys(context: Context) -> None:
    """Sign with the new key once the present one was given up."""
    async with context.database.read() as connection:
        if await may_sign(connection, context.issuer):
            context.may_sign = True
            return
    try:
        context.issuer = await context.database.attempt(lambda connection: _issuer(connection, context.settings))
    except (KeysUnusable, OSError) as fault:
        context.may_sign = False
        log.error("no new key can sign, and key %s was given up: %s", context.issuer.key_id.hex(), fault)
        await asyncio.sleep(HOUSEKEEPING_SECONDS)  # nothing but an operator helps, who need not be told each second
        return
    context.may_sign = True
    log.info("signing with key %s", context.issuer.key_id.hex())


async def _tally(context: Context) -> None:
    """Keep the catalog's stock close to what is left, away from the path of a redemption."""
    async with context.database.write() as connection:
        await tally_stock(connection)


async def _keep_house(context: Context) -> None:
    """Do what time alone asks for; all of it was remembered in the database, so that a restart forgets nothing."""
    database, world = context.database, context.ledger.world
    await end_holds(database, world, context.now())
    await lapse_holds(database, world, context.now())
    for day in await close_days(database, world, context.now()):
        log.info("closed %s", day)
    await forget_what_is_past(database, context.now())
