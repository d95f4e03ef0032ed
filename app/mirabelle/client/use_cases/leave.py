"""Deleting one's account: asked once, however often its answer is lost, and then nothing of it stays on this device."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

from mirabelle.client.api import Api, LostAnswer, NoAnswer, NotSent, Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.use_cases.send_once import UNDECIDED
from mirabelle.client.use_cases.session import SignedIn
from mirabelle.contract import account as a
from mirabelle.contract import endpoints as e
from mirabelle.contract.reasons import Reason

ASKED: Final = "leaving"


class Leave:
    """Asks for the account's deletion. `farewell` removes what this device keeps of the person, unless somebody else
    is there by now; whether it did.

    The key of the request comes from the person and the device, so that it is the same one whenever it is sent again:
    before a session is found to be over, since after the deletion there is none.
    """

    def __init__(
        self,
        store: Store,
        api: Api,
        keys: Keys,
        who: Callable[[], SignedIn | None],
        farewell: Callable[[a.Left, SignedIn], Awaitable[bool]],
    ) -> None:
        self._store, self._api, self._keys, self._who, self._farewell = store, api, keys, who, farewell
        self._asked: SignedIn | None = None  # who got no answer: their store may be put away before they do

    @property
    def is_unknown(self) -> bool:
        """Whether the deletion was asked for, and nobody knows here what became of it."""
        return self._store.document(ASKED, bool) or False

    async def would_lose(self) -> a.Leaving | Refusal:
        """What would be lost now; raises NoAnswer."""
        return await self._api.call(e.LEAVING)

    async def __call__(self) -> a.Left | Refusal:
        """Delete the account, for good; raises NoAnswer, also where the answer comes to somebody else."""
        who = self._who()
        if who is None:
            return Refusal(Reason.SESSION_ENDED, 401, "", None)
        try:
            answer = await self._ask(who)
        except LostAnswer:
            if self._who() is not None:
                raise
            answer = await self._ask_at_last(who)
        if isinstance(answer, a.Left) and not await self._farewell(answer, who):
            raise LostAnswer
        return answer

    async def _ask_at_last(self, who: SignedIn) -> a.Left | Refusal:
        """A sync found the session over while the answer was lost: nobody would ask again."""
        try:
            return await self._ask(who)
        except NotSent:
            raise LostAnswer from None

    async def settle(self) -> tuple[a.Left, SignedIn] | None:
        """What became of a request without an answer, where it was carried out, and whose it was, be their session over
        by now; raises NoAnswer."""
        who = self._who() or self._asked
        answer = await self._ask(who) if who is not None and self._is_open(who) else None
        return (answer, who) if isinstance(answer, a.Left) and who is not None else None

    def _is_open(self, who: SignedIn) -> bool:
        return self._asked == who or (self._who() == who and self.is_unknown)

    async def _ask(self, who: SignedIn) -> a.Left | Refusal:
        device = self._keys.device_public()
        key = hashlib.sha256(f"MV1 leave\0{who.subject}\0{device}".encode()).hexdigest()[:32]
        proof = self._keys.prove_leaving(who.subject, key)
        was_unknown = self._is_open(who)
        self._note(who, is_asked=True)
        request = a.LeaveRequest(participant=who.subject, device_key=device, proof=proof)
        try:
            answer = await self._api.call(e.LEAVE, body=request, key=key)
        except NotSent:
            self._note(who, is_asked=was_unknown)
            raise
        except NoAnswer:
            self._asked = who
            raise
        is_open = was_unknown and isinstance(answer, Refusal) and answer.reason in UNDECIDED - {Reason.SESSION_ENDED}
        self._asked = self._asked if is_open else None
        if isinstance(answer, Refusal):
            self._note(who, is_asked=is_open)
        return answer

    def _note(self, who: SignedIn, *, is_asked: bool) -> None:
        if self._who() != who:
            return  # the store is another person's now: what is noted there asks for the deletion of *their* account
        with self._store.write("session") as connection:
            put_document(connection, ASKED, is_asked)
