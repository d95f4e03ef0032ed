"""The keys that sign vouchers, as the ledger knows them: which of them are trusted, and for how long."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.trust import STILL_OUT, KeyState
from mirabelle.server.ledger.save import insert_or
from mirabelle.server.services.sealing import KeysUnusable, MasterKey
from mirabelle.server.services.secrets_file import new_issuer, open_issuer
from mirabelle.server.services.signing import Signer
from mirabelle.server.storage import schema as t


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that signs, or signed, vouchers of this ledger."""

    key_id: bytes
    public_key: bytes
    created_at: datetime
    retired_at: datetime | None
    compromised_at: datetime | None

    @property
    def state(self) -> KeyState:
        """Where it stands."""
        if self.compromised_at is not None:
            return KeyState.COMPROMISED
        return KeyState.CURRENT if self.retired_at is None else KeyState.RETIRED

    @property
    def trusted_until(self) -> datetime | None:
        """When the last lease that a retired key signed is over; None where it may still sign, or was compromised."""
        if self.retired_at is None or self.compromised_at is not None:
            return None
        return self.retired_at + STILL_OUT

    def is_trusted(self, now: datetime) -> bool:
        """Whether what it signed may be honoured."""
        over = self.trusted_until is not None and self.trusted_until <= now
        return self.compromised_at is None and not over


async def known_keys(connection: AsyncConnection) -> list[KnownKey]:
    """Every key that ever signed vouchers of this ledger, the oldest first."""
    table = t.issuer_keys
    rows = (await connection.execute(select(table).order_by(table.c.created_at, table.c.key_id))).all()
    return [_known(row) for row in rows]


def _known(row: Row[Any]) -> KnownKey:
    return KnownKey(**{**row._mapping, "key_id": bytes.fromhex(row.key_id)})


async def _state_of(connection: AsyncConnection, signer: Signer) -> KeyState | None:
    query = select(t.issuer_keys).where(t.issuer_keys.c.key_id == signer.key_id.hex())
    row = (await connection.execute(query)).first()
    return None if row is None else _known(row).state


async def may_sign(connection: AsyncConnection, signer: Signer) -> bool:
    """Whether vouchers that `signer` signs now will be honoured everywhere."""
    return await _state_of(connection, signer) is KeyState.CURRENT


async def _register(connection: AsyncConnection, signer: Signer, now: datetime) -> None:
    """Let every server of this ledger know the public key, so that each honours the others' vouchers."""
    row = {"key_id": signer.key_id.hex(), "public_key": signer.public_key, "created_at": now}
    await connection.execute(insert_or(connection, t.issuer_keys).on_conflict_do_nothing(), [row])


async def use_signer(connection: AsyncConnection, signer: Signer, now: datetime) -> Signer:
    """Have a signer that was given sign vouchers from now on; raises KeysUnusable where its key was given up."""
    await _register(connection, signer, now)
    if not await may_sign(connection, signer):
        raise KeysUnusable(f"the key {signer.key_id.hex()} of the given signer was given up: it needs another")
    return signer


async def current_issuer(
    connection: AsyncConnection, directory: Path, master: MasterKey | None, now: datetime
) -> Signer:
    """The key in `directory` if it may sign, else a new one in its place; raises OSError, KeysUnusable."""
    issuer = open_issuer(directory, master)
    await _register(connection, issuer, now)
    if await may_sign(connection, issuer):
        return issuer
    issuer = new_issuer(directory, master)
    await _register(connection, issuer, now)
    return issuer


async def rotate(
    connection: AsyncConnection, directory: Path, master: MasterKey | None, compromised: str, now: datetime
) -> Signer:
    """Put a new key into `directory` and retire all others; the one named `compromised`, if any, is trusted no more.

    Servers with directories of their own find their keys retired and make new ones. Raises OSError, KeysUnusable.
    """
    table = t.issuer_keys
    if compromised:
        named = update(table).where(table.c.key_id == compromised.lower()).values(compromised_at=now)
        if not (await connection.execute(named)).rowcount:
            raise KeysUnusable(f"no key {compromised} is known: see 'mirabelle keys list'")
    open_issuer(directory, master)  # first: where the master key is a wrong one, nothing changes
    await connection.execute(update(table).where(table.c.retired_at.is_(None)).values(retired_at=now))
    # In the transaction: a server that sees the old key retired must find the new one in its place.
    issuer = new_issuer(directory, master)
    await _register(connection, issuer, now)
    return issuer
