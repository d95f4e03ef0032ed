"""What signs for the server: an Ed25519 key in a file, or one that never leaves a security module or a key service."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.rules import frame


class Signer(Protocol):
    """A key that signs. A request waits while `sign` does, so it must answer within milliseconds."""

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes."""
        ...

    @property
    def key_id(self) -> bytes:
        """What frames call the key: `rules.frame.key_id` of the public key, 4 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of `message`, 64 bytes; raises whatever keeps it from signing."""
        ...


@dataclass(frozen=True)
class LocalSigner:
    """A key that lies in this process's memory. Only `sign` ever touches the private part."""

    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, secret: bytes) -> "LocalSigner":
        """The signer of a raw private key, 32 bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    @cached_property
    def public_key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @cached_property
    def key_id(self) -> bytes:
        """What frames call the key, 4 bytes."""
        return frame.key_id(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of `message`, 64 bytes."""
        return self._private.sign(message)
