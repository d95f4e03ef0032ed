"""Vouchers: signed for their holder's device, and leased anew while the device is online."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec.structs import replace as replace_fields
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.contract.trust import VALUE_CLASSES
from mirabelle.rules import ed25519, frame
from mirabelle.rules.balance import Hold, MoveKind, holds_of
from mirabelle.rules.cells import cell_of
from mirabelle.rules.redemption import UseRecord, ValueClass, VoucherRecord, VoucherState
from mirabelle.server.ledger import rows
from mirabelle.server.ledger.load import Names
from mirabelle.server.ledger.records import Reward
from mirabelle.server.services.context import Context
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage import schema as t


class RewardWords(NamedTuple):
    """What a voucher must know of its reward."""

    reference: int
    title: m.Text
    paper: bool
    challenge: bool


class _Words(dict[str, RewardWords]):
    """A batch's rewards, of which an answer names one: each is put into words when it is asked for."""

    def __init__(self, rewards: Mapping[str, Reward]) -> None:
        super().__init__()
        self._loaded = rewards

    def __missing__(self, id_: str) -> RewardWords:
        reward = self._loaded[id_]
        return RewardWords(reward.reference, m.Text(**reward.title), reward.paper, reward.challenge)


def lease_of(context: Context, voucher: VoucherRecord, reward: RewardWords) -> frame.Lease:
    """The lease that the issuer signs: from the voucher's lease start to its own end or the voucher's, the earlier."""
    whole = timedelta(hours=context.programme.vouchers.lease_hours)
    end = min(voucher.lease_start + whole, voucher.expires_at)
    minutes = max(1, (end - voucher.lease_start) // timedelta(minutes=1))
    flags = 0 if voucher.value_class is ValueClass.C else frame.OFFLINE
    flags |= frame.STORE_BOUND if voucher.store else 0
    flags |= frame.CHALLENGE if reward.challenge else 0
    return frame.Lease(
        dynamic=True,
        flags=flags,
        key_id=context.issuer.key_id,
        voucher=voucher.id,
        reward=reward.reference,
        scope=voucher.store,
        lease_start=int(voucher.lease_start.timestamp()),
        lease_minutes=minutes,
        epoch=voucher.epoch,
        use=voucher.use,
        value_class=VALUE_CLASSES[voucher.value_class.value],
        holder_key=voucher.holder_key,
    )


def paper_of(context: Context, voucher: VoucherRecord, reward: RewardWords) -> frame.Lease:
    """The lease for whoever holds the paper: from now on for as long as a lease can be, or to the voucher's end."""
    now = context.now()
    minutes = min(frame.MAX_LEASE_MINUTES, max(1, (voucher.expires_at - now) // timedelta(minutes=1)))
    lease = lease_of(context, voucher, reward)
    return replace(
        lease,
        dynamic=False,
        flags=lease.flags | frame.BEARER,
        lease_start=int(now.timestamp()),
        lease_minutes=minutes,
    )


class Known(NamedTuple):
    """How participants know each other."""

    name: str
    email: str | None


NOBODY_KNOWN: Final[Mapping[str, Known]] = MappingProxyType({})


async def people_of(connection: AsyncConnection, participants: set[str]) -> dict[str, Known]:
    """The name and the address of each of the participants named."""
    if not participants:
        return {}
    table = t.participants.c
    found = await connection.execute(
        select(table.participant, table.name, table.email).where(table.participant.in_(sorted(participants)))
    )
    return {row.participant: Known(row.name, row.email) for row in found.all()}


def _state(voucher: VoucherRecord, used: bool, now: datetime) -> str:
    if used or voucher.state is VoucherState.USED:
        return "used"
    if voucher.state is VoucherState.CANCELLED:
        return "cancelled"
    return "expired" if voucher.state is VoucherState.LAPSED or voucher.expires_at <= now else "ready"


class Describer:
    """Puts vouchers into words, with the names of rewards and stores looked up beforehand."""

    def __init__(
        self,
        context: Context,
        rewards: Mapping[str, RewardWords],
        stores: Mapping[int, str],
        people: Mapping[str, Known],
        takings: Mapping[bytes, Sequence[Hold]] = MappingProxyType({}),
    ) -> None:
        self._context = context
        self._people = people
        self._rewards = rewards
        self._stores = stores
        self._takings = takings

    @classmethod
    def of(cls, context: Context, names: Names, people: Mapping[str, Known] = NOBODY_KNOWN) -> "Describer":
        """A describer that knows what a batch has loaded, and the `people` named."""
        stores = {reference: id_ for reference, (id_, _) in names.stores.items()}
        return cls(context, _Words(names.rewards), stores, people)

    @classmethod
    async def load(
        cls, context: Context, connection: AsyncConnection, vouchers: Collection[VoucherRecord], rewards: set[str]
    ) -> "Describer":
        """A describer that knows what `vouchers` name, the `rewards` besides, and every store."""
        wanted = rewards | {voucher.reward for voucher in vouchers}
        query = select(t.rewards).where(t.rewards.c.id.in_(sorted(wanted)))
        found = (await connection.execute(query)).all()
        stores = (await connection.execute(select(t.stores.c.reference, t.stores.c.id))).all()
        words = {
            row.id: RewardWords(
                reference=row.reference,
                title=m.Text(**row.document["title"]),
                paper=row.document.get("paper", False),
                challenge=row.document.get("challenge", False),
            )
            for row in found
        }
        given = [voucher for voucher in vouchers if voucher.given_to is not None]
        people = await people_of(connection, {v.participant for v in given} | {v.holder for v in given})
        takings = await takings_of(connection, vouchers)
        return cls(context, words, {row.reference: row.id for row in stores}, people, takings)

    def title(self, reward: str) -> m.Text:
        """The reward's title."""
        return self._rewards[reward].title

    def reward(self, reward: str) -> RewardWords:
        """What its vouchers must know of the reward."""
        return self._rewards[reward]

    def store(self, reference: int) -> str:
        """The store's id, or its number where it has none."""
        return self._stores.get(reference, str(reference))

    def use(self, use: UseRecord) -> m.Use:
        """Where and when a voucher was used."""
        return m.Use(at=use.at, store=self.store(use.store), till=use.till)

    def voucher(self, voucher: VoucherRecord, use: UseRecord | None, caller: Caller) -> m.Voucher:
        """The voucher with its signed part, as the calling device is told; who gave it away is told no code."""
        reward = self._rewards[voucher.reward]
        lease = lease_of(self._context, voucher, reward)
        told = m.Voucher(
            id=voucher.id.hex(),
            redemption=voucher.redemption,
            reward=voucher.reward,
            title=reward.title,
            state=_state(voucher, use is not None, self._context.now()),  # type: ignore[arg-type]
            code="" if reward.challenge else voucher.code,
            store=self.store(voucher.store) if voucher.store else None,
            value_class=voucher.value_class.value,
            issued=frame.issue(lease, self._context.issuer.sign).hex(),
            key_salt=voucher.key_salt,
            lease_ends_at=datetime.fromtimestamp(lease.lease_end, UTC),
            expires_at=voucher.expires_at,
            issued_at=voucher.issued_at,
            use=self.use(use) if use else None,
            superseded=voucher.epoch_base + caller.epoch < voucher.epoch,
            blocked=voucher.blocked_at is not None,
            paper=reward.paper,
            number=voucher.number,
            out_of=voucher.out_of,
            balance=self._balance(voucher) if caller.subject == voucher.holder else None,
        )
        if voucher.given_to is None:
            return told
        if caller.subject == voucher.given_to:
            giver = self._people.get(voucher.participant, Known("", None))
            return replace_fields(told, given_by=giver.name or giver.email or "", given_at=voucher.given_at)
        recipient = self._people.get(voucher.given_to, Known("", None))
        return replace_fields(
            told,
            state="given" if told.state == "ready" else told.state,
            given_to=recipient.email or recipient.name,
            given_at=voucher.given_at,
            **{"code": "", "issued": "", "key_salt": "", "superseded": False, "blocked": False},
        )

    def _balance(self, voucher: VoucherRecord) -> m.Balance | None:
        """The money on the voucher, and what was taken of it since its holder has it."""
        if voucher.value_minor is None:
            return None
        since = voucher.given_at or voucher.issued_at
        takings = [
            m.Taking(
                at=hold.captured_at, store=self.store(hold.store), till=hold.till, amount_minor=hold.captured_minor
            )
            for hold in reversed(self._takings.get(voucher.id, ()))
            if hold.captured_at is not None and hold.captured_at >= since
        ]
        return m.Balance(
            value_minor=voucher.value_minor,
            left_minor=voucher.left_minor,
            held_minor=voucher.held_minor,
            taken=takings,
        )


async def takings_of(connection: AsyncConnection, vouchers: Collection[VoucherRecord]) -> dict[bytes, list[Hold]]:
    """What tills took of the money of each of `vouchers`, oldest first; what was undone is left out."""
    named = sorted(voucher.id.hex() for voucher in vouchers if voucher.taken_minor)
    if not named:
        return {}
    table = t.balance_moves
    query = select(table).where(table.c.voucher.in_(named)).order_by(table.c.voucher, table.c.number)
    moves = [rows.balance_move_from(row) for row in (await connection.execute(query)).all()]
    of = {id_: holds_of(some).values() for id_, some in groupby(moves, key=lambda move: move.voucher)}
    return {id_: [hold for hold in holds if hold.state is MoveKind.CAPTURE] for id_, holds in of.items()}


async def uses_of(connection: AsyncConnection, vouchers: set[bytes]) -> dict[bytes, UseRecord]:
    """The use of each of the named vouchers that was used, and not undone since."""
    named = t.uses.c.voucher.in_(sorted(voucher.hex() for voucher in vouchers))
    query = select(t.uses).where(named, t.uses.c.undone_at.is_(None))
    uses = [rows.use_from(row) for row in (await connection.execute(query)).all()]
    return {use.voucher: use for use in uses}


def is_held_by(participant: str) -> ColumnElement[bool]:
    """The vouchers that `participant` may show."""
    table = t.vouchers.c
    return or_(table.given_to == participant, and_(table.given_to.is_(None), table.participant == participant))


async def _locked(connection: AsyncConnection, caller: Caller, voucher_id: str) -> VoucherRecord:
    """A voucher that the caller holds, until the transaction ends; raises Refused."""
    table, people = t.vouchers, t.participants
    query = select(table).where(table.c.id == voucher_id, is_held_by(caller.subject))
    row = (await connection.execute(query)).first()
    if row is None:
        raise Refused(Reason.NOT_FOUND)
    # All that a participant paid for is guarded by the participant's row; who paid never changes, the rest may.
    payer = (people.c.cell == cell_of(row.participant), people.c.participant == row.participant)
    await connection.execute(select(people.c.cell).where(*payer).with_for_update())
    row = (await connection.execute(query)).first()
    if row is None:
        raise Refused(Reason.NOT_FOUND)
    return rows.voucher_from(row)


def _is_good(voucher: VoucherRecord, use: UseRecord | None, now: datetime) -> bool:
    return _state(voucher, use is not None, now) == "ready" and voucher.blocked_at is None


async def renew_lease(
    context: Context, connection: AsyncConnection, caller: Caller, voucher_id: str, request: m.LeaseRequest
) -> m.Voucher:
    """Lease the voucher to the calling device from now on; raises Refused."""
    context.require_signature()
    holder_key = bytes.fromhex(request.holder_key)
    if not ed25519.is_safe_public_key(holder_key):
        raise Refused(Reason.UNSAFE_KEY, field="holder_key")
    voucher = await _locked(connection, caller, voucher_id)
    epoch = voucher.epoch_base + caller.epoch
    if epoch < voucher.epoch:
        raise Refused(Reason.SUPERSEDED_DEVICE)
    use = (await uses_of(connection, {voucher.id})).get(voucher.id)
    now = context.now()
    if _is_good(voucher, use, now):
        epoch_at = voucher.epoch_at if epoch == voucher.epoch else now
        voucher = replace(voucher, holder_key=holder_key, epoch=epoch, lease_start=now, epoch_at=epoch_at)
        await _keep(connection, voucher, "holder_key", "epoch", "lease_start", "epoch_at")
    describer = await Describer.load(context, connection, [voucher], set())
    return describer.voucher(voucher, use, caller)


async def _keep(connection: AsyncConnection, voucher: VoucherRecord, *changed: str) -> None:
    values = {name: getattr(voucher, name) for name in changed}
    await connection.execute(update(t.vouchers).where(t.vouchers.c.id == voucher.id.hex()).values(values))


async def put_on_paper(
    context: Context, connection: AsyncConnection, caller: Caller, voucher_id: str
) -> m.PaperVoucher:
    """The voucher in a form that whoever holds it can use, once, as the voucher itself; raises Refused."""
    context.require_signature()
    voucher = await _locked(connection, caller, voucher_id)
    reward = (await Describer.load(context, connection, [voucher], set())).reward(voucher.reward)
    if not reward.paper or reward.challenge:
        raise Refused(Reason.PAPER_NOT_ALLOWED)
    if not _is_good(voucher, (await uses_of(connection, {voucher.id})).get(voucher.id), context.now()):
        raise Refused(Reason.VOUCHER_OVER)
    if voucher.epoch_base + caller.epoch < voucher.epoch:
        raise Refused(Reason.SUPERSEDED_DEVICE)
    # As long as the paper may be good, tills without network must hear what becomes of the voucher.
    voucher = replace(voucher, lease_start=context.now())
    await _keep(connection, voucher, "lease_start")
    lease = paper_of(context, voucher, reward)
    text = frame.static_text(frame.issue(lease, context.issuer.sign))
    return m.PaperVoucher(frame=text, code=voucher.code, ends_at=datetime.fromtimestamp(lease.lease_end, UTC))
