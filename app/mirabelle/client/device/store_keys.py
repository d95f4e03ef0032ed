"""The keys of the stores' files, one for each person and server, made when somebody signs in."""

import asyncio
import contextlib
import logging
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mirabelle.client.device.secrets import SecretStore

log = logging.getLogger(__name__)

KEY_BYTES: Final = 32


class StoreKeys:
    """Keeps each file's key in the secret store.

    On a device that has none the key lies beside the file, for this user alone: that hides nothing from whoever reads
    the disk, but what waits to be sent outlives the app. The settings say so.
    """

    def __init__(self, secret_store: "SecretStore") -> None:
        self._secrets = secret_store

    async def of(self, path: str) -> bytes:
        """The key of the file at `path`, made at the first call; raises OSError."""
        if not self._secrets.persistent:
            return await asyncio.to_thread(_beside, Path(path + ".key"))
        name = _name(path)
        key = _read(await self._secrets.get(name))
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
            await self._secrets.set(name, key.hex())
        return key

    async def forget(self, path: str) -> None:
        """Let go of the key of a file that is gone."""
        try:
            await asyncio.to_thread(Path(path + ".key").unlink, missing_ok=True)
            await self._secrets.delete(_name(path))
        except OSError as fault:
            log.warning("a key that opens nothing any more could not be removed: %s", type(fault).__name__)


def _name(path: str) -> str:
    return f"store.{Path(path).stem}"


def _read(text: str | None) -> bytes | None:
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text or "")
        return key if len(key) == KEY_BYTES else None
    return None


def _beside(file: Path) -> bytes:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = _read(file.read_text()) if file.exists() else None
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
            opened.write(key.hex())
            opened.flush()
            os.fsync(opened.fileno())  # before anything is sealed with it
    return key
