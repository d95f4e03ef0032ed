"""The server's own secrets, made once: in files that only its user may read, sealed where there is a master key."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mirabelle.server.services.sealing import SECRET_BYTES, MasterKey, is_sealed, opened
from mirabelle.server.services.signing import LocalSigner
from mirabelle.server.storage.files import whole_file

ISSUER_KEY: Final = "issuer.key"
PROGRAMME_KEY: Final = "programme.key"
TOKEN_KEY: Final = "token.key"
SECRETS: Final = (ISSUER_KEY, PROGRAMME_KEY, TOKEN_KEY)


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """What signs the trust of tills, and the key under which tokens and codes are authenticated."""

    programme: LocalSigner
    token_key: bytes = field(repr=False)


def _read_or_make(file: Path, master: MasterKey | None) -> bytes:
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Another process may be making the same file: exactly one wins, and both read what it wrote.
        temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_at_rest(file.name, secrets.token_bytes(SECRET_BYTES), master))
                os.fsync(stream.fileno())
            with suppress(FileExistsError):
                os.link(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
    return opened(file.name, file.read_bytes(), master)


def _at_rest(name: str, content: bytes, master: MasterKey | None) -> bytes:
    return content if master is None or is_sealed(content) else master.seal(name, content)


def open_secrets(directory: Path, master: MasterKey | None = None) -> ServerSecrets:
    """The secrets in `directory`, made at the first call; raises OSError, KeysUnusable."""
    programme = LocalSigner.of(_read_or_make(directory / PROGRAMME_KEY, master))
    return ServerSecrets(programme, _read_or_make(directory / TOKEN_KEY, master))


def open_issuer(directory: Path, master: MasterKey | None = None) -> LocalSigner:
    """The key in `directory` that signs vouchers, made at the first call; raises OSError, KeysUnusable."""
    return LocalSigner.of(_read_or_make(directory / ISSUER_KEY, master))


def new_issuer(directory: Path, master: MasterKey | None = None) -> LocalSigner:
    """Put a new key that signs vouchers in the place of the one in `directory`, of which nothing is kept."""
    secret = secrets.token_bytes(SECRET_BYTES)
    put_secrets(directory, {ISSUER_KEY: secret}, master)
    return LocalSigner.of(secret)


def read_secrets(directory: Path) -> dict[str, bytes]:
    """The files of the secrets that are in `directory`, by name, sealed or not as they are; raises OSError."""
    return {name: (directory / name).read_bytes() for name in SECRETS if (directory / name).exists()}


def put_secrets(directory: Path, contents: Mapping[str, bytes], master: MasterKey | None = None) -> None:
    """Put what `read_secrets` gave into `directory`, sealed where there is a master key; raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in SECRETS:
        if name in contents:
            with whole_file(directory / name) as stream:
                stream.write(_at_rest(name, contents[name], master))


def seal_secrets(directory: Path, master: MasterKey) -> int:
    """Seal the secrets in `directory` that are not, and tell how many these were; raises OSError, KeysUnusable."""
    contents = read_secrets(directory)
    for name, content in contents.items():
        opened(name, content, master)  # first all: none is sealed beside one that this master key does not open
    bare = {name: content for name, content in contents.items() if not is_sealed(content)}
    put_secrets(directory, bare, master)
    return len(bare)


def are_sealed(directory: Path) -> bool:
    """Whether no secret in `directory` lies there open; raises OSError."""
    return all(is_sealed(content) for content in read_secrets(directory).values())
