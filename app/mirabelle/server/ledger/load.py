"""Loads what a batch of commands may touch. Locks are taken in one sorted order, participants before stock."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.book import Snapshot
from mirabelle.rules.cells import cell_of
from mirabelle.rules.commands import Cancel, Close, Command, Earn, Lapse, Redeem, Refund, Reverse, Scan, Transfer
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import FIRST_DIGEST, Account
from mirabelle.rules.programme import TIER_PERIOD, Rules
from mirabelle.rules.redemption import RedemptionRecord, RedemptionState, RewardTerms, UseRecord, VoucherRecord
from mirabelle.server.ledger import rows
from mirabelle.server.storage import schema as t


@dataclass(frozen=True, slots=True)
class World:
    """What is the same for every batch of this server."""

    rules: Rules
    tier_points: dict[str, int] = field(default_factory=dict)


async def _all(connection: AsyncConnection, query: Select[Any]) -> Sequence[Row[Any]]:
    return (await connection.execute(query)).all()


async def load(connection: AsyncConnection, world: World, commands: Sequence[Command]) -> Snapshot:
    """The snapshot that `commands` need; the rows they will change are locked until the transaction ends."""
    vouchers = await _vouchers(connection, {c.voucher for c in commands if isinstance(c, Scan) and c.voucher})
    redemptions = await _redemptions(
        connection,
        {c.redemption for c in commands if isinstance(c, Cancel | Lapse | Reverse)}
        | {v.redemption for v in vouchers.values()},
    )
    vouchers |= await _vouchers(connection, {r.voucher for r in redemptions.values() if r.voucher} - vouchers.keys())
    participants = {c.participant for c in commands if not isinstance(c, Scan)}
    participants |= {redemption.participant for redemption in redemptions.values()}
    participants |= {c.recipient for c in commands if isinstance(c, Transfer) and c.recipient}
    rewards = await _rewards(
        connection,
        world,
        {c.reward for c in commands if isinstance(c, Redeem)} | {r.reward for r in redemptions.values()},
    )
    paid = {(cell_of(r.participant), r.participant, number) for r in redemptions.values() for number, _ in r.paid_by}
    accounts = await _accounts(connection, participants, or_(*_more_lots(world, commands, paid)))
    redeems = [c for c in commands if isinstance(c, Redeem)]
    return Snapshot(
        rules=world.rules,
        issuer_keys=await _issuer_keys(connection, commands),
        accounts=accounts,
        cells={participant: cell_of(participant) for participant in participants},
        rewards=rewards,
        stock=await _stock(connection, rewards, redeems, redemptions.values()),
        earned_in_period=await _earned_in_period(connection, world, rewards, commands),
        had_before=await _had_before(connection, rewards, redeems),
        redemptions=redemptions,
        vouchers=vouchers,
        uses=await _uses(connection, vouchers),
    )


def _more_lots(
    world: World, commands: Sequence[Command], paid: set[tuple[int, str, int]]
) -> Iterator[ColumnElement[bool]]:
    """Which lots are wanted although nothing is left of them, as far as `commands` may bring points back."""
    lots = t.lots
    whose = tuple_(lots.c.cell, lots.c.participant)
    yield false()
    if paid:
        yield tuple_(lots.c.cell, lots.c.participant, lots.c.number).in_(sorted(paid))
    bought = {(cell_of(c.participant), c.participant, c.purchase) for c in commands if isinstance(c, Refund)}
    if bought:
        yield tuple_(lots.c.cell, lots.c.participant, lots.c.source).in_(sorted(bought))
    # An event of the past meets lots that have expired since.
    past = [
        c
        for c in commands
        if isinstance(c, Refund)
        or (isinstance(c, Redeem) and c.agreed_points is None)
        or (isinstance(c, Earn) and world.rules.renew_days)
    ]
    if past:
        keys = sorted({(cell_of(c.participant), c.participant) for c in past})
        yield and_(whose.in_(keys), lots.c.expired > 0, lots.c.expires_at > min(c.at for c in past))


async def _accounts(
    connection: AsyncConnection, participants: set[str], more_lots: ColumnElement[bool]
) -> dict[str, Account]:
    keys = sorted((cell_of(participant), participant) for participant in participants)
    table, lots = t.participants, t.lots
    found = await _all(
        connection,
        select(table)
        .where(tuple_(table.c.cell, table.c.participant).in_(keys))
        .order_by(table.c.cell, table.c.participant)
        .with_for_update(),
    )
    left = and_(tuple_(lots.c.cell, lots.c.participant).in_(keys), lots.c.remaining > 0)
    of: dict[str, list[Lot]] = {participant: [] for participant in participants}
    for row in await _all(connection, select(lots).where(or_(left, more_lots))):
        of[row.participant].append(rows.lot_from(row))
    missing = {participant: Account(participant, digest=FIRST_DIGEST) for participant in participants}
    return missing | {row.participant: rows.account_from(row, of[row.participant]) for row in found}


async def _rewards(connection: AsyncConnection, world: World, rewards: set[str]) -> dict[str, RewardTerms]:
    if not rewards:
        return {}
    found = await _all(connection, select(t.rewards).where(t.rewards.c.id.in_(sorted(rewards))))
    bound_to = sorted({row.document["store"] for row in found if row.document["store"]})
    # Looked up with each batch: a store may be newer than this server.
    stores = await _all(connection, select(t.stores.c.id, t.stores.c.reference).where(t.stores.c.id.in_(bound_to)))
    references = {row.id: row.reference for row in stores}
    return {row.id: rows.terms_from(row, references, world.tier_points) for row in found}


async def _stock(
    connection: AsyncConnection,
    rewards: dict[str, RewardTerms],
    redeems: Sequence[Redeem],
    returned: Iterable[RedemptionRecord],
) -> dict[str, dict[int, int]]:
    """Each reward's slices for the participants' own cells; all slices of one whose own ones may run dry."""
    asked = Counter((c.reward, cell_of(c.participant)) for c in redeems)
    asked.update((record.reward, cell_of(record.participant)) for record in returned)
    asked = Counter({key: pieces for key, pieces in asked.items() if key[0] in rewards and rewards[key[0]].stocked})
    if not asked:
        return {}
    table = t.stock
    own = select(table).where(tuple_(table.c.reward, table.c.cell).in_(sorted(asked)))
    slices = await _all(connection, own.order_by(table.c.reward, table.c.cell).with_for_update())
    stock: dict[str, dict[int, int]] = {reward: {} for reward, _ in asked}
    for row in slices:
        stock[row.reward][row.cell] = row.pieces
    dry = sorted({reward for (reward, cell), pieces in asked.items() if stock[reward].get(cell, 0) < pieces})
    if dry:
        every = select(table).where(table.c.reward.in_(dry)).order_by(table.c.reward, table.c.cell).with_for_update()
        for row in await _all(connection, every):
            stock[row.reward][row.cell] = row.pieces
    return stock


async def _earned_in_period(
    connection: AsyncConnection, world: World, rewards: dict[str, RewardTerms], commands: Sequence[Command]
) -> dict[tuple[str, datetime], int]:
    asked = {
        (c.participant, c.at)
        for c in commands
        if (isinstance(c, Redeem) and c.reward in rewards and rewards[c.reward].from_points)
        or (isinstance(c, Close) and world.rules.tiers)
    }
    return {(who, at): await earned_in_period(connection, who, at) for who, at in asked}


async def earned_in_period(connection: AsyncConnection, participant: str, now: datetime) -> int:
    """The points that `participant` earned in the tier period that ends `now`, but for what refunds took back."""
    lots = t.lots
    query = select(func.coalesce(func.sum(lots.c.points - lots.c.refunded), 0)).where(
        lots.c.cell == cell_of(participant),
        lots.c.participant == participant,
        lots.c.earned_at > now - TIER_PERIOD,
        lots.c.earned_at <= now,
        lots.c.transferred.is_(False),
    )
    return int((await connection.execute(query)).scalar_one())


async def _had_before(
    connection: AsyncConnection, rewards: dict[str, RewardTerms], redeems: Sequence[Redeem]
) -> dict[tuple[str, str], int]:
    limited = sorted(
        {
            (cell_of(c.participant), c.participant, c.reward)
            for c in redeems
            if c.reward in rewards and rewards[c.reward].per_participant is not None
        }
    )
    if not limited:
        return {}
    table = t.redemptions
    counted = (
        select(table.c.participant, table.c.reward, func.count().label("had"))
        .where(tuple_(table.c.cell, table.c.participant, table.c.reward).in_(limited))
        .where(table.c.state.in_([RedemptionState.HELD.value, RedemptionState.CAPTURED.value]))
        .group_by(table.c.participant, table.c.reward)
    )
    return {(row.participant, row.reward): row.had for row in await _all(connection, counted)}


async def _redemptions(connection: AsyncConnection, ids: set[str]) -> dict[str, RedemptionRecord]:
    if not ids:
        return {}
    table = t.redemptions
    query = select(table).where(table.c.id.in_(sorted(ids))).order_by(table.c.id).with_for_update()
    return {row.id: rows.redemption_from(row) for row in await _all(connection, query)}


async def _vouchers(connection: AsyncConnection, ids: set[bytes]) -> dict[bytes, VoucherRecord]:
    if not ids:
        return {}
    table = t.vouchers
    query = select(table).where(table.c.id.in_(sorted(voucher.hex() for voucher in ids)))
    found = await _all(connection, query.order_by(table.c.id).with_for_update())
    return {bytes.fromhex(row.id): rows.voucher_from(row) for row in found}


async def _uses(
    connection: AsyncConnection, vouchers: dict[bytes, VoucherRecord]
) -> dict[tuple[bytes, int], UseRecord]:
    if not vouchers:
        return {}
    found = await _all(connection, select(t.uses).where(t.uses.c.voucher.in_(sorted(v.hex() for v in vouchers))))
    uses = [rows.use_from(row) for row in found]
    return {(use.voucher, use.use): use for use in uses}


async def _issuer_keys(connection: AsyncConnection, commands: Sequence[Command]) -> dict[bytes, bytes]:
    """Every key that signed vouchers of this ledger: those of other servers on it, and earlier ones, count as well."""
    if not any(isinstance(c, Scan) for c in commands):
        return {}
    found = await _all(connection, select(t.issuer_keys))
    return {bytes.fromhex(row.key_id): row.public_key for row in found}
