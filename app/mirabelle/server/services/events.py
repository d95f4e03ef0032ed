"""Events of the past: purchases, refunds, redemptions, participants and rewards, each counted once, in its own time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import messages as m
from mirabelle.contract.fields import Language
from mirabelle.rules.commands import Command, Earn, Redeem, Refund
from mirabelle.rules.programme import minor_digits, minor_units
from mirabelle.server.ledger.batches import run_commands, save, sql_of
from mirabelle.server.ledger.load import Sql, World
from mirabelle.server.ledger.records import Row
from mirabelle.server.ledger.save import add_participants
from mirabelle.server.ledger.writes import Writes
from mirabelle.server.services.programme import add_stores, put_rewards
from mirabelle.server.services.programme_file import ProgrammeDocument, RewardRules, StoreRules, reward_fault
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.direct import run_within
from mirabelle.server.storage.steps import Steps

# A till's clock may be ahead of ours, but not by a day. What it dates ahead counts now: nobody's points end early.
FUTURE_ALLOWED: Final = timedelta(days=1)
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_POINTS: Final = 10**12  # of one purchase, so that no sum of them leaves the database's 64 bits

EventId = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
At = Annotated[datetime, Meta(tz=True)]


class Purchase(Struct, frozen=True, tag="purchase", tag_field="type"):
    """Somebody bought for `amount`, a decimal string."""

    id: EventId
    participant: m.Identifier
    at: At
    amount: str
    currency: str
    store: m.Identifier | None = None


class RefundOfPurchase(Struct, frozen=True, tag="refund", tag_field="type"):
    """A purchase was taken back; all of it where `amount` is missing."""

    id: EventId
    participant: m.Identifier
    purchase: EventId
    at: At
    amount: str | None = None


class PastRedemption(Struct, frozen=True, tag="redemption", tag_field="type"):
    """Somebody asked for a reward."""

    id: EventId
    participant: m.Identifier
    reward: m.Identifier
    at: At


class NewParticipant(Struct, frozen=True, tag="participant", tag_field="type"):
    """Somebody joined."""

    id: m.Identifier
    at: At | None = None
    name: m.Name = ""
    email: m.Email | None = None
    language: Language = "en"


class OfferedReward(RewardRules, frozen=True, tag="reward", tag_field="type", forbid_unknown_fields=False):
    """A reward is on offer."""


Event = Purchase | RefundOfPurchase | PastRedemption | NewParticipant | OfferedReward
_KINDS: Final = {kind: str(kind.__struct_config__.tag) for kind in get_args(Event)}
EVENT_DECODER: Final = msgspec.json.Decoder(Event)


class BadEvent(Exception):
    """An event that cannot be counted; the message says why."""


@dataclass(frozen=True, slots=True)
class _Known:
    """An event that was counted before."""

    content: bytes
    participant: str | None
    amount_minor: int | None = None
    refunded_minor: int = 0
    points: int = 0


@dataclass(slots=True)
class _Batch:
    """What one batch of events will do, put together event by event."""

    known: dict[tuple[str, str], _Known]
    rewards_known: set[str]
    stores_known: set[str]
    emails: dict[str, str]
    left: set[str]
    now: datetime
    commands: list[Command] = field(default_factory=list)
    fresh: list[Row] = field(default_factory=list)
    refunded: dict[str, int] = field(default_factory=dict)
    joined: dict[str, datetime] = field(default_factory=dict)
    people: dict[str, dict[str, object]] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)
    rewards: dict[str, OfferedReward] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventBook:
    """Counts events for a programme."""

    document: ProgrammeDocument
    world: World
    now: datetime

    async def count(self, connection: AsyncConnection, events: Sequence[Event]) -> list[BadEvent | None]:
        """Count a batch in the connection's transaction; for each event None, or why it cannot be counted.

        A bad event has no effect; the others of the batch have theirs. One that was counted before has none again.
        """
        batch = _Batch(
            known=await _known(connection, events),
            rewards_known=await _rewards_known(connection, events),
            stores_known=await _stores_known(connection, events),
            emails=await _emails(connection, events),
            left=await _left(connection, events),
            now=self.now,
        )
        verdicts: list[BadEvent | None] = []
        for event in events:
            try:
                self._add(batch, event)
                verdicts.append(None)
            except BadEvent as fault:
                verdicts.append(fault)
        await self._write(connection, batch)
        return verdicts

    def _add(self, batch: _Batch, event: Event) -> None:
        kind = _kind(event)
        content = hashlib.sha256(msgspec.json.encode(event)).digest()
        before = batch.known.get((kind, event.id))
        if isinstance(event, OfferedReward):
            self._add_reward(batch, event)
            return
        if before is not None and _participant(event) not in batch.left:
            if before.content != content:
                raise BadEvent(f"id: {event.id} was used before for something else")
            return
        if _participant(event) in batch.left:
            if before is not None:
                return
            raise BadEvent(f"participant: {_participant(event)} deleted their account")
        if event.at is not None and not EARLIEST <= event.at <= batch.now + FUTURE_ALLOWED:
            raise BadEvent(f"at: in the future, or before {EARLIEST:%Y}")
        participant = _participant(event)
        at = batch.now if event.at is None else event.at.astimezone(UTC)  # instants of one zone compare much faster
        amount, points = self._add_command(batch, event, min(at, batch.now))
        batch.known[kind, event.id] = _Known(content, participant, amount, points=points)
        store = event.store if isinstance(event, Purchase) else None
        batch.fresh.append((kind, event.id, content, participant, store, amount, points, 0))
        if store:
            batch.stores.add(store)
        batch.joined[participant] = min(at, batch.joined.get(participant, at))

    def _add_reward(self, batch: _Batch, event: OfferedReward) -> None:
        if event.picture is not None:
            raise BadEvent("picture: only a programme's file can name one")
        fault = reward_fault(event, self.document, batch.stores_known | batch.stores)
        if fault:
            raise BadEvent(fault)
        batch.rewards[event.id] = event
        batch.rewards_known.add(event.id)

    def _add_command(self, batch: _Batch, event: Event, at: datetime) -> tuple[int | None, int]:
        """Queue what the event does; returns its amount in minor units where it has one, and the points it earns."""
        match event:
            case Purchase():
                amount = self._minor_units(event.amount)
                if event.currency != self.document.programme.currency:
                    raise BadEvent(f"currency: {event.currency} is not {self.document.programme.currency}")
                points = self.world.rules.points_for(amount)
                if points > MAX_POINTS:
                    raise BadEvent(f"amount: it would earn more than {MAX_POINTS} points")
                batch.commands.append(Earn(event.participant, event.id, points, at))
                return amount, points
            case RefundOfPurchase():
                return self._add_refund(batch, event, at), 0
            case PastRedemption():
                if event.reward not in batch.rewards_known:
                    raise BadEvent(f"reward: unknown: {event.reward}")
                batch.commands.append(Redeem(event.participant, event.id, event.reward, at))
                return None, 0
            case NewParticipant():
                email = event.email.lower() if event.email else None
                if email and batch.emails.setdefault(email, event.id) != event.id:
                    raise BadEvent("email: another participant's")
                batch.people[event.id] = {"name": event.name, "email": email, "language": event.language}
                return None, 0
        raise AssertionError(f"no such event: {event}")

    def _add_refund(self, batch: _Batch, event: RefundOfPurchase, at: datetime) -> int:
        purchase = batch.known.get(("purchase", event.purchase))
        if purchase is None or purchase.amount_minor is None or purchase.participant != event.participant:
            raise BadEvent(f"purchase: {event.participant} has none with the id {event.purchase}")
        refunded = batch.refunded.get(event.purchase, purchase.refunded_minor)
        left = purchase.amount_minor - refunded
        amount = left if event.amount is None else self._minor_units(event.amount)
        if amount > left:
            raise BadEvent("amount: more than what is left of the purchase")
        batch.refunded[event.purchase] = refunded + amount
        points = self._earned_by(purchase, left) - self._earned_by(purchase, left - amount)
        batch.commands.append(Refund(event.participant, event.id, event.purchase, points, at))
        return amount

    def _earned_by(self, purchase: _Known, minor: int) -> int:
        """What `minor` of the purchase's amount earned, under the rules of its day."""
        unit = 10 ** minor_digits(self.document.programme.currency)
        whole = (purchase.amount_minor or 0) // unit
        return minor // unit * (purchase.points // whole) if whole else 0

    def _minor_units(self, amount: str) -> int:
        try:
            return minor_units(amount, self.document.programme.currency)
        except ValueError as fault:
            raise BadEvent(f"amount: {fault}") from fault

    async def _write(self, connection: AsyncConnection, batch: _Batch) -> None:
        if batch.stores:
            known = await connection.execute(select(t.stores.c.id).where(t.stores.c.id.in_(sorted(batch.stores))))
            unseen = batch.stores - {row.id for row in known.all()}
            await add_stores(connection, [StoreRules(id=s, name=m.Text(en=s)) for s in sorted(unseen)])
        if batch.rewards:
            await put_rewards(connection, self.document, batch.rewards.values(), keep_pictures=True)
        for people in (batch.joined.keys() - batch.people.keys(), batch.people.keys()):
            values = [
                {"participant": p, "joined_at": batch.joined[p], **batch.people.get(p, {})} for p in sorted(people)
            ]
            await add_participants(connection, values)
        if batch.commands:
            # What several tills wrote into one file is not in one order, but points have one.
            await run_commands(connection, self.world, _in_time_order(batch.commands))
        await run_within(connection, _note(sql_of(connection), batch))


def _note(sql: Sql, batch: _Batch) -> Steps[None]:
    """Write down what was counted."""
    yield from save(sql, Writes(events=batch.fresh))
    if batch.refunded:
        yield sql.refunded([(amount, purchase) for purchase, amount in batch.refunded.items()])


def _in_time_order(commands: Sequence[Command]) -> list[Command]:
    """By their own times, but no refund before its purchase: two tills' clocks may differ."""
    bought_at = {c.source: c.at for c in commands if isinstance(c, Earn)}

    def counts_at(command: Command) -> datetime:
        bought = bought_at.get(command.purchase) if isinstance(command, Refund) else None
        return max(command.at, bought or command.at)

    return sorted(commands, key=counts_at)


async def _known(connection: AsyncConnection, events: Sequence[Event]) -> dict[tuple[str, str], _Known]:
    return await run_within(connection, _known_steps(sql_of(connection), events))


def _known_steps(sql: Sql, events: Sequence[Event]) -> Steps[dict[tuple[str, str], _Known]]:
    keys = {(_kind(event), event.id) for event in events}
    keys |= {("purchase", event.purchase) for event in events if isinstance(event, RefundOfPurchase)}
    known = {}
    for kind, id_, content, participant, amount, refunded, points in (yield sql.events(sorted(keys))):
        known[kind, id_] = _Known(content, participant, amount, refunded or 0, points or 0)
    # A redemption that the app made is known as well, though not by an event.
    ids = sorted(event.id for event in events if isinstance(event, PastRedemption))
    made: Sequence[Any] = (yield sql.redemptions(ids)) if ids else ()
    return {("redemption", row[2]): _Known(b"", None) for row in made} | known


def _kind(event: Event) -> str:
    return _KINDS[type(event)]


def _participant(event: Purchase | RefundOfPurchase | PastRedemption | NewParticipant) -> str:
    return event.id if isinstance(event, NewParticipant) else event.participant


async def _left(connection: AsyncConnection, events: Sequence[Event]) -> set[str]:
    """Who of those named deleted their account."""
    table = t.participants
    named = sorted({_participant(event) for event in events if not isinstance(event, OfferedReward)})
    found = await connection.execute(
        select(table.c.participant).where(table.c.left_at.is_not(None), table.c.participant.in_(named))
    )
    return set(found.scalars())


async def _rewards_known(connection: AsyncConnection, events: Sequence[Event]) -> set[str]:
    asked = sorted({event.reward for event in events if isinstance(event, PastRedemption)})
    found = await connection.execute(select(t.rewards.c.id).where(t.rewards.c.id.in_(asked)))
    return {row.id for row in found.all()}


async def _stores_known(connection: AsyncConnection, events: Sequence[Event]) -> set[str]:
    asked = sorted({event.store for event in events if isinstance(event, OfferedReward) and event.store})
    found = await connection.execute(select(t.stores.c.id).where(t.stores.c.id.in_(asked)))
    return {row.id for row in found.all()}


async def _emails(connection: AsyncConnection, events: Sequence[Event]) -> dict[str, str]:
    """Whose the addresses are that the events give to participants."""
    table = t.participants
    asked = sorted({event.email.lower() for event in events if isinstance(event, NewParticipant) and event.email})
    found = await connection.execute(select(table.c.email, table.c.participant).where(table.c.email.in_(asked)))
    return {row.email: row.participant for row in found.all()}
