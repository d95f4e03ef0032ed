"""Rewards' pictures, for whoever shows them: from the disk where they are kept, else fetched, a few at a time."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from mirabelle.client.api import Api, NoAnswer, Refusal
from mirabelle.client.device.pictures import PictureFiles
from mirabelle.client.store.database import Store
from mirabelle.contract import limits
from mirabelle.contract.pictures import is_genuine, path_of
from mirabelle.contract.wire import API_PREFIX

log = logging.getLogger(__name__)

REST_SECONDS: Final = 30.0  # before what could not be had is asked for again

Name = tuple[str, int]  # a picture's name, and the width that is wanted of it
Listener = Callable[[bytes], None]


class Pictures:
    """Gives pictures to those who asked, as they come; without `files` none is kept. Browsers need none of this: they
    fetch pictures by their addresses, and keep them by themselves."""

    def __init__(
        self,
        api: Api,
        store: Store,
        files: PictureFiles | None,
        is_offline: Callable[[], bool],
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._api, self._files, self._is_offline, self._rest_seconds = api, files, is_offline, rest_seconds
        self._asked: dict[Name, list[Listener]] = {}
        self._first: set[Name] = set()
        self._running: dict[Name, asyncio.Task[None]] = {}
        self._resting: set[Name] = set()
        self._is_cut_off = False
        self._rest: asyncio.TimerHandle | None = None
        store.subscribe(("connection",), self._try_again_if_reached)

    @staticmethod
    def address(name: str, width: int) -> str:
        """Where a browser finds a picture, on the server that the app itself came from."""
        # An address without a full stop Flet 1.0.5 takes for a picture in Base64 first, fails, and describes the fault:
        # a tenth of what a browser worked to draw what a search found.
        return f"/.{API_PREFIX}{path_of(name, width)}"

    def ask(self, name: str, width: int, on_come: Listener, *, first: bool) -> Callable[[], None]:
        """Call `on_come` once the picture is here, until the returned function is called. Those asked for `first` come
        before the others, and these in the order in which they are asked for."""
        wanted = (name, width)
        self._asked.setdefault(wanted, []).append(on_come)
        if first:
            self._first.add(wanted)
        self._start()

        def leave() -> None:
            listeners = self._asked.get(wanted, [])
            if on_come in listeners:
                listeners.remove(on_come)
            if not listeners:
                self._forget(wanted)

        return leave

    def _forget(self, wanted: Name) -> None:
        self._asked.pop(wanted, None)
        self._first.discard(wanted)
        self._resting.discard(wanted)
        if wanted in self._running:
            self._running[wanted].cancel()

    def _start(self) -> None:
        while len(self._running) < limits.PICTURES_AT_ONCE:
            idle = [one for one in self._asked if one not in self._running and one not in self._resting]
            if not idle:
                return
            wanted = next((one for one in idle if one in self._first), idle[0])
            task = asyncio.ensure_future(self._bring(wanted))
            self._running[wanted] = task
            task.add_done_callback(lambda task, wanted=wanted: self._ended(wanted, task))

    def _ended(self, wanted: Name, task: asyncio.Task[None]) -> None:
        if self._running.get(wanted) is task:
            del self._running[wanted]
        if not task.cancelled() and task.exception() is not None:
            log.error("a picture could not be had", exc_info=task.exception())
            self._put_off(wanted)
        self._start()

    async def _bring(self, wanted: Name) -> None:
        content = await asyncio.to_thread(self._files.read, *wanted) if self._files else None
        if content is None and not self._is_cut_off:
            content = await self._fetch(*wanted)
        if content is None:
            self._put_off(wanted)
            return
        self._first.discard(wanted)
        for listener in self._asked.pop(wanted, []):
            listener(content)

    async def _fetch(self, name: str, width: int) -> bytes | None:
        try:
            answer = await self._api.picture(name, width)
        except NoAnswer:
            self._is_cut_off = True  # the others need not find that out one by one
            return None
        if isinstance(answer, Refusal):
            return None
        proof, content = answer
        if not is_genuine(name, width, proof, content):
            log.warning("what came is not the picture that was asked for; it is asked for again later")
            return None
        if self._files:
            await asyncio.to_thread(self._files.put, name, width, proof, content)
        return content

    def _put_off(self, wanted: Name) -> None:
        if wanted in self._asked:
            self._resting.add(wanted)
            if self._rest is None:
                self._rest = asyncio.get_running_loop().call_later(self._rest_seconds, self._try_again)

    def _try_again_if_reached(self) -> None:
        if self._resting and not self._is_offline():
            self._try_again()

    def _try_again(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._rest, self._is_cut_off = None, False
        self._resting.clear()
        self._start()

    async def stop(self) -> None:
        """Ask for nothing any more."""
        self._asked.clear()
        if self._rest is not None:
            self._rest.cancel()
        running = list(self._running.values())
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
