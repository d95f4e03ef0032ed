"""What the participant redeemed, and the vouchers that came of it."""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.store.database import Store, decoded
from mirabelle.contract import messages as m

_DECODER: Final = msgspec.json.Decoder(m.Redemption)
_BODY: Final = "opened('redemptions', id, body)"


def keep_redemption(connection: sqlite3.Connection, redemption: m.Redemption) -> None:
    """Write a redemption and its vouchers, in the caller's transaction."""
    voucher = redemption.voucher.id if redemption.voucher else None
    connection.execute(
        "INSERT OR REPLACE INTO redemptions (id, created_at, voucher, body)"
        " VALUES (?1, ?2, ?3, sealed('redemptions', ?1, ?4))",
        (redemption.id, redemption.created_at.isoformat(), voucher, msgspec.json.encode(redemption)),
    )


def vouchers_of(redemption: m.Redemption) -> list[m.Voucher]:
    """The vouchers of a redemption, one for each use."""
    return [redemption.voucher, *redemption.others] if redemption.voucher else []


def _known(rows: Iterable[sqlite3.Row]) -> list[m.Redemption]:
    """The redemptions of these rows, but for what another version of the app wrote: the next sync writes it anew."""
    return [redemption for row in rows if (redemption := decoded(_DECODER, row[0])) is not None]


class Redemptions:
    """Reads redemptions from the store and keeps them fresh."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api = store, api

    def list(self) -> list[m.Redemption]:
        """All redemptions, newest first."""
        rows = self._store.read.execute(f"SELECT {_BODY} FROM redemptions ORDER BY created_at DESC, id")
        return _known(rows)

    def get(self, id_: str) -> m.Redemption | None:
        """The redemption `id_`."""
        row = self._store.read.execute(f"SELECT {_BODY} FROM redemptions WHERE id = ?", (id_,)).fetchone()
        return decoded(_DECODER, row[0]) if row else None

    async def refresh(self) -> Refusal | None:
        """Fetch all redemptions with their vouchers; raises NoAnswer."""
        from mirabelle.contract import endpoints as e

        answer = await self._api.call(e.REDEMPTIONS)
        if isinstance(answer, Refusal):
            return answer
        known = {redemption.id: redemption for redemption in self.list()}
        changed = [redemption for redemption in answer.redemptions if known.get(redemption.id) != redemption]
        if changed:
            with self._store.write("redemptions", "vouchers") as connection:
                for redemption in changed:
                    keep_redemption(connection, redemption)
        return None


class Vouchers:
    """Reads vouchers from the store, each with its state at this moment."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    def list(self) -> list[m.Voucher]:
        """All vouchers, newest first; of several that were issued together, the first one first."""
        rows = self._store.read.execute(
            f"SELECT {_BODY} FROM redemptions WHERE voucher IS NOT NULL ORDER BY created_at DESC, id"
        )
        return [self._as_it_is(voucher) for redemption in _known(rows) for voucher in vouchers_of(redemption)]

    def get(self, id_: str) -> m.Voucher | None:
        """The voucher `id_`."""
        return next((voucher for voucher in self.list() if voucher.id == id_), None)

    def _as_it_is(self, voucher: m.Voucher) -> m.Voucher:
        if voucher.state == "ready" and voucher.expires_at <= self._now():
            return msgspec.structs.replace(voucher, state="expired")
        return voucher

    def keep(self, voucher: m.Voucher) -> None:
        """Write a voucher that was leased anew."""
        row = self._store.read.execute(
            f"SELECT {_BODY} FROM redemptions WHERE id = ?", (voucher.redemption,)
        ).fetchone()
        before = decoded(_DECODER, row[0]) if row is not None else None
        if before is not None:
            first, *others = [voucher if each.id == voucher.id else each for each in vouchers_of(before)]
            redemption = msgspec.structs.replace(before, voucher=first, others=others)
            with self._store.write("vouchers", "redemptions") as connection:
                keep_redemption(connection, redemption)
