"""The keys that sign vouchers, as the ledger knows them: which of them are trusted, and for how long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.trust import STILL_OUT
from mirabelle.server.ledger.save import insert_or
from mirabelle.server.services.secrets_file import LocalSigner
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
    def is_current(self) -> bool:
        """Whether it may sign."""
        return self.retired_at is None and self.compromised_at is None

    @property
    def trusted_until(self) -> datetime | None:
        """When the last lease that it signed is over; None where that is open."""
        if self.compromised_at is not None:
            return self.compromised_at
        return None if self.retired_at is None else self.retired_at + STILL_OUT

    def is_trusted(self, now: datetime) -> bool:
        """Whether what it signed may be honoured."""
        return self.compromised_at is None and (self.trusted_until is None or now < self.trusted_until)


def _known(row: Row[Any]) -> KnownKey:
    return KnownKey(**{**row._mapping, "key_id": bytes.fromhex(row.key_id)})


async def known_keys(connection: AsyncConnection) -> list[KnownKey]:
    """Every key that ever signed vouchers of this ledger, the oldest first."""
    table = t.issuer_keys
    rows = (await connection.execute(select(table).order_by(table.c.created_at, table.c.key_id))).all()
    return [_known(row) for row in rows]


async def register_key(connection: AsyncConnection, issuer: LocalSigner, now: datetime) -> None:
    """Let every server of this ledger know the issuer's public key, so that each honours the others' vouchers."""
    row = {"key_id": issuer.key_id.hex(), "public_key": issuer.public_key, "created_at": now}
    await connection.execute(insert_or(connection, t.issuer_keys).on_conflict_do_nothing(), [row])
