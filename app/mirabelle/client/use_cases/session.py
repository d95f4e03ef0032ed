"""The session: who is signed in on this device, and the tokens that prove it."""

import asyncio
import logging
import secrets
from datetime import datetime
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.secrets import SecretStore
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason

log = logging.getLogger(__name__)

ROLES: Final[tuple[m.Role, ...]] = ("participant", "staff")


class SignedIn(msgspec.Struct, frozen=True):
    """Who is signed in."""

    role: m.Role
    subject: str
    name: str
    epoch: int


class _Kept(msgspec.Struct, frozen=True):
    """What the secret store keeps of a session."""

    who: SignedIn
    refresh_token: str


def new_key() -> str:
    """A key for one thing to be done, never used before."""
    return secrets.token_hex(16)


class Sessions:
    """Holds the access token in memory and the refresh token in the secret store, one for each role.

    Two windows of one browser share the secret store: before a refresh token is used, the newest one is read from there.
    """

    def __init__(self, api: Api, store: SecretStore, keys: Keys) -> None:
        self._api, self._secrets, self._keys = api, store, keys
        self._access_token: str | None = None
        self._renewing = asyncio.Lock()
        self.who: SignedIn | None = None
        self.server_time: tuple[datetime, datetime] | None = None

    def __repr__(self) -> str:
        return f"Sessions(who={self.who!r})"

    def access_token(self) -> str | None:
        """The access token; "" for a session whose token must be renewed first."""
        return self._access_token if self.who is not None else None

    async def restore(self, role: m.Role) -> SignedIn | None:
        """Go on with the session that was kept for `role`, if there is one; without network."""
        kept = await self._kept(role)
        if kept is not None:
            self.who, self._access_token = kept.who, "to be renewed"
        return self.who

    async def begin(self, session: m.Session) -> SignedIn:
        """Keep a new session: its refresh token is in the secret store before anything else uses it."""
        who = SignedIn(session.role, session.subject, session.name, session.epoch)
        await self._keep(_Kept(who, session.refresh_token))
        self.who, self._access_token = who, session.access_token
        return who

    async def renew(self, stale: str) -> Refusal | None:
        """Get a new access token in place of `stale`; a refusal means that the session is over."""
        async with self._renewing:
            if self._access_token != stale or self.who is None:
                return None  # somebody else got a new one meanwhile
            kept = await self._kept(self.who.role)
            if kept is None:
                return Refusal(Reason.SESSION_ENDED, 401, "", None)
            request = m.RefreshRequest(refresh_token=kept.refresh_token, proof=self._keys.prove(kept.refresh_token))
            answer = await self._api.call(e.REFRESH, body=request, key=new_key())
            if isinstance(answer, Refusal):
                return answer
            await self._keep(_Kept(kept.who, answer.refresh_token))
            self._access_token = answer.access_token
            return None

    async def end(self) -> None:
        """Forget the session on this device, and tell the server if it can be reached."""
        from mirabelle.client.api import NoAnswer

        if self.who is None:
            return
        kept = await self._kept(self.who.role)
        await self._secrets.delete(f"session.{self.who.role}")
        self.who, self._access_token = None, None
        if kept is not None:
            try:
                await self._api.call(e.SIGN_OUT, body=m.SignOutRequest(refresh_token=kept.refresh_token), key=new_key())
            except NoAnswer:
                log.info("signed out without network; the server's side of the session ends by itself")

    async def _kept(self, role: m.Role) -> _Kept | None:
        raw = await self._secrets.get(f"session.{role}")
        try:
            return msgspec.json.decode(raw, type=_Kept) if raw else None
        except msgspec.DecodeError:
            return None

    async def _keep(self, kept: _Kept) -> None:
        await self._secrets.set(f"session.{kept.who.role}", msgspec.json.encode(kept).decode())
