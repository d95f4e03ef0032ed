"""Access tokens (short-lived, RFC 7519) and refresh tokens (rotated), authenticated by the server's own key."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mirabelle.contract import limits
from mirabelle.contract.fields import Role


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as their access token says, and from which network address. `subject` is a participant's id or a
    till's."""

    role: Role
    subject: str
    session: str
    epoch: int
    address: str = ""


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    role: Role
    sid: str
    epoch: int
    exp: int


_CLAIMS: Final = msgspec.json.Decoder(_Claims)
_HEAD: Final = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    """Base64url without padding; raises ValueError."""
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens."""

    key: bytes = field(repr=False)

    def mac(self, *parts: str) -> bytes:
        """A keyed hash of `parts`, for what must be recognised but not stored."""
        return hmac.digest(self.key, "\0".join(parts).encode(), hashlib.sha256)

    def access(self, caller: Caller, now: datetime) -> tuple[str, datetime]:
        """An access token and when it ends."""
        import jwt

        expires_at = now + timedelta(minutes=limits.ACCESS_TOKEN_MINUTES)
        claims = {
            "sub": caller.subject,
            "role": caller.role,
            "sid": caller.session,
            "epoch": caller.epoch,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode(claims, self.key, algorithm="HS256"), expires_at

    def caller(self, token: str, now: datetime) -> Caller | None:
        """Whom an access token names; None where it is not one of ours or is over."""
        # By hand, since it comes before every request: ours have one header, so that no other algorithm can be named.
        head, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        try:
            signed = hmac.digest(self.key, f"{head}.{payload}".encode(), hashlib.sha256)
            if head != _HEAD or not hmac.compare_digest(_decoded(signature), signed):
                return None
            claims = _CLAIMS.decode(_decoded(payload))
        except (ValueError, msgspec.MsgspecError):
            return None
        return None if claims.exp <= now.timestamp() else Caller(claims.role, claims.sub, claims.sid, claims.epoch)

    def refresh(self, session: str, generation: int) -> str:
        """The refresh token of a session's generation: always the same, so that it need not be stored."""
        return f"{session}.{generation}.{self.mac('refresh', session, str(generation)).hex()}"

    def refreshed(self, token: str) -> tuple[str, int] | None:
        """The session and generation of a refresh token; None where it is not one of ours."""
        session, _, rest = token.partition(".")
        generation, _, _ = rest.partition(".")
        if not (generation.isascii() and generation.isdigit() and len(generation) < 10):
            return None
        genuine = hmac.compare_digest(token.encode(), self.refresh(session, int(generation)).encode())
        return (session, int(generation)) if genuine else None
