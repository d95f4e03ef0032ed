"""The server's own secrets: made once, kept in files that only its user may read."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules.frame import key_id


@dataclass(frozen=True, slots=True)
class Issuer:
    """The key that signs vouchers. Only `sign` ever touches the private part."""

    _private: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """What frames call the key, 4 bytes."""
        return key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of `message`, 64 bytes."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """The issuer, and the key under which tokens and codes are authenticated."""

    issuer: Issuer
    token_key: bytes = field(repr=False)


def _read_or_make(file: Path) -> bytes:
    try:
        # Another process may be making the same file: exactly one wins, and both read what it wrote.
        descriptor = os.open(
            temporary := file.with_name(f".{file.name}.{os.getpid()}"), os.O_WRONLY | os.O_CREAT, 0o600
        )
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(32))
            os.fsync(stream.fileno())
        os.link(temporary, file)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)
    return file.read_bytes()


def open_secrets(directory: Path) -> ServerSecrets:
    """The secrets in `directory`, made at the first call; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    issuer = Ed25519PrivateKey.from_private_bytes(_read_or_make(directory / "issuer.key"))
    return ServerSecrets(Issuer(issuer), _read_or_make(directory / "token.key"))
