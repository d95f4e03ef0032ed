"""Sending a request once, however often it is pressed and whatever becomes of the answer."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from mirabelle.client.api import Api, LostAnswer, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Kind, Outbox
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract.endpoints import Endpoint
from mirabelle.contract.fields import Message
from mirabelle.contract.reasons import Reason

log = logging.getLogger(__name__)

A = TypeVar("A")

# These say nothing of what was asked: it was not decided, and the same request may be sent again.
UNDECIDED: Final = frozenset(
    {Reason.SESSION_ENDED, Reason.NOT_SIGNED_IN, Reason.BUSY, Reason.FAULT, Reason.RATE_LIMITED, Reason.WRONG_ROLE}
)


def fate_of(refusal: Refusal) -> Literal["refused", "not_done", "unknown"]:
    """What a refusal says of the request that it answers: decided, surely not done, or perhaps done."""
    if refusal.reason not in UNDECIDED:
        return "refused"
    return "not_done" if refusal.status < 500 else "unknown"


def reason_of(refusal: Refusal) -> str:
    """Why an entry is refused. That its key was heard with another request says nothing of what became of this one."""
    is_known = refusal.reason != Reason.IDEMPOTENCY_KEY_REUSED
    return refusal.reason if is_known else Reason.OUTCOME_UNKNOWN


class UnderWay(Generic[A]):
    """What is being sent right now, by its key: whoever asks meanwhile waits for the same outcome."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[A]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._tasks

    async def once(self, key: str, send: Callable[[], Coroutine[Any, Any, A]]) -> A:
        """What `send` answers; raises as it does. Whoever asked may go away, as a page does when it is closed: the
        sending goes on."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(send())
            task.add_done_callback(lambda done: self._end(key, done))
        return await asyncio.shield(task)

    def _end(self, key: str, done: "asyncio.Task[A]") -> None:
        del self._tasks[key]
        if not done.cancelled() and (fault := done.exception()) is not None:
            log.info("a request was not settled: %s", type(fault).__name__)

    async def finish(self) -> None:
        """Wait for what is being sent; how long that takes, the API limits."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))


class SendOnce(Generic[A]):
    """Sends requests of one kind. While nobody knows what became of the one about a subject, there is no other."""

    def __init__(
        self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime], kind: Kind, endpoint: Endpoint[A],
        keep: Callable[[sqlite3.Connection, A], None], path: Callable[[str], Mapping[str, str]],
    ) -> None:  # fmt: skip
        """`keep` writes an answer down in the transaction in which its entry leaves; `path` fills in a subject."""
        self._store, self._api, self._outbox, self._now = store, api, outbox, now
        self._kind, self._endpoint, self._keep, self._path = kind, endpoint, keep, path
        self._under_way = UnderWay[A | Refusal | None]()
        self.finish = self._under_way.finish

    def last(self, subject: str | None = None) -> Entry | None:
        """The request, about `subject` if one is named, that is not settled or whose refusal nobody has seen yet."""
        entries = self._outbox.entries(self._kind)
        return next((entry for entry in entries if subject in (None, entry.subject)), None)

    async def __call__(self, subject: str, request: Message, among: str | None) -> A | Refusal | None:
        """Send `request` about `subject`, unless the last one about `among`, or any at all if that is None, is not
        settled yet; raises NotSent where nothing was sent nor will be, else NoAnswer.

        None where another one is not settled: nothing was sent.
        """
        key = new_key()
        with self._store.write("outbox") as connection:  # in which no other window can write one down
            last = self.last(among)
            if last is not None and last.state != "refused":
                return None
            if last is not None:
                Outbox.leave(connection, last.key)
            body = msgspec.json.encode(request)
            Outbox.write_down(connection, key, self._kind, subject, body, self._now())
        return await self._under_way.once(key, lambda: self._press(key))

    async def settle(self) -> None:
        """Find out what became of requests without an answer; raises NoAnswer. A refusal stays to be seen.

        What was not sent before the app ended, and cannot be now, waits on: nobody was told that it would not be. An
        answer that is lost again keeps no other request waiting.
        """
        lost: LostAnswer | None = None
        for entry in self._outbox.entries(self._kind):
            if entry.state == "refused" or entry.key in self._under_way:
                continue
            try:
                await self._under_way.once(entry.key, partial(self._send, entry.key))
            except LostAnswer as fault:
                lost = lost or fault
        if lost is not None:
            raise lost

    async def _press(self, key: str) -> A | Refusal | None:
        """Send what was written down just now. What was surely not sent leaves: whoever pressed hears of it."""
        try:
            answer = await self._send(key)
        except NotSent:
            if self._outbox.drop(key):
                raise
            raise LostAnswer from None  # another window or process took it up meanwhile
        is_open = answer is None
        if isinstance(answer, Refusal):  # whoever pressed sees it now
            is_open = not self._outbox.drop(key) and fate_of(answer) == "not_done"
        if is_open:
            raise LostAnswer
        return answer

    async def _send(self, key: str) -> A | Refusal | None:
        claimed = self._outbox.claim(key)
        if claimed is None:
            return None
        try:
            path = self._path(claimed.subject)
            answer = await self._api.call(self._endpoint, body=claimed.body, key=key, path=path, since=claimed.since)
        except NotSent:
            self._outbox.put_back(key)
            raise
        if isinstance(answer, Refusal):
            fate = fate_of(answer)
            if fate == "refused":
                self._outbox.refuse(key, reason_of(answer))
            elif fate == "not_done":
                self._outbox.put_back(key)
            return answer
        with self._store.write("outbox", "redemptions", "vouchers") as connection:
            Outbox.settle(connection, key)
            self._keep(connection, answer)
        return answer
