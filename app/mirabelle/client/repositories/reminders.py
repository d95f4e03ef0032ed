"""Reminders: what the participant chose and what was told, as this device knows it, and what there is to remind of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.redemptions import Vouchers
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import endpoints as e
from mirabelle.contract import reminders as rm
from mirabelle.contract.messages import Text
from mirabelle.contract.reasons import Reason
from mirabelle.rules import reminders as rules


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that expires, and the page where people do something about it."""

    thing: rules.Expiring
    kind: Literal["points_expire", "voucher_expires"]
    points: int
    subject: Text
    route: str


class Reminders:
    """Reads them from the store and keeps them fresh."""

    def __init__(
        self,
        store: Store,
        api: Api,
        wallet: Wallet,
        vouchers: Vouchers,
        now: Callable[[], datetime],
        zone: Callable[[], tzinfo],
    ) -> None:
        self._store, self._api, self._now, self._zone = store, api, now, zone
        self._wallet, self._vouchers = wallet, vouchers

    def current(self) -> rm.Reminders:
        """What was chosen and told, as last heard."""
        known = self._store.document("reminders", rm.Reminders)
        return known or rm.Reminders(choices=rm.choices_message(rules.Choices()), version=0)

    @property
    def choices(self) -> rules.Choices:
        """What was chosen."""
        return rm.choices_of(self.current().choices)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is to be reminded at this hour."""
        return not rules.may_tell(self.choices, None, self._now(), self._zone())

    async def refresh(self) -> Refusal | None:
        """Fetch them; raises NoAnswer."""
        answer = await self._api.call(e.REMINDERS)
        if not isinstance(answer, Refusal):
            self.keep(answer)
        elif answer.reason != Reason.NOT_FOUND:  # as a server says that is older than this app
            return answer
        return None

    def keep(self, known: rm.Reminders) -> None:
        """Write down what the server knows."""
        if known != self.current():
            with self._store.write("reminders") as connection:
                put_document(connection, "reminders", known)

    def keep_told(self, told: list[rm.ToldReminder]) -> None:
        """Write down what was told by now."""
        self.keep(msgspec.structs.replace(self.current(), told=told))

    def matters(self) -> list[Matter]:
        """What expires: points, day by day, and vouchers that can be used; of those issued together one for all."""
        matters = [
            Matter(rules.Expiring(f"points:{at.isoformat()}", at), "points_expire", points, Text(), "/wallet")
            for points, at in self._wallet.expiries(self._now())
        ]
        usable = [voucher for voucher in self._vouchers.list() if voucher.state == "ready" and not voucher.blocked]
        for voucher in {voucher.redemption: voucher for voucher in usable}.values():
            thing = rules.Expiring(f"voucher:{voucher.redemption}", voucher.expires_at)
            matters.append(Matter(thing, "voucher_expires", 0, voucher.title, f"/vouchers/{voucher.id}"))
        return matters

    def plan(self, choices: rules.Choices | None = None) -> rules.Plan:
        """What to tell now, and when the next is to be told; for other `choices`, if there were such."""
        told = {each.id: each.at for each in self.current().told}
        things = [matter.thing for matter in self.matters()]
        return rules.plan(things, choices or self.choices, told, self._now(), self._zone())
