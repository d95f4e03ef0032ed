"""Runs the backend, with or without the web app beside it, on one port."""

import asyncio
import copy
import gc
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from mirabelle.contract.wire import API_PREFIX
from mirabelle.server.services.context import Context, Settings
from mirabelle.server.services.mail import MailUnusable
from mirabelle.server.services.pictures import forget_unused, with_pictures
from mirabelle.server.services.programme import load_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, read_programme
from mirabelle.server.storage.database import Database, open_database, url_of_directory

DEMO_PROGRAMME: Final = Path(__file__).parent / "demo" / "programme.toml"
LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 60
KEEP_ALIVE_SECONDS: Final = 30

WebApp = Callable[[str, Path], Any]


class ServerUnusable(Exception):
    """The server cannot start; the message is one clear line."""


@dataclass(frozen=True, slots=True)
class Hosting:
    """How to host: what is served, where, and from which database. Port 0 takes a free one.

    A `programme` that does not replace others is loaded only where none is, or an older version of itself.
    """

    settings: Settings
    host: str = LOOPBACK
    port: int = 8550
    database_url: str = ""
    programme: ProgrammeDocument | None = None
    replaces_others: bool = True
    web_app: WebApp | None = None


def demo_programme() -> ProgrammeDocument:
    """The programme that comes with Mirabelle; whoever asks may change theirs."""
    return copy.deepcopy(_demo_programme())


@cache
def _demo_programme() -> ProgrammeDocument:
    return read_programme(DEMO_PROGRAMME)


def bind(host: str, port: int) -> socket.socket:
    """The listening socket; raises ServerUnusable where the port is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, its connections send at once; else asyncio leaves each answer's body waiting 40 ms for the client.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as fault:
        listener.close()
        raise ServerUnusable(
            f"cannot listen on {host} port {port}: {getattr(fault, 'strerror', None) or fault}"
        ) from fault
    return listener


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else 0, which takes any that is free."""
    try:
        bind(LOOPBACK, wanted).close()
    except ServerUnusable:
        return 0
    return wanted


def _require_writable(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise ServerUnusable(f"cannot write into {data}: {fault.strerror or fault}") from fault


async def open_store(
    data: Path,
    database_url: str,
    programme: ProgrammeDocument | None,
    now: datetime,
    *,
    replaces_others: bool = True,
) -> Database:
    """The database, brought up to date and with `programme` loaded where one is given."""
    _require_writable(data)
    database = await open_database(database_url or url_of_directory(data))
    if programme is not None:
        async with _closed_on_fault(database):
            loaded = await with_pictures(database, programme, now)
            await database.attempt(
                lambda connection: load_programme(connection, loaded, now, replaces_others=replaces_others)
            )
            await database.attempt(lambda connection: forget_unused(connection, now))
    return database


@asynccontextmanager
async def _closed_on_fault(database: Database) -> AsyncIterator[None]:
    """Leave no connection behind where something keeps the server from starting."""
    try:
        yield
    except BaseException:
        await database.close()
        raise


async def build(hosting: Hosting, port: int) -> Any:
    """The ASGI application: the API, and the web app at "/" where there is one."""
    from starlette.routing import Router

    from mirabelle.server.application import create_app, open_context
    from mirabelle.server.routes.lane import with_lane
    from mirabelle.server.routes.packed_files import PackedFiles

    settings = hosting.settings
    database = await open_store(
        settings.data,
        hosting.database_url,
        hosting.programme,
        settings.clock(),
        replaces_others=hosting.replaces_others,
    )
    async with _closed_on_fault(database):
        try:
            context: Context = await open_context(settings, database)
        except MailUnusable as fault:
            raise ServerUnusable(str(fault)) from fault
    api = create_app(context)
    ours = with_lane(context, api)
    web = hosting.web_app(f"http://{_reachable(hosting.host)}:{port}", settings.data) if hosting.web_app else None

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        async with api.lifespan():
            if web is None:
                yield
            else:
                # A mounted application's own start-up does not run by itself.
                async with web.router.lifespan_context(web):
                    yield
        await database.close()

    theirs = PackedFiles(web) if web else None

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        is_ours = path == "/healthz" or path == API_PREFIX or path.startswith(f"{API_PREFIX}/")
        await (ours if is_ours or theirs is None else theirs)(scope, receive, send)

    return Router(default=dispatch, lifespan=lifespan)


def _reachable(host: str) -> str:
    """An address at which this process can call itself."""
    if host in ("0.0.0.0", ""):
        return LOOPBACK
    return "[::1]" if host == "::" else f"[{host}]" if ":" in host else host


def _trusted(host: str) -> str:
    """Who is believed about where requests come from: whom the operator names, and the web app, which calls from here
    for its browsers."""
    named = os.environ.get("FORWARDED_ALLOW_IPS", LOOPBACK)
    return named if named == "*" else ",".join([named, LOOPBACK, _reachable(host).strip("[]")])


@dataclass(slots=True)
class Server:
    """A server in a thread of its own, for the app that brings its own backend and for the tests."""

    hosting: Hosting
    url: str = ""
    _thread: threading.Thread | None = None
    _uvicorn: Any = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _fault: BaseException | None = None

    def start(self) -> "Server":
        """Serve until `stop`; returns when requests are answered. Raises what kept the server from starting."""
        listener = bind(self.hosting.host, self.hosting.port)
        port = listener.getsockname()[1]
        self.url = f"http://{_reachable(self.hosting.host)}:{port}"
        self._thread = threading.Thread(target=self._run, args=(listener, port), name="mirabelle-server", daemon=True)
        self._thread.start()
        started = self._ready.wait(START_SECONDS)
        if self._fault is not None:
            raise self._fault
        if not started:
            raise ServerUnusable("the server did not start in time")
        return self

    def wait(self) -> None:
        """Wait until the server ends by itself, or the person interrupts."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=1)

    def stop(self) -> None:
        """Finish the requests under way and stop."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()

    def _run(self, listener: socket.socket, port: int) -> None:
        try:
            asyncio.run(serve(self.hosting, listener, port, self._on_ready))
        except BaseException as fault:
            self._fault = fault
        finally:
            self._ready.set()

    def _on_ready(self, server: Any) -> None:
        self._uvicorn = server
        self._ready.set()


def run_alone(serving: Coroutine[Any, Any, None]) -> None:
    """Run `serve` in a process that does nothing else, on the fastest event loop that is there."""
    import uvicorn

    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        runner.run(serving)


def spare_what_is_loaded() -> None:
    """Leave what is there by now out of the search for garbage: it lives as long as the server, and looking through it
    again and again would halt every request for as long as that takes."""
    gc.collect()
    gc.freeze()


async def serve(hosting: Hosting, listener: socket.socket, port: int, on_ready: Callable[[Any], None]) -> None:
    """Serve on `listener` until told to stop; `on_ready` gets the uvicorn server once requests are answered."""
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_ready(self)

    with listener:
        config = uvicorn.Config(
            await build(hosting, port),
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=5,
            server_header=False,
            forwarded_allow_ips=_trusted(hosting.host),
        )
        await Announcing(config).serve(sockets=[listener])
