"""Seals what is personal in a store's rows: AES-256-GCM with the key of one person on one device, tied to its place."""

import hmac
import os
import sqlite3
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
MARK: Final = b"MVS\1"  # what is sealed is told by it from all else on a page, and this form from later ones
# Random, and never counted, since several windows write one file. Two that are alike are to be feared after some 2^32
# rows sealed under one key: a row a second for a century.
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16

Value = str | bytes | int | None


class Seal:
    """Seals and opens single values. With no key, as in memory, values stay as they are."""

    def __init__(self, key: bytes | None) -> None:
        assert key is None or len(key) == KEY_BYTES
        self._key = key
        self._hiding = hmac.digest(key, b"hidden", "sha256") if key else b""
        self._cipher: AESGCM | None = None

    def __repr__(self) -> str:
        return "Seal(...)"

    @property
    def tag(self) -> str:
        """Tells this key from others, and tells nothing of it."""
        return self.hidden("tag", "")[:16] if self._key is not None else ""

    def give_to(self, connection: sqlite3.Connection) -> None:
        """Let statements on `connection` say `sealed`, `opened` and `hidden`."""
        connection.create_function("sealed", 3, self.sealed)
        connection.create_function("opened", 3, self.opened)
        connection.create_function("hidden", 2, self.hidden, deterministic=True)

    def sealed(self, table: str, row: str | int, value: Value) -> Value:
        """`value`, so that it opens again only with this key and in this row of this table; None stays None."""
        if self._key is None or value is None:
            return value
        plain = value if isinstance(value, bytes) else str(value).encode()
        nonce = os.urandom(_NONCE_BYTES)
        return MARK + nonce + self._aes().encrypt(nonce, plain, _place(table, row))

    def opened(self, table: str, row: str | int, value: Value) -> Value:
        """What was sealed; None where it is of another key or another row, or damaged."""
        if self._key is None or value is None:
            return value
        if not looks_sealed(value):
            return None
        from cryptography.exceptions import InvalidTag

        end = len(MARK) + _NONCE_BYTES
        try:
            return self._aes().decrypt(value[len(MARK) : end], value[end:], _place(table, row))
        except InvalidTag:
            return None

    def hidden(self, table: str, value: str) -> str:
        """Stands for `value` where rows are looked up by it: the same each time, and tells nothing without the key."""
        if self._key is None:
            return value
        return hmac.digest(self._hiding, _place(table, value), "sha256").hex()

    def _aes(self) -> "AESGCM":
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            assert self._key is not None
            self._cipher = AESGCM(self._key)
        return self._cipher


def looks_sealed(value: object) -> bool:
    """Whether `value` could be something sealed, by its form alone."""
    return isinstance(value, bytes) and len(value) > _NONCE_BYTES + _TAG_BYTES and value.startswith(MARK)


def _place(table: str, row: str | int) -> bytes:
    return f"{table}\0{row}".encode()
