"""What travels as somebody signs in, stays signed in and signs out, as JSON."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from mirabelle.contract.fields import Email, Identifier, Language, Message, PublicKey, Role, SecretMessage

Signature = Annotated[str, Meta(max_length=128, pattern=r"^[0-9a-f]{128}$")]


class SignInCodeRequest(Message, frozen=True, kw_only=True):
    """The device with `device_key` has tries of its own at the code, which nobody else can use up."""

    email: Email
    language: Language = "en"
    device_key: PublicKey | None = None


class SignInRequest(SecretMessage, frozen=True, kw_only=True):
    email: Email
    code: Annotated[str, Meta(max_length=20)]
    device_key: PublicKey


class DemoRequest(Message, frozen=True, kw_only=True):
    role: Role
    language: Language = "en"
    device_key: PublicKey


class DatedProof(SecretMessage, frozen=True, kw_only=True):
    """The device key's signature, hex, over `"MV1 refresh at\\0"` + `signed_at`, in unix seconds, + `"\\0"` + the
    refresh token."""

    signed_at: Annotated[int, Meta(ge=0, le=10**11)]
    signature: Signature


class RefreshRequest(SecretMessage, frozen=True, kw_only=True):
    """`proof` is the device key's signature, hex, over `"MV1 refresh\\0"` + the refresh token. With a `dated` one, a
    reply that was lost is given again however late; the refusal `clock_differs` tells the server's time for it."""

    refresh_token: Annotated[str, Meta(max_length=200)]
    proof: Signature
    dated: DatedProof | None = None


class SignOutRequest(SecretMessage, frozen=True, kw_only=True):
    refresh_token: Annotated[str, Meta(max_length=200)]


class Session(SecretMessage, frozen=True, kw_only=True):
    """A signed-in device. `subject` is the participant's id or the till's."""

    role: Role
    subject: Identifier
    name: str
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    epoch: int
    server_time: datetime
