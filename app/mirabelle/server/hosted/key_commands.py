"""What operators do about keys and vouchers in the wrong hands: list, rotate and seal keys, block vouchers."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.trust import KeyState, programme_id
from mirabelle.server.hosting import open_store
from mirabelle.server.services.blocking import block, blocked, unblock
from mirabelle.server.services.issuer_keys import KnownKey, known_keys, rotate
from mirabelle.server.services.sealing import KeysUnusable, MasterKey, is_sealed, master_key_from, opened
from mirabelle.server.services.secrets_file import ISSUER_KEY, PROGRAMME_KEY, are_sealed, read_secrets, seal_secrets
from mirabelle.server.services.signing import LocalSigner

T = TypeVar("T")


def master_key(file: Path | None) -> MasterKey | None:
    """The master key in `file`, else in this process's environment; raises KeysUnusable, OSError."""
    return master_key_from(file, os.environ)


def _with_database(data: Path, database_url: str, now: datetime, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """What `work` makes of the database in one transaction."""

    async def run() -> T:
        database = await open_store(data, database_url, None, now)
        try:
            return await database.attempt(work)
        finally:
            await database.close()

    return asyncio.run(run())


def list_keys(data: Path, database_url: str, master: MasterKey | None, now: datetime) -> str:
    """Tell of every key, a line each, and how the private ones are kept."""
    contents = read_secrets(data / "secrets")
    signers = {
        name: LocalSigner.of(opened(name, contents[name], master))
        for name in (ISSUER_KEY, PROGRAMME_KEY)
        if name in contents and (master is not None or not is_sealed(contents[name]))
    }
    here = signers[ISSUER_KEY].key_id if ISSUER_KEY in signers else None
    known = _with_database(data, database_url, now, known_keys)
    told = [_line(key, now) + (", signs here" if key.key_id == here else "") for key in known]
    if PROGRAMME_KEY in signers:
        told.append(f"programme {programme_id(signers[PROGRAMME_KEY].public_key)}  signs what tills go by")
    return "\n".join([*told, kept(data)])


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _line(key: KnownKey, now: datetime) -> str:
    line = f"issuer    {key.key_id.hex()}  {key.state.value:<11}  made {_at(key.created_at)}"
    if key.compromised_at is not None:
        return f"{line}, trusted no more since {_at(key.compromised_at)}"
    if key.trusted_until is not None:
        return f"{line}, trusted {'until' if key.is_trusted(now) else 'no more since'} {_at(key.trusted_until)}"
    return line


def kept(data: Path) -> str:
    """In one line, how the private keys of the server in `data` are kept at rest."""
    contents, secrets = read_secrets(data / "secrets"), data / "secrets"
    bare = [name for name, content in contents.items() if not is_sealed(content)]
    if not contents:
        return f"{secrets} holds no keys yet"
    if not bare:
        return f"the private keys in {secrets} are sealed under a master key"
    return f"not sealed: whoever can read {secrets} can issue vouchers; 'mirabelle keys seal' seals it"


def rotate_keys(data: Path, database_url: str, master: MasterKey | None, compromised: str, now: datetime) -> str:
    """Have a new key sign vouchers, and trust the one that is `compromised` no more; raises KeysUnusable."""
    secrets = data / "secrets"
    if ISSUER_KEY not in read_secrets(secrets):
        raise KeysUnusable(f"{secrets} holds no key to rotate: name the server's data directory with --data")
    if master is not None and not are_sealed(secrets):
        # The server beside it runs without the master key, and could not open the new one.
        raise KeysUnusable(f"{secrets} is not sealed: 'mirabelle keys seal' first, or rotate without the master key")

    async def work(connection: AsyncConnection) -> tuple[str, list[KnownKey]]:
        issuer = await rotate(connection, secrets, master, compromised, now)
        return issuer.key_id.hex(), await known_keys(connection)

    new, known = _with_database(data, database_url, now, work)
    lines = [_line(key, now) for key in known if key.state is not KeyState.RETIRED or key.is_trusted(now)]
    return "\n".join([f"{new} signs from now on; a running server follows within a second", *lines])


def seal_keys(data: Path, master: MasterKey | None) -> str:
    """Seal the private keys that are not sealed; raises KeysUnusable."""
    secrets = data / "secrets"
    if master is None:
        raise KeysUnusable("a master key is needed: give it in MIRABELLE_MASTER_KEY or --master-key-file")
    if not read_secrets(secrets):
        raise KeysUnusable(f"{secrets} holds no keys to seal")
    sealed = seal_secrets(secrets, master)
    return f"{sealed} files sealed in {secrets}; restart the server with the master key, which it needs from now on"


def block_voucher(data: Path, database_url: str, voucher: str, why: str, now: datetime) -> str:
    """Have a voucher refused everywhere; raises NoSuchVoucher."""
    _with_database(data, database_url, now, lambda connection: block(connection, voucher, why, now))
    return f"{voucher} is blocked: online from now on, at a till without network from its next sync"


def list_blocked(data: Path, database_url: str, now: datetime) -> str:
    """Tell which vouchers are blocked, since when and why, a line each."""
    rows = _with_database(data, database_url, now, blocked)
    lines = [f"{row.id}  {row.reward}  since {_at(row.blocked_at)}: {row.blocked_why}" for row in rows]
    return "\n".join([*lines, f"{len(rows)} vouchers are blocked"])


def unblock_voucher(data: Path, database_url: str, voucher: str, now: datetime) -> str:
    """Let a voucher be used again; raises NoSuchVoucher."""
    _with_database(data, database_url, now, lambda connection: unblock(connection, voucher))
    return f"{voucher} is not blocked"
