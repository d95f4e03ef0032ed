"""The alerts: what wants the participant's attention, each leading to what can be done about it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from mirabelle.client.repositories.catalog import Catalog
from mirabelle.client.repositories.outbox import Entry, EntryState, Outbox
from mirabelle.client.repositories.redemptions import Vouchers
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store
from mirabelle.contract.messages import GiftRequest, Text, Voucher
from mirabelle.contract.reasons import Reason

POINTS_EXPIRE_SOON: Final = timedelta(days=30)
VOUCHER_EXPIRES_SOON: Final = timedelta(days=7)

Standing = EntryState | Literal["unclear"]  # refused, since what came of it cannot be found out any more
AlertKind = Literal[
    "points_expire",
    "voucher_expires",
    "redemption_refused",
    "redemption_waiting",
    "redemption_unknown",
    "redemption_unclear",
    "transfer_refused",
    "transfer_waiting",
    "transfer_unknown",
    "transfer_unclear",
    "gift_refused",
    "gift_waiting",
    "gift_unknown",
    "gift_unclear",
]

_REDEMPTIONS: Final[dict[Standing, AlertKind]] = {
    "waiting": "redemption_waiting",
    "unknown": "redemption_unknown",
    "refused": "redemption_refused",
    "unclear": "redemption_unclear",
}
_TRANSFERS: Final[dict[Standing, AlertKind]] = {
    "waiting": "transfer_waiting",
    "unknown": "transfer_unknown",
    "refused": "transfer_refused",
    "unclear": "transfer_unclear",
}
_GIFTS: Final[dict[Standing, AlertKind]] = {
    "waiting": "gift_waiting",
    "unknown": "gift_unknown",
    "refused": "gift_refused",
    "unclear": "gift_unclear",
}


class Alert(msgspec.Struct, frozen=True):
    """Something to act on. `id` stays the same as long as the matter does, so that a dismissed one stays away."""

    id: str
    kind: AlertKind
    at: datetime
    points: int
    subject: Text
    route: str


class Alerts:
    """Reads the alerts from what the store knows; remembers which were dismissed."""

    def __init__(
        self,
        store: Store,
        wallet: Wallet,
        vouchers: Vouchers,
        outbox: Outbox,
        catalog: Catalog,
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._now, self._catalog = store, now, catalog
        self._wallet, self._vouchers, self._outbox = wallet, vouchers, outbox

    def current(self, now: datetime) -> list[Alert]:
        """The alerts that were not dismissed, most pressing first."""
        dismissed = {row[0] for row in self._store.read.execute("SELECT alert FROM dismissed")}
        alerts = [*self._redemptions(), *self._sent(), *self._points(now), *self._expiring_vouchers(now)]
        return [alert for alert in alerts if alert.id not in dismissed]

    @property
    def count(self) -> int:
        """How many alerts there are now."""
        return len(self.current(self._now()))

    def dismiss(self, id_: str) -> None:
        """Put an alert away; it does not come back."""
        with self._store.write("alerts") as connection:
            connection.execute("INSERT OR IGNORE INTO dismissed (alert) VALUES (?)", (id_,))

    def _redemptions(self) -> Iterator[Alert]:
        for entry in self._outbox.entries("redemption"):
            reward = self._catalog.get(entry.subject)
            yield Alert(
                id=f"redemption:{entry.key}:{entry.state}",
                kind=_REDEMPTIONS[_standing(entry)],
                at=entry.created_at,
                points=reward.points if reward else 0,
                subject=reward.title if reward else Text(),
                route=f"/checkout/{entry.subject}",
            )

    def _sent(self) -> Iterator[Alert]:
        """Of points and vouchers for others: to whom, or what."""
        for entry in self._outbox.entries("transfer"):
            kind, whom = _TRANSFERS[_standing(entry)], Text(en=entry.subject)
            yield Alert(f"transfer:{entry.key}:{entry.state}", kind, entry.created_at, 0, whom, "/send")
        for entry in self._outbox.entries("gift"):
            voucher = self._vouchers.get(entry.subject)
            if _standing(entry) == "unclear" and voucher is not None and _went(entry, voucher):
                continue  # what came of it is known by now
            kind, what = _GIFTS[_standing(entry)], voucher.title if voucher else Text()
            route = f"/vouchers/{entry.subject}/give"
            yield Alert(f"gift:{entry.key}:{entry.state}", kind, entry.created_at, 0, what, route)

    def _points(self, now: datetime) -> Iterator[Alert]:
        expiry = self._wallet.next_expiry(now)
        if expiry is not None and expiry[1] - now <= POINTS_EXPIRE_SOON:
            points, expires_at = expiry
            last_moment = expires_at - timedelta(microseconds=1)
            yield Alert(
                f"points:{expires_at.isoformat()}",
                "points_expire",
                last_moment,
                points,
                Text(),
                "/rewards?affordable=1",
            )

    def _expiring_vouchers(self, now: datetime) -> Iterator[Alert]:
        # Of those that were issued together one speaks for all.
        usable = [voucher for voucher in self._vouchers.list() if voucher.state == "ready" and not voucher.blocked]
        together = {voucher.redemption: voucher for voucher in usable}
        for voucher in sorted(together.values(), key=lambda voucher: voucher.expires_at):
            if voucher.expires_at - now <= VOUCHER_EXPIRES_SOON:
                yield Alert(
                    id=f"voucher:{voucher.redemption}",
                    kind="voucher_expires",
                    at=voucher.expires_at - timedelta(microseconds=1),
                    points=0,
                    subject=voucher.title,
                    route=f"/vouchers/{voucher.id}",
                )


def _standing(entry: Entry) -> Standing:
    return "unclear" if entry.reason == Reason.OUTCOME_UNKNOWN else entry.state


def _went(entry: Entry, voucher: Voucher) -> bool:
    recipient = msgspec.json.decode(entry.body, type=GiftRequest).recipient
    return voucher.state == "given" and (voucher.given_to or "").casefold() == recipient.casefold()
