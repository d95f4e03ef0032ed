"""A server that has the web app and nothing else, in a thread."""

import asyncio
import threading
from contextlib import AbstractContextManager
from typing import Any

import uvicorn

from mirabelle.server.hosting import LOOPBACK, bind


class WebServer(AbstractContextManager["WebServer"]):
    """Serves `application` on a free port; `url` says where."""

    def __init__(self, application: Any) -> None:
        self._listener = bind(LOOPBACK, 0)
        self.url = f"http://{LOOPBACK}:{self._listener.getsockname()[1]}"
        ready = self._ready = threading.Event()

        class Announcing(uvicorn.Server):
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                ready.set()

        config = uvicorn.Config(application, log_level="warning", access_log=False, lifespan="on")
        config.timeout_graceful_shutdown = 5
        self._uvicorn = Announcing(config)
        self._thread = threading.Thread(target=self._run, name="web-server", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._uvicorn.serve(sockets=[self._listener]))

    def __enter__(self) -> "WebServer":
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_fault: object) -> None:
        self._uvicorn.should_exit = True
        self._thread.join()
