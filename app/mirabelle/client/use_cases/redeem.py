"""Redeeming a reward: one draft, one key, one redemption, however often and over whatever network it is confirmed."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec

from mirabelle.client.api import Api, NoAnswer, NotSent, Refusal
from mirabelle.client.device.keys import Keys
from mirabelle.client.repositories.catalog import Catalog
from mirabelle.client.repositories.outbox import Entry, Outbox
from mirabelle.client.repositories.redemptions import keep_redemption, vouchers_of
from mirabelle.client.store.database import Store, decoded
from mirabelle.client.use_cases.send_once import UnderWay, fate_of, reason_of
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason

log = logging.getLogger(__name__)


_DETAILS: Final = msgspec.json.Decoder(m.Details)
_DRAFT: Final = (
    "SELECT key, opened('drafts', reward, details) AS details FROM drafts WHERE reward = hidden('drafts', ?)"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A redemption being prepared; its key is there from the first moment."""

    key: str
    details: m.Details


@dataclass(frozen=True, slots=True)
class Redeemed:
    """It was done."""

    redemption: m.Redemption


@dataclass(frozen=True, slots=True)
class Refused:
    """It was refused, and nothing was spent; it stays in the outbox until it was `seen`."""

    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Pending:
    """It is not decided as far as this device knows: surely not sent, or sent with no answer."""

    kind: Literal["not_sent", "unknown"]


@dataclass(frozen=True, slots=True)
class Superseded:
    """What was to be confirmed is settled or discarded already, perhaps in another window: nothing was sent."""


Outcome = Redeemed | Refused | Pending | Superseded


class Redeem:
    """Drafts and confirms redemptions; `after` runs once one is settled, to bring the wallet up to date."""

    def __init__(
        self,
        store: Store,
        api: Api,
        outbox: Outbox,
        catalog: Catalog,
        keys: Keys,
        now: Callable[[], datetime],
        after: Callable[[], Awaitable[None]],
    ) -> None:
        self._store, self._api, self._outbox, self._catalog = store, api, outbox, catalog
        self._keys, self._now, self._after = keys, now, after
        self._under_way = UnderWay[Outcome]()
        self.finish = self._under_way.finish

    def draft(self, reward: str) -> Draft:
        """The draft for `reward`, made at the first call and kept until it is settled."""
        row = self._store.read.execute(_DRAFT, (reward,)).fetchone()
        if row is not None:
            return Draft(row["key"], decoded(_DETAILS, row["details"]) or m.Details())
        draft = Draft(new_key(), m.Details())
        with self._store.write() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO drafts (reward, key, details)"
                " VALUES (hidden('drafts', ?1), ?2, sealed('drafts', hidden('drafts', ?1), ?3))",
                (reward, draft.key, msgspec.json.encode(draft.details)),
            )
        return self.draft(reward)  # which may be another window's

    def save_draft(self, reward: str, details: m.Details) -> None:
        """Keep what was filled in so far."""
        self.draft(reward)
        with self._store.write("outbox") as connection:
            row = (msgspec.json.encode(details), reward)
            connection.execute(
                "UPDATE drafts SET details = sealed('drafts', reward, ?) WHERE reward = hidden('drafts', ?)", row
            )

    @property
    def is_filled_in(self) -> bool:
        """Whether anything was typed for a redemption that is not settled."""
        rows = self._store.read.execute("SELECT opened('drafts', reward, details) FROM drafts")
        return any(row[0] and row[0] != msgspec.json.encode(m.Details()) for row in rows)

    def is_under_way(self, key: str) -> bool:
        """Whether the confirmation under `key` is being sent right now."""
        return key in self._under_way

    def waiting(self, key: str) -> Literal["not_sent", "unknown"] | None:
        """How a confirmation of the draft with `key` stands, if one is not settled."""
        entry = self._outbox.get(key)
        if entry is None or entry.state == "refused" or key in self._under_way:
            return None
        return "not_sent" if entry.state == "waiting" else "unknown"

    def on_the_way(self) -> list[m.Reward]:
        """The rewards whose confirmation is not settled yet."""
        entries = [entry for entry in self._outbox.entries("redemption") if entry.state != "refused"]
        rewards = [self._catalog.get(entry.subject) for entry in entries]
        return [reward for reward in rewards if reward is not None]

    async def confirm(self, reward_id: str, key: str, points: int) -> Outcome:
        """Redeem the reward as drafted under `key`, for `points`: what the person saw when they agreed.

        A second call while the first runs waits for the same outcome.
        """
        draft = self.draft(reward_id)
        entry = self._outbox.get(key) if draft.key == key else None
        is_new = draft.key == key and (entry is None or entry.state == "refused")
        if is_new:
            entry = self._written_down(reward_id, self._renewed(entry) if entry else draft, points)
        if entry is None:
            self._store.tell("outbox", "redemptions")  # another window wrote, so what is shown here is of yesterday
            return Superseded()
        return await self._once(entry, is_new=is_new)

    def _written_down(self, reward_id: str, draft: Draft, points: int) -> Entry | None:
        """The confirmation of `draft` in the outbox; None where another window has settled or discarded the draft."""
        request = m.RedemptionRequest(
            reward=reward_id,
            points=points,
            holder_key=self._keys.holder_public(draft.key.encode()),
            details=draft.details,
            more_holder_keys=self._more_keys(draft.key, reward_id),
        )
        with self._store.write("outbox") as connection:
            row = connection.execute(_DRAFT, (reward_id,)).fetchone()
            if row is None or row["key"] != draft.key:
                return None
            body = msgspec.json.encode(request)
            Outbox.write_down(connection, draft.key, "redemption", reward_id, body, self._now())
        return self._outbox.get(draft.key)

    def _more_keys(self, key: str, reward_id: str) -> str:
        """A holder key for each use after the first, one after the other."""
        reward = self._catalog.get(reward_id)
        uses = reward.uses if reward else 1
        return "".join(self._keys.holder_public(f"{key}/{number}".encode()) for number in range(2, uses + 1))

    async def retry(self, key: str) -> Outcome:
        """Send the confirmation under `key` again; raises KeyError where there is none."""
        entry = self._outbox.get(key)
        if entry is None:
            raise KeyError(key)
        return await self._once(entry)

    def seen(self, key: str) -> None:
        """The person has seen how the confirmation under `key` was refused: nothing of it needs to be kept."""
        entry = self._outbox.get(key)
        if entry is not None and entry.state == "refused":
            self._renewed(entry)

    async def _once(self, entry: Entry, *, is_new: bool = False) -> Outcome:
        return await self._under_way.once(entry.key, lambda: self._send(entry, is_new))

    async def settle_all(self) -> None:
        """Send every confirmation that is not settled; what is refused stays to be seen."""
        for entry in self._outbox.entries("redemption"):
            if entry.state != "refused" and entry.key not in self._under_way:
                await self._once(entry)

    async def _send(self, entry: Entry, is_new: bool) -> Outcome:
        claimed = self._outbox.claim(entry.key)
        if claimed is None:
            return Superseded()
        try:
            answer = await self._api.call(e.REDEEM, body=claimed.body, key=entry.key, since=claimed.since)
        except NotSent:
            stands = self._outbox.put_back(entry.key)
            if stands in (None, "refused"):  # by another window or process
                return Superseded()
            return Pending("not_sent" if stands == "waiting" else "unknown")
        except NoAnswer:
            return Pending("unknown")
        if isinstance(answer, Refusal):
            return await self._refused(entry.key, answer, is_new)
        return await self._done(entry.key, answer)

    async def _done(self, key: str, redemption: m.Redemption) -> Redeemed:
        with self._store.write("outbox", "redemptions", "vouchers") as connection:
            Outbox.settle(connection, key)
            connection.execute("DELETE FROM drafts WHERE key = ?", (key,))
            keep_redemption(connection, redemption)
        await self._bring_up_to_date()
        return Redeemed(redemption)

    async def _refused(self, key: str, refusal: Refusal, is_new: bool) -> Outcome:
        if reason_of(refusal) == Reason.OUTCOME_UNKNOWN:
            return await self._look_for(key)
        fate = fate_of(refusal)
        if fate == "refused":
            self._outbox.refuse(key, refusal.reason)
            await self._bring_up_to_date()  # a refusal may well be about a price or a balance of yesterday
        elif fate == "not_done":
            stands = self._outbox.put_back(key)
            if stands == "waiting" and is_new:  # whoever confirmed it just now may do so again
                self._outbox.drop(key)
        return Refused(refusal)

    async def _look_for(self, key: str) -> Outcome:
        """What came of a confirmation that must not be sent again: its vouchers tell, if it has any. Else it stays for
        the person to decide, who may find it among what was ordered."""
        try:
            answer = await self._api.call(e.REDEMPTIONS)
        except NoAnswer:
            return Pending("unknown")
        if isinstance(answer, Refusal):
            return Pending("unknown")
        for redemption in answer.redemptions:
            if any(voucher.key_salt == key for voucher in vouchers_of(redemption)):
                return await self._done(key, redemption)
        reason = Reason.OUTCOME_UNKNOWN
        self._outbox.refuse(key, reason)
        return Refused(Refusal(reason, STATUS[reason], "", None))

    def _renewed(self, entry: Entry) -> Draft:
        """An entry that was not sent, or whose refusal was seen, leaves, and the draft gets another key: what was
        answered to this one is answered for ever."""
        with self._store.write("outbox") as connection:
            if Outbox.leave(connection, entry.key):  # else another window has taken it up
                connection.execute("UPDATE drafts SET key = ? WHERE key = ?", (new_key(), entry.key))
        return self.draft(entry.subject)

    async def _bring_up_to_date(self) -> None:
        try:
            await self._after()
        except NoAnswer:
            log.info("redeemed; the wallet is brought up to date with the next sync")

    def discard(self, key: str) -> None:
        """Give up a confirmation that was surely not sent, or whose refusal was seen; any other one stays."""
        entry = self._outbox.get(key)
        if entry is not None and entry.state in ("waiting", "refused") and key not in self._under_way:
            self._renewed(entry)
