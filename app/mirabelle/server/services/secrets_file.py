"""The server's own secrets: made once, kept in files that only its user may read. Its public key is no secret."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules.frame import key_id
from mirabelle.server.storage.files import whole_file

SECRET_BYTES: Final = 32
ISSUER_KEY: Final = "issuer.key"
PROGRAMME_KEY: Final = "programme.key"
TOKEN_KEY: Final = "token.key"
SECRETS: Final = (ISSUER_KEY, PROGRAMME_KEY, TOKEN_KEY)


@dataclass(frozen=True)
class LocalSigner:
    """A key that is read from a file. Only `sign` ever touches the private part."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> bytes:
        """What frames call the key, 4 bytes."""
        return key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of `message`, 64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """What signs vouchers, what signs the trust of tills, and the key under which tokens are authenticated."""

    issuer: LocalSigner
    programme: LocalSigner
    token_key: bytes = field(repr=False)


def _read_or_make(file: Path) -> bytes:
    if not file.exists():
        # Another process may be making the same file: exactly one wins, and both read what it wrote.
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(SECRET_BYTES))
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise OSError(f"{file} does not hold the {SECRET_BYTES} bytes that it should")
    return secret


def open_secrets(directory: Path) -> ServerSecrets:
    """The secrets in `directory`, made at the first call; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer, programme = (
        LocalSigner(Ed25519PrivateKey.from_private_bytes(_read_or_make(directory / name)))
        for name in (ISSUER_KEY, PROGRAMME_KEY)
    )
    return ServerSecrets(issuer, programme, _read_or_make(directory / TOKEN_KEY))


def read_secrets(directory: Path) -> dict[str, bytes]:
    """The files of the secrets that are in `directory`, by name; raises OSError."""
    return {name: (directory / name).read_bytes() for name in SECRETS if (directory / name).exists()}


def put_secrets(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Put what `read_secrets` gave into `directory`; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in SECRETS:
        if name in contents:
            with whole_file(directory / name) as stream:
                stream.write(contents[name])
