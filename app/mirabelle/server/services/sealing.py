"""Secrets sealed at rest: AES-256-GCM under a master key that is kept elsewhere, bound to the file's name."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_KEY_VARIABLE: Final = "MIRABELLE_MASTER_KEY"
MASTER_KEY_BYTES: Final = 32
SECRET_BYTES: Final = 32

_MARK: Final = b"MVS1"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEALED_BYTES: Final = len(_MARK) + _NONCE_BYTES + SECRET_BYTES + _TAG_BYTES


class KeysUnusable(Exception):
    """The server's keys cannot be used; the message is one clear line that holds nothing of them."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """Seals and opens secrets."""

    _key: bytes = field(repr=False)

    def seal(self, name: str, secret: bytes) -> bytes:
        """What the file `name` may hold of `secret`: only this master key opens it, under this name."""
        nonce = os.urandom(_NONCE_BYTES)
        return _MARK + nonce + AESGCM(self._key).encrypt(nonce, secret, _bound_to(name))

    def open(self, name: str, sealed: bytes) -> bytes:
        """The secret that was sealed; raises KeysUnusable."""
        start = len(_MARK)
        nonce, rest = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return AESGCM(self._key).decrypt(nonce, rest, _bound_to(name))
        except InvalidTag:
            raise KeysUnusable(f"{name} was sealed under another master key, or is damaged") from None


def _bound_to(name: str) -> bytes:
    return b"MV1\0seal\0" + name.encode()


def is_sealed(content: bytes) -> bool:
    """Whether a secret's file is sealed; one that is not is exactly as long as the secret."""
    return len(content) == _SEALED_BYTES and content.startswith(_MARK)


def opened(name: str, content: bytes, master: MasterKey | None) -> bytes:
    """The secret in the content of the file `name`; raises KeysUnusable."""
    if is_sealed(content):
        if master is None:
            raise KeysUnusable(f"{name} is sealed: give its master key in {MASTER_KEY_VARIABLE} or --master-key-file")
        return master.open(name, content)
    if len(content) != SECRET_BYTES:
        raise KeysUnusable(f"{name} does not hold the {SECRET_BYTES} bytes that it should")
    return content


def master_key_from(file: Path | None, environment: Mapping[str, str]) -> MasterKey | None:
    """The master key in `file`, else in the environment, else None; raises KeysUnusable, OSError."""
    place = str(file) if file else MASTER_KEY_VARIABLE
    text = file.read_text(encoding="utf-8", errors="replace") if file else environment.get(MASTER_KEY_VARIABLE)
    if not text and file is None:
        return None
    digits = (text or "").strip()
    if not re.fullmatch(rf"[0-9A-Fa-f]{{{2 * MASTER_KEY_BYTES}}}", digits):
        raise KeysUnusable(f"{place} is not {2 * MASTER_KEY_BYTES} hexadecimal digits ('openssl rand -hex 32')")
    return MasterKey(bytes.fromhex(digits))
