"""Sending a request once, however often it is pressed and whatever becomes of the answer."""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Generic, Literal, TypeVar

import msgspec

from mirabelle.client.api import Api, NotSent, Refusal
from mirabelle.client.repositories.outbox import Entry, Kind, Outbox
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract.endpoints import Endpoint
from mirabelle.contract.fields import Message
from mirabelle.contract.reasons import Reason

A = TypeVar("A")

# These say nothing of what was asked: it was not decided, and the same request may be sent again.
UNDECIDED: Final = frozenset(
    {Reason.SESSION_ENDED, Reason.NOT_SIGNED_IN, Reason.BUSY, Reason.FAULT, Reason.RATE_LIMITED, Reason.WRONG_ROLE}
)


def fate_of(claimed: Entry, refusal: Refusal) -> Literal["refused", "not_done", "unknown"]:
    """What a refusal says of an entry as it was when it was claimed: decided, surely not done, or perhaps done."""
    if refusal.reason not in UNDECIDED:
        return "refused"
    return "not_done" if claimed.state == "waiting" and refusal.status < 500 else "unknown"


class SendOnce(Generic[A]):
    """Sends requests of one kind. While nobody knows what became of the one about a subject, there is no other."""

    def __init__(
        self, store: Store, api: Api, outbox: Outbox, now: Callable[[], datetime], kind: Kind, endpoint: Endpoint[A],
        keep: Callable[[sqlite3.Connection, A], None], path: Callable[[str], Mapping[str, str]],
    ) -> None:  # fmt: skip
        """`keep` writes an answer down in the transaction in which its entry leaves; `path` fills in a subject."""
        self._store, self._api, self._outbox, self._now = store, api, outbox, now
        self._kind, self._endpoint, self._keep, self._path = kind, endpoint, keep, path

    def last(self, subject: str | None = None) -> Entry | None:
        """The request, about `subject` if one is named, that is not settled or whose refusal nobody has seen yet."""
        entries = self._outbox.entries(self._kind)
        return next((entry for entry in entries if subject in (None, entry.subject)), None)

    async def __call__(self, subject: str, request: Message, last: Entry | None) -> A | Refusal | None:
        """Send `request` about `subject`, unless the `last` one is not settled yet; raises NoAnswer.

        None where it is not: nothing was sent.
        """
        if last is not None and last.state != "refused":
            return None
        if last is not None:
            self._leave(last.key)
        entry = self._outbox.add(new_key(), self._kind, subject, msgspec.json.encode(request), self._now())
        answer = await self._send(entry, self._leave)
        kept = self._outbox.get(entry.key)
        if kept is not None and kept.state == "refused":
            self._leave(entry.key)  # whoever pressed sees it now
        return answer

    async def settle(self) -> None:
        """Find out what became of requests without an answer; raises NoAnswer. A refusal stays to be seen.

        What was not sent before the app ended, and cannot be now, waits on: nobody was told that it would not be.
        """
        for entry in self._outbox.entries(self._kind):
            if entry.state != "refused":
                await self._send(entry, self._outbox.put_back)

    async def _send(self, entry: Entry, not_done: Callable[[str], None]) -> A | Refusal | None:
        claimed = self._outbox.claim(entry.key)
        if claimed is None:
            return None
        assert self._endpoint.request is not None
        request = msgspec.json.decode(entry.body, type=self._endpoint.request)
        try:
            answer = await self._api.call(self._endpoint, body=request, key=entry.key, path=self._path(entry.subject))
        except NotSent:
            if claimed.state == "waiting":
                not_done(entry.key)
            raise
        if isinstance(answer, Refusal):
            fate = fate_of(claimed, answer)
            if fate == "refused":
                self._outbox.refuse(entry.key, answer.reason)
            elif fate == "not_done":
                not_done(entry.key)
            return answer
        with self._store.write("outbox", "redemptions", "vouchers") as connection:
            Outbox.settle(connection, entry.key)
            self._keep(connection, answer)
        return answer

    def _leave(self, key: str) -> None:
        with self._store.write("outbox") as connection:
            Outbox.settle(connection, key)
