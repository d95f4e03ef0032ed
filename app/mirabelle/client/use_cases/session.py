"""The session: who is signed in on this device, and the tokens that prove it."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from mirabelle.client.api import ANSWER_SECONDS, Api, NoAnswer, NotSent, Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.secrets import SecretStore
from mirabelle.client.repositories.accounts import session_name
from mirabelle.client.repositories.endings import Endings
from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Role
from mirabelle.contract.reasons import Reason

log = logging.getLogger(__name__)

ROLES: Final[tuple[Role, ...]] = ("participant", "staff")
_OVER: Final = Refusal(Reason.SESSION_ENDED, 401, "", None)


class SignedIn(msgspec.Struct, frozen=True):
    """Who is signed in."""

    role: Role
    subject: str
    name: str
    epoch: int


class _Kept(msgspec.Struct, frozen=True):
    """What the secret store keeps of a session. `id` is what this device calls it: no secret."""

    who: SignedIn
    refresh_token: str
    id: str = ""

    def __repr__(self) -> str:
        return f"_Kept(who={self.who!r})"


async def _held(secret_store: SecretStore, name: str) -> _Kept | None:
    raw = await secret_store.get(name)
    try:
        return msgspec.json.decode(raw, type=_Kept) if raw else None
    except msgspec.DecodeError:
        return None


async def remove_ended(secret_store: SecretStore, endings: Endings) -> list[str]:
    """Have the secret store forget the sessions that were ended while it did not answer, if it does now, and none that
    somebody has begun since then; answers the tokens to tell their server with."""
    tokens = list[str]()
    for name in list(endings.names()):
        with contextlib.suppress(OSError):
            async with endings.turn():
                over, held = endings.of(name), await _held(secret_store, name)
                if over and (held is None or held.id in over):
                    await secret_store.delete(name)
                    tokens += [held.refresh_token] if held is not None else []
                endings.remove(name)
    return tokens


def new_key() -> str:
    """A key for one thing to be done, never used before."""
    return secrets.token_hex(16)


class Sessions:
    """Holds the access token in memory and the refresh token in the secret store: in a browser one for each role, in an
    installed app, which knows its `server`, one for each person.

    Two windows of one browser share the secret store: before a refresh token is used, the newest one is read there.
    `on_begin` is called before a session is kept; `on_over` when the server has ended it, and told whether it is over
    for all windows. `endings` are the sessions that the secret store could not be made to forget yet.
    """

    def __init__(
        self, api: Api, store: SecretStore, keys: Keys, now: Callable[[], datetime], server: str | None = None,
        endings: Endings | None = None,
    ) -> None:  # fmt: skip
        self._api, self._secrets, self._keys, self._now, self._server = api, store, keys, now, server
        self._endings = endings or Endings(None)
        self._access_token: str | None = None
        self._refresh_token: str | None = None  # the newest that this window knows, should the secret store be away
        self._id = ""
        self._to_tell: list[str] = []
        self._renewing = asyncio.Lock()
        self._under_way: set[asyncio.Task[Refusal | None]] = set()
        self._lost: bool | None = None  # a session that the server has just ended, and whether for all windows
        self._unsaved: tuple[_Kept, _Kept] | None = None
        self.who: SignedIn | None = None
        self.is_beginning = False
        self.on_over: Callable[[bool], object] = lambda _is_for_good: None
        self.on_begin: Callable[[SignedIn], Awaitable[None]] | None = None

    def __repr__(self) -> str:
        return f"Sessions(who={self.who!r})"

    def access_token(self) -> str | None:
        """The access token, if anybody is signed in; one that is over is renewed when the server says so."""
        return self._access_token if self.who is not None else None

    async def restore(self, roles: Sequence[Role], subject: str = "") -> SignedIn | None:
        """Go on with the session that was kept for the first of `roles` that has one, in an installed app as `subject`;
        without network. One that was ended here does not go on, whether or not the secret store answers now."""
        await self.remove_ended()
        found = await asyncio.gather(*(self._found(self._name(role, subject)) for role in roles))
        kept = next(filter(None, found), None)
        if kept is not None:
            self._hold(kept, "to be renewed")
        return self.who

    async def _found(self, name: str) -> _Kept | None:
        try:
            return await self._kept(name)
        except OSError:
            if self._endings.of(name):
                return None
            raise

    def _hold(self, kept: _Kept, access_token: str) -> None:
        self.who, self._access_token = kept.who, access_token
        self._refresh_token, self._id = kept.refresh_token, kept.id

    async def leave(self, *, for_good: bool) -> None:
        """Nobody is signed in in this window; what was kept of the session stays for another time, or goes as well."""
        who = self.drop()
        if who is not None and for_good:
            async with self._renewing:  # else the next token would come after the deletion
                if self.who is None or self._name_of(self.who) != self._name_of(who):
                    await self._remove(who)

    def drop(self) -> SignedIn | None:
        """Nobody is signed in in this window any more; who was."""
        who, self.who, self._access_token = self.who, None, None
        return who

    async def begin(self, session: sm.Session) -> SignedIn:
        """Keep a new session: its refresh token is in the secret store before anything else uses it."""
        who = SignedIn(session.role, session.subject, session.name, session.epoch)
        self.is_beginning = True
        try:
            if self.on_begin is not None:
                await self.on_begin(who)  # first of all: a session that nobody knows of would be found by nobody
            kept = _Kept(who, session.refresh_token, new_key())
            async with self._renewing, self._endings.turn():
                await self._keep(kept)
                self._hold(kept, session.access_token)
                with contextlib.suppress(OSError):  # it is not one of those that are over, listed or not
                    self._endings.remove(self._name_of(who))
        finally:
            self.is_beginning = False
        return who

    async def renew(self, stale: str) -> Refusal | None:
        """Get a new access token in place of `stale`; the refusal SESSION_ENDED ends the session. Raises NoAnswer.

        Whoever asked may go away; the exchange goes on, as a token that was exchanged and not written down is worth
        nothing, and to use it again ends the session."""
        task = asyncio.ensure_future(self._renew(stale))
        self._under_way.add(task)
        answer = asyncio.shield(task)
        task.add_done_callback(self._renewed)  # after the shield's own: whoever asked is answered first
        return await answer

    def _renewed(self, task: "asyncio.Task[Refusal | None]") -> None:
        self._under_way.discard(task)
        is_for_good, self._lost = self._lost, None
        if is_for_good is not None:
            # Not at once: whoever gets this refusal settles it first, in the store of the person it is about.
            asyncio.get_running_loop().call_soon(self.on_over, is_for_good)

    async def finish(self) -> None:
        """Wait until the tokens that are being renewed are written down, but not for a device without an end."""
        self.on_over = lambda _is_for_good: None  # nobody is there any more to be told
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=2 * ANSWER_SECONDS)

    async def _renew(self, stale: str) -> Refusal | None:
        async with self._renewing:
            if self.who is None:
                return _OVER
            if self._access_token != stale:
                return None  # somebody else got a new one meanwhile
            kept = await self._newest(self.who)
            if kept is not None and kept.who.subject != self.who.subject:
                kept = None  # another window has signed somebody else in
            answer: sm.Session | Refusal = _OVER
            if kept is not None:
                answer = await self._exchange(kept)
            if isinstance(answer, Refusal):
                if answer.reason == Reason.SESSION_ENDED:
                    await self._lose(kept)
                return answer
            assert kept is not None
            new = _Kept(kept.who, answer.refresh_token, kept.id)
            if not await self._replace(kept, new):
                return _OVER  # signed out meanwhile: the session does not come back
            self._access_token, self._refresh_token, self._id = answer.access_token, new.refresh_token, new.id
            return None

    async def _exchange(self, kept: _Kept) -> sm.Session | Refusal:
        """The next tokens for a refresh token, or for one whose successor got lost on its way here, however long ago
        that was: the device's key says that it asks now, where its own clock is wrong by the server's. Raises
        NoAnswer."""
        answer = await self._ask(kept.refresh_token, self._now())
        if isinstance(answer, Refusal) and answer.problem is not None and answer.problem.server_time is not None:
            if await self._newest(kept.who) != kept:
                raise NotSent  # another window was faster: what it was given is what is asked with
            answer = await self._ask(kept.refresh_token, answer.problem.server_time)
        if isinstance(answer, Refusal) and answer.reason == Reason.CLOCK_DIFFERS:
            raise NotSent  # it took a minute to get there: no refusal of what was to be done with the next token
        return answer

    async def _ask(self, token: str, at: datetime) -> sm.Session | Refusal:
        from mirabelle.contract import endpoints as e

        signed_at = max(0, int(at.timestamp()))
        dated = sm.DatedProof(signed_at=signed_at, signature=self._keys.prove_at(token, signed_at))
        request = sm.RefreshRequest(refresh_token=token, proof=self._keys.prove(token), dated=dated)
        return await self._api.call(e.REFRESH, body=request, key=new_key())

    async def _lose(self, refused: _Kept | None) -> None:
        who, is_for_good = self.drop(), False
        if who is None:  # they went away meanwhile
            return
        name = self._name_of(who)
        with contextlib.suppress(OSError):
            async with self._endings.turn():
                if await self._kept(name) == refused:  # else another window has signed in anew
                    await self._secrets.delete(name)
                    is_for_good = True
        self._lost = is_for_good

    async def end(self) -> None:
        """Forget the session on this device, in this window at least, and tell the server if it can be reached."""
        try:
            token = await self.forget()
        except OSError:
            self.drop()
            raise
        await self.tell_of_end(token)

    async def forget(self) -> str | None:
        """Forget the session on this device; answers the token to tell the server with, where there was one. Raises
        OSError where the next start would go on with it: so does this window then."""
        async with self._renewing:
            if self.who is None:
                return None
            token, access_token = self._refresh_token, self._access_token
            who = self.drop()
            assert who is not None
            try:
                kept = await self._newest(who)
                if kept is None or kept.who.subject == who.subject:  # else another window has signed somebody else in
                    token = kept.refresh_token if kept is not None else None
            except NotSent:
                log.warning("the secret store did not answer; the server is told by what this window knows")
            try:
                await self._remove(who)
            except OSError:
                self.who, self._access_token = who, access_token
                raise
        return token

    async def _remove(self, who: SignedIn) -> None:
        """Have the secret store forget a session, at once or as soon as it answers. Raises OSError where not even that
        it is over can be written down."""
        name = self._name_of(who)
        async with self._endings.turn():
            try:
                held = await _held(self._secrets, name)
                if held is None or held.who.subject == who.subject:
                    await self._secrets.delete(name)
            except OSError as fault:
                log.warning("the secret store still holds a session that was ended: %s", type(fault).__name__)
                self._endings.add(name, self._id)

    @property
    def is_ending(self) -> bool:
        """Whether the secret store may still hold a session that was ended on this device."""
        return bool(self._endings.names())

    async def remove_ended(self) -> None:
        """Remove what was ended here while the secret store was away, if it answers now."""
        async with self._renewing:
            self._to_tell += await remove_ended(self._secrets, self._endings)

    async def tell_of_ended(self) -> None:
        """Remove what was ended here and tell the server of it, if they can be reached; else at the next call."""
        await self.remove_ended()
        while self._to_tell and await self.tell_of_end(self._to_tell[0]):
            del self._to_tell[0]

    async def forget_all(self, others: Iterable[str]) -> list[str]:
        """Forget every session on this device, also `others` by their names; answers the tokens to tell this session's
        server with: no other server may learn of them. Raises OSError."""
        async with self._renewing, self._endings.turn():
            own = self._own_names()
            kept = [await self._kept(name) for name in own]
            for name in {*others, *own}:
                await self._secrets.delete(name)
            self.drop()
        return [one.refresh_token for one in kept if one is not None]

    async def is_kept(self) -> bool:
        """Whether this device still keeps the session of whoever is signed in. Raises OSError."""
        kept = await self._kept(self._name_of(self.who)) if self.who is not None else None
        return kept is not None and self.who is not None and kept.who.subject == self.who.subject

    async def anybody_is_kept(self, others: Iterable[str]) -> bool:
        """Whether this device keeps any session, also of `others` by their names. Raises OSError."""
        return any([await self._kept(name) is not None for name in {*self._own_names(), *others}])

    def _own_names(self) -> list[str]:
        """A browser keeps a session for each role, an installed app one for each account."""
        if self._server is None:
            return [self._name(role, "") for role in ROLES]
        return [self._name_of(self.who)] if self.who is not None else []

    async def tell_of_end(self, token: str | None) -> bool:
        """Tell the server that the session of the refresh `token` is over, if it can be reached; False if it surely was
        not told."""
        from mirabelle.contract import endpoints as e

        if token is None:
            return True
        try:
            await self._api.call(e.SIGN_OUT, body=sm.SignOutRequest(refresh_token=token), key=new_key())
        except NoAnswer as fault:
            log.info("signed out without network; the server's side of the session ends by itself")
            return not isinstance(fault, NotSent)
        return True

    async def _newest(self, who: SignedIn) -> _Kept | None:
        try:
            kept = await self._kept(self._name_of(who))
        except OSError as fault:
            raise NotSent from fault  # without the newest token nothing can be asked for now
        if self._unsaved is not None and self._unsaved[0] == kept:
            return self._unsaved[1]
        return kept

    async def _kept(self, name: str) -> _Kept | None:
        held = await _held(self._secrets, name)
        return None if held is not None and held.id in self._endings.of(name) else held

    async def _keep(self, kept: _Kept) -> None:
        await self._secrets.set(self._name_of(kept.who), msgspec.json.encode(kept).decode())

    async def _replace(self, old: _Kept, new: _Kept) -> bool:
        """Write down the next token, or at least remember it, since the old one is worth nothing now. False where the
        session is kept no more: another window ended it, or began another."""
        try:
            async with self._endings.turn():
                held = await self._kept(self._name_of(old.who))
                if held is None or held.id != old.id:
                    return False
                await self._keep(new)
        except OSError:
            log.warning("the secret store did not answer; the session lasts as long as this window")
            self._unsaved = (old if self._unsaved is None else self._unsaved[0], new)
        else:
            self._unsaved = None
        return True

    def _name_of(self, who: SignedIn) -> str:
        return self._name(who.role, who.subject)

    def _name(self, role: Role, subject: str) -> str:
        return f"session.{role}" if self._server is None else session_name(self._server, role, subject)
