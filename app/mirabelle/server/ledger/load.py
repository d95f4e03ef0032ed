"""Loads what a batch of commands may touch. Locks are taken in one sorted order, late: participants, then stock.

Everything of a participant is guarded by the participant's row: it is locked first, and only then read.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any

import msgspec

from mirabelle.rules.balance import BalanceMove
from mirabelle.rules.book import Snapshot
from mirabelle.rules.cells import cell_of
from mirabelle.rules.commands import (
    AtTill,
    Cancel,
    Close,
    Command,
    Earn,
    Give,
    Lapse,
    Redeem,
    Refund,
    Reverse,
    Scan,
    Transfer,
    UndoScan,
    UploadScan,
)
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account
from mirabelle.rules.programme import TIER_PERIOD, Rules
from mirabelle.rules.redemption import ConflictRecord, RedemptionRecord, UseRecord, VoucherRecord, sibling_id
from mirabelle.rules.trust import STILL_OUT
from mirabelle.server.ledger import records
from mirabelle.server.ledger.records import Reward, Row
from mirabelle.server.storage.instants import instant_of, microseconds_of
from mirabelle.server.storage.steps import Statement, Steps

Sql = ModuleType
"""`ledger.sqlite` or `ledger.postgresql`."""


@dataclass(frozen=True, slots=True)
class World:
    """What is the same for every batch of this server."""

    rules: Rules
    tier_points: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """What an answer calls the rewards by id, and the stores by reference: each store's id and name."""

    rewards: Mapping[str, Reward] = field(default_factory=dict)
    stores: Mapping[int, tuple[str, Mapping[str, str]]] = field(default_factory=dict)


class RunDry(Exception):
    """A participant's slice of these rewards' stock is not enough: the batch begins again, with all their slices."""

    def __init__(self, rewards: Iterable[str]) -> None:
        super().__init__()
        self.rewards = frozenset(rewards)


_Keys = list[tuple[int, str]]


def load(sql: Sql, world: World, commands: Sequence[Command], whole: Collection[str]) -> Steps[tuple[Snapshot, Names]]:
    """The snapshot that `commands` need, all slices of the rewards in `whole` among it; raises RunDry."""
    named = {c.voucher.hex() for c in commands if isinstance(c, AtTill | Give) and c.voucher}
    shown = yield from _by_id(sql.vouchers, named)
    owners = {row[1] for row in shown}
    asking = {c.participant for c in commands if not isinstance(c, AtTill)} | owners
    recipients = {c.recipient for c in commands if isinstance(c, Transfer | Give) and c.recipient}
    keys = sorted((cell_of(who), who) for who in asking | recipients)
    locked = (yield sql.participants(keys)) if keys else ()
    redemptions, vouchers, uses = yield from _past(sql, commands, shown)
    lots = yield from _lots(sql, commands, keys, redemptions)
    accounts = {who: Account(who) for who in asking}
    accounts |= {row[0]: records.account_from(row, lots[row[0]]) for row in locked}
    names = yield from _names(sql, world, commands, redemptions, vouchers, uses)
    redeems = [c for c in commands if isinstance(c, Redeem) and c.reward in names.rewards]
    snapshot = Snapshot(
        rules=world.rules,
        issuer_keys=(yield from _issuer_keys(sql, commands)),
        distrusted_keys=(yield from _distrusted_keys(sql, commands)),
        accounts=accounts,
        cells={who: cell for cell, who in keys},
        rewards={id_: reward.terms for id_, reward in names.rewards.items()},
        earned_in_period=(yield from _earned(sql, world, names, commands)),
        had_before=(yield from _had(sql, names, redeems)),
        redemptions=redemptions,
        vouchers=vouchers,
        uses=uses,
        conflicts=(yield from _conflicts(sql, commands)),
        undone=(yield from _undone(sql, commands)),
        stock=(yield from _stock(sql, names, redeems, _ending(commands, redemptions), whole)),
        moves=(yield from _moves(sql, vouchers.values())),
    )
    return snapshot, names


def _by_id(query: Callable[[list[str]], Statement], ids: set[str]) -> Steps[Sequence[Row]]:
    return (yield query(sorted(ids))) if ids else ()


_Past = tuple[dict[str, RedemptionRecord], dict[bytes, VoucherRecord], dict[tuple[bytes, int], UseRecord]]


def _past(sql: Sql, commands: Sequence[Command], shown: Sequence[Row]) -> Steps[_Past]:
    """The redemptions that end or are used, their vouchers, and the vouchers' uses, as they are under the lock."""
    ids = {c.redemption for c in commands if isinstance(c, Cancel | Lapse | Reverse)} | {row[2] for row in shown}
    found = [records.redemption_from(row) for row in (yield from _by_id(sql.redemptions, ids))]
    named = {row[0] for row in shown} | {record.voucher.hex() for record in found if record.voucher}
    vouchers = [records.voucher_from(row) for row in (yield from _by_id(sql.vouchers, named))]
    siblings = {id_.hex() for voucher in vouchers for id_ in _siblings(voucher, found)} - named
    vouchers += [records.voucher_from(row) for row in (yield from _by_id(sql.vouchers, siblings))]
    named |= siblings
    uses = [records.use_from(row) for row in (yield from _by_id(sql.uses, named))]
    return (
        {record.id: record for record in found},
        {voucher.id: voucher for voucher in vouchers},
        {(use.voucher, use.use): use for use in uses},
    )


def _siblings(voucher: VoucherRecord, found: Sequence[RedemptionRecord]) -> Iterator[bytes]:
    """The ids of the vouchers that were issued together with one of several uses."""
    if voucher.out_of > 1:
        first = next(record.voucher for record in found if record.id == voucher.redemption)
        assert first is not None
        yield from (sibling_id(first, number) for number in range(1, voucher.out_of + 1))


def _moves(sql: Sql, vouchers: Iterable[VoucherRecord]) -> Steps[dict[bytes, list[BalanceMove]]]:
    """What moved of the money of those vouchers that carry some."""
    of: dict[bytes, list[BalanceMove]] = {}
    with_balance = {voucher.id.hex() for voucher in vouchers if voucher.value_minor is not None}
    for row in (yield from _by_id(sql.balance_moves, with_balance)):
        move = records.balance_move_from(row)
        of.setdefault(move.voucher, []).append(move)
    return of


def _conflicts(sql: Sql, commands: Sequence[Command]) -> Steps[dict[str, ConflictRecord]]:
    """What was uploaded too late for the use of the vouchers that are told of again, or undone."""
    vouchers = {c.voucher.hex() for c in commands if isinstance(c, UploadScan | UndoScan) and c.voucher}
    found = [records.conflict_from(row) for row in (yield from _by_id(sql.conflicts, vouchers))]
    return {conflict.scan: conflict for conflict in found}


def _undone(sql: Sql, commands: Sequence[Command]) -> Steps[set[str]]:
    scans = {c.scan for c in commands if isinstance(c, Scan | UploadScan)}
    return {scan for (scan,) in (yield from _by_id(sql.undone, scans))}


def _lots(
    sql: Sql, commands: Sequence[Command], keys: _Keys, redemptions: Mapping[str, RedemptionRecord]
) -> Steps[dict[str, dict[int, Lot]]]:
    """Each participant's lots in which something is left, and those that `commands` may bring points back to."""
    of: dict[str, dict[int, Lot]] = {who: {} for _, who in keys}
    if keys:
        queries = [sql.lots(keys), *_more_lots(sql, commands, redemptions)]
        for query in queries:
            for row in (yield query):
                of[row[1]][row[2]] = records.lot_from(row[2:])
    return of


def _more_lots(
    sql: Sql, commands: Sequence[Command], redemptions: Mapping[str, RedemptionRecord]
) -> Iterator[Statement]:
    paid = {(cell_of(r.participant), r.participant, number) for r in redemptions.values() for number, _ in r.paid_by}
    asking = {c.participant for c in commands if not isinstance(c, AtTill)}
    paid = {key for key in paid if key[1] in asking}
    if paid:
        yield sql.lots_paid(sorted(paid))
    bought = {(cell_of(c.participant), c.participant, c.purchase) for c in commands if isinstance(c, Refund)}
    if bought:
        yield sql.lots_bought(sorted(bought))
    # An event of the past meets lots that have expired since.
    past = [c for c in commands if isinstance(c, Refund | Earn) or (isinstance(c, Redeem) and c.agreed_points is None)]
    if past:
        keys = {(cell_of(c.participant), c.participant) for c in past}
        yield sql.lots_expired(sorted(keys), microseconds_of(min(c.at for c in past)))


def _names(
    sql: Sql,
    world: World,
    commands: Sequence[Command],
    redemptions: Mapping[str, RedemptionRecord],
    vouchers: Mapping[bytes, VoucherRecord],
    uses: Mapping[tuple[bytes, int], UseRecord],
) -> Steps[Names]:
    """The rewards, and the stores that they, the tills and the uses name."""
    ids = {c.reward for c in commands if isinstance(c, Redeem)} | {r.reward for r in redemptions.values()}
    rows = yield from _by_id(sql.rewards, ids | {voucher.reward for voucher in vouchers.values()})
    bound = {store for row in rows if (store := records.store_of_reward(row))}
    references = {c.store for c in commands if isinstance(c, Scan | UploadScan)}
    references |= {use.store for use in uses.values()} | {v.store for v in vouchers.values() if v.store}
    # Looked up with each batch: a store may be newer than this server.
    found = (yield sql.stores(sorted(bound), sorted(references))) if bound or references else ()
    by_id = {id_: reference for id_, reference, _ in found}
    rewards = [records.reward_from(row, by_id, world.tier_points) for row in rows]
    return Names(
        rewards={reward.terms.id: reward for reward in rewards},
        stores={reference: (id_, msgspec.json.decode(name)) for id_, reference, name in found},
    )


def _issuer_keys(sql: Sql, commands: Sequence[Command]) -> Steps[dict[bytes, bytes]]:
    """The keys whose vouchers may be honoured: those of other servers on this ledger, and earlier ones, count as well,
    for as long as leases that they signed can last."""
    scanned = [c.at for c in commands if isinstance(c, Scan | UploadScan)]
    if not scanned:
        return {}
    found = yield sql.issuer_keys(microseconds_of(min(scanned) - STILL_OUT))
    return {bytes.fromhex(key_id): public_key for key_id, public_key in found}


def _distrusted_keys(sql: Sql, commands: Sequence[Command]) -> Steps[dict[bytes, bytes]]:
    """The keys that were given up, for what tills accepted before they heard of that."""
    if not any(isinstance(c, UploadScan) for c in commands):
        return {}
    return {bytes.fromhex(key_id): public_key for key_id, public_key in (yield sql.distrusted_keys())}


def _earned(
    sql: Sql, world: World, names: Names, commands: Sequence[Command]
) -> Steps[dict[tuple[str, datetime], int]]:
    asked = {
        (cell_of(c.participant), c.participant, microseconds_of(c.at - TIER_PERIOD), microseconds_of(c.at))
        for c in commands
        if (isinstance(c, Redeem) and c.reward in names.rewards and names.rewards[c.reward].terms.from_points)
        or (isinstance(c, Close) and world.rules.tiers)
    }
    found: Sequence[Any] = (yield sql.earned(sorted(asked))) if asked else ()
    return {(who, instant_of(until)): points for who, until, points in found}  # type: ignore[misc]


def _had(sql: Sql, names: Names, redeems: Sequence[Redeem]) -> Steps[dict[tuple[str, str], int]]:
    limited = {
        (cell_of(c.participant), c.participant, c.reward)
        for c in redeems
        if names.rewards[c.reward].terms.per_participant is not None
    }
    found: Sequence[Any] = (yield sql.had(sorted(limited))) if limited else ()
    return {(who, reward): had for who, reward, had in found}


def _ending(commands: Sequence[Command], redemptions: Mapping[str, RedemptionRecord]) -> list[RedemptionRecord]:
    """The redemptions that may give a piece back."""
    ids = {c.redemption for c in commands if isinstance(c, Cancel | Lapse | Reverse)}
    return [redemptions[id_] for id_ in ids & redemptions.keys()]


def _stock(
    sql: Sql,
    names: Names,
    redeems: Sequence[Redeem],
    returned: Iterable[RedemptionRecord],
    whole: Collection[str],
) -> Steps[dict[str, dict[int, int]]]:
    """Each reward's slices for the participants' own cells, and all slices of the rewards in `whole`."""
    asked = Counter((c.reward, cell_of(c.participant)) for c in redeems)
    asked.update({(record.reward, cell_of(record.participant)): 0 for record in returned})
    stocked = {key: pieces for key, pieces in asked.items() if names.rewards[key[0]].terms.stocked}
    if not stocked:
        return {}
    stock: dict[str, dict[int, int]] = {reward: {} for reward, _ in stocked}
    for reward, cell, pieces in (yield sql.stock(sorted(stocked), sorted(stock.keys() & set(whole)))):
        stock[reward][cell] = pieces
    dry = {reward for (reward, cell), pieces in stocked.items() if stock[reward].get(cell, 0) < pieces}
    if dry - set(whole):
        raise RunDry(dry)
    return stock
