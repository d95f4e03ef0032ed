"""The keys of the stores' files, one for each person and server, made when somebody signs in."""

import asyncio
import contextlib
import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from mirabelle.client.device.secrets import SecretStore

log = logging.getLogger(__name__)

KEY_BYTES: Final = 32
_BESIDE: Final = ".key"

_made_one_by_one: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class KeyGone(OSError):
    """There is a sealed file, and no key to it is to be had."""


class StoreKeys:
    """Keeps each file's key in the secret store.

    On a device that has none the key lies beside the file, for this user alone: that hides nothing from whoever reads
    the disk, but what waits to be sent outlives the app. The settings say so.
    """

    def __init__(self, secret_store: "SecretStore") -> None:
        self._secrets = secret_store

    async def find(self, path: str) -> bytes | None:
        """The key of the file at `path`, if there is one; raises OSError.

        One that lies beside the file was made while the secret store could not be used: it is the newer one.
        """
        beside = await asyncio.to_thread(_beside, path)
        return beside or _read(await self._secrets.get(_name(path)))

    async def make(self, path: str) -> bytes:
        """The key of the file at `path`, a new one where there is none; raises OSError."""
        async with _made_one_by_one.setdefault(path, asyncio.Lock()):  # windows of one browser may ask at once
            key = await self.find(path)
            if key is None:
                await self._keep(path, secrets.token_bytes(KEY_BYTES))
                key = await self.find(path)
        if key is None:
            raise OSError("the secret store forgets")
        return key

    async def _keep(self, path: str, key: bytes) -> None:
        if self._secrets.persistent:
            await self._secrets.set(_name(path), key.hex())
        else:
            await asyncio.to_thread(_put_beside, path, key)

    async def forget(self, path: str) -> None:
        """Let go of the key of a file that is gone."""
        try:
            await asyncio.to_thread(Path(path + _BESIDE).unlink, missing_ok=True)
            await self._secrets.delete(_name(path))
        except OSError as fault:
            log.warning("a key that opens nothing any more could not be removed: %s", type(fault).__name__)


def has_key_beside(path: str) -> bool:
    """Whether the key of the file at `path` lies beside it, as on a device without a secret store."""
    return Path(path + _BESIDE).exists()


def _name(path: str) -> str:
    return f"store.{Path(path).stem}"


def _read(text: str | None) -> bytes | None:
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text or "")
        return key if len(key) == KEY_BYTES else None
    return None


def _beside(path: str) -> bytes | None:
    file = Path(path + _BESIDE)
    return _read(file.read_text()) if file.exists() else None


def _put_beside(path: str, key: bytes) -> None:
    file = Path(path + _BESIDE)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(key.hex())
        opened.flush()
        os.fsync(opened.fileno())  # before anything is sealed with it
