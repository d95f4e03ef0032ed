"""The wallet: points, what expires when, and the activity that explains them."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.store.database import Store, decoded, put_document
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.rules.lots import Lot, spendable
from mirabelle.rules.postings import Account, settle

BARS: Final = 5
_SKEW: Final = timedelta(seconds=limits.CLOCK_SKEW_SECONDS)
_TURN: Final = "wallet asked"  # how often it was asked for
_TURN_KEPT: Final = "wallet kept"  # which of those is kept
_ACTIVITY: Final = msgspec.json.Decoder(m.Activity)


class ExpiryBar(msgspec.Struct, frozen=True):
    """Points that expire in one month; in the last bar, with no month, all that expire later or never."""

    month_start: date | None
    points: int
    first: bool


class Wallet:
    """Reads the wallet from the store, as it is at this moment, and keeps it fresh."""

    def __init__(self, store: Store, api: Api, now: Callable[[], datetime], zone: Callable[[], tzinfo]) -> None:
        self._store, self._api, self._now, self._zone = store, api, now, zone
        self._has_strange = False  # rows that another version wrote: all are fetched anew
        self.clock_is_off = False  # whether this device's clock was when the server last said what time it is

    def current(self) -> m.Wallet | None:
        """The wallet, with what time alone has done since `as_of`: points that arrived, lots that expired."""
        wallet = self._store.document("wallet", m.Wallet)
        if wallet is None:
            return None
        account, postings = settle(_account(wallet), self._now())
        if not postings:
            return wallet
        return msgspec.structs.replace(
            wallet,
            available=account.available,
            pending=account.pending,
            lots=[
                msgspec.structs.replace(lot, remaining=after.remaining, available_at=after.available_at)
                for lot in wallet.lots
                if (after := account.lots[lot.number]).remaining
            ],
        )

    def next_expiry(self, now: datetime) -> tuple[int, datetime] | None:
        """How many points expire next, and when; None where none ever do."""
        return next(iter(self.expiries(now)), None)

    def expiries(self, now: datetime) -> list[tuple[int, datetime]]:
        """How many points expire, and when, soonest first."""
        by_moment: dict[datetime, int] = {}
        for lot in self._spendable(now):
            if lot.expires_at is not None:
                by_moment[lot.expires_at] = by_moment.get(lot.expires_at, 0) + lot.remaining
        return [(points, moment) for moment, points in by_moment.items()]

    def timeline(self, now: datetime) -> list[ExpiryBar]:
        """What expires in each month that has something, soonest first; what is left over comes last, in one bar."""
        by_month: dict[date | None, int] = {}
        for lot in self._spendable(now):
            month = self._month(lot.expires_at)
            by_month[month] = by_month.get(month, 0) + lot.remaining
        months = [(month, points) for month, points in by_month.items() if month is not None]
        shown = months if len(by_month) <= BARS and None not in by_month else months[: BARS - 1]
        later = sum(by_month.values()) - sum(points for _, points in shown)
        bars = [ExpiryBar(month, points, index == 0) for index, (month, points) in enumerate(shown)]
        return [*bars, ExpiryBar(None, later, False)] if later else bars

    def _month(self, expires_at: datetime | None) -> date | None:
        if expires_at is None:
            return None
        last_moment = expires_at - timedelta(microseconds=1)  # the end of a day is the beginning of the next
        return last_moment.astimezone(self._zone()).date().replace(day=1)

    def _spendable(self, now: datetime) -> list[Lot]:
        wallet = self._store.document("wallet", m.Wallet)
        return spendable(_account(wallet).lots.values(), now) if wallet else []

    def activity(self, limit: int = 60, before: int | None = None) -> list[m.Activity]:
        """The changes known on this device, newest first."""
        sql = (
            "SELECT opened('activity', sequence, body) FROM activity WHERE sequence < ? ORDER BY sequence DESC LIMIT ?"
        )
        rows = self._store.read.execute(sql, (before if before is not None else 2**62, limit))
        known = [decoded(_ACTIVITY, row[0]) for row in rows]
        self._has_strange |= None in known
        return [row for row in known if row is not None]

    @property
    def has_older(self) -> bool:
        """Whether the server has changes older than those on this device."""
        return self._store.document("activity has older", bool) or False

    async def load_older(self) -> Refusal | None:
        """Fetch the page of changes before the oldest known; raises NoAnswer."""
        from mirabelle.contract import endpoints as e

        oldest = self._store.read.execute("SELECT min(sequence) FROM activity").fetchone()[0]
        page = await self._api.call(e.ACTIVITY, query={"before": str(oldest)} if oldest is not None else None)
        if isinstance(page, Refusal):
            return page
        with self._store.write("activity") as connection:
            _keep(connection, page.activity, page.more)
        return None

    async def refresh(self) -> Refusal | None:
        """Fetch the wallet and the newest changes; raises NoAnswer. Of answers that overtake each other the one is kept
        that was asked for last, whatever the server's clock says: it may have been set right in between."""
        from mirabelle.contract import endpoints as e

        turn, asked_at = self._take_turn(), self._now()
        wallet = await self._api.call(e.WALLET)
        if isinstance(wallet, Refusal):
            return wallet
        # However long it was under way, it was written between the two.
        self.clock_is_off = not asked_at - _SKEW <= wallet.as_of <= self._now() + _SKEW
        page = await self._api.call(e.ACTIVITY)
        if isinstance(page, Refusal):
            return page
        known = self._store.read.execute("SELECT max(sequence), min(sequence) FROM activity").fetchone()
        oldest_of_page = page.activity[-1].sequence if page.activity else 0
        gap = known[0] is not None and (self._has_strange or oldest_of_page > known[0] + 1)
        reaches_further = known[1] is not None and not gap and known[1] < oldest_of_page
        has_older = self.has_older if reaches_further else page.more
        with self._store.write("wallet", "activity") as connection:
            if (self._store.document(_TURN_KEPT, int) or 0) > turn:
                return None  # a later answer overtook this one
            put_document(connection, _TURN_KEPT, turn)
            put_document(connection, "wallet", wallet)
            if gap:
                connection.execute("DELETE FROM activity")  # so that what is shown has no hole in it
                self._has_strange = False
            _keep(connection, page.activity, has_older)
        return None

    def _take_turn(self) -> int:
        with self._store.write() as connection:  # in which no other window takes the same
            turn = (self._store.document(_TURN, int) or 0) + 1
            put_document(connection, _TURN, turn)
        return turn


def _keep(connection: sqlite3.Connection, activity: list[m.Activity], has_older: bool) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO activity (sequence, body) VALUES (?1, sealed('activity', ?1, ?2))",
        [(row.sequence, msgspec.json.encode(row)) for row in activity],
    )
    put_document(connection, "activity has older", has_older)


def _account(wallet: m.Wallet) -> Account:
    lots = {
        lot.number: Lot(
            number=lot.number,
            earned_at=lot.earned_at.astimezone(UTC),
            available_at=lot.available_at,
            expires_at=lot.expires_at,
            points=lot.points,
            remaining=lot.remaining,
            source=lot.source,
        )
        for lot in wallet.lots
    }
    return Account(wallet.participant, wallet.available, wallet.held, wallet.pending, lots=lots)
