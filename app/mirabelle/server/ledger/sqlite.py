"""The batch's statements for SQLite, which has one writer: nothing is locked but the database.

`postgresql.py` holds the same functions. Lists come as one JSON parameter, so that no text ever changes.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from mirabelle.server.ledger.records import ACCOUNT
from mirabelle.server.ledger.writes import (
    ADDED,
    LOT_COLUMNS,
    PARTICIPANT_COLUMNS,
    PUT,
    REWARD_COLUMNS,
    Writes,
    as_json,
    columns,
    on_conflict,
)
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.steps import Statement

Keys = Collection[tuple[Any, ...]]

_KEY: Final = "cell = k.value ->> 0 AND {0}.participant = k.value ->> 1"
_OF_KEY: Final = f"FROM json_each(?) AS k CROSS JOIN lots AS l ON l.{_KEY.format('l')}"


_ANSWERS: Final = (
    f"SELECT {columns(t.answers, 'a')} FROM json_each(?) AS k"
    " CROSS JOIN answers AS a ON a.actor = k.value ->> 0 AND a.key = k.value ->> 1"
)


def answers(keys: Keys) -> Statement:
    """The answers stored under (actor, key)."""
    return Statement(_ANSWERS, (as_json(keys),))


_VOUCHERS: Final = f"SELECT {columns(t.vouchers)} FROM vouchers WHERE id IN (SELECT value FROM json_each(?))"


def vouchers(ids: Collection[str]) -> Statement:
    """The vouchers named, as hexadecimal."""
    return Statement(_VOUCHERS, (as_json(ids),))


_REDEMPTIONS: Final = f"SELECT {columns(t.redemptions)} FROM redemptions WHERE id IN (SELECT value FROM json_each(?))"


def redemptions(ids: Collection[str]) -> Statement:
    """The redemptions named."""
    return Statement(_REDEMPTIONS, (as_json(ids),))


_REWARDS: Final = f"SELECT {REWARD_COLUMNS} FROM rewards WHERE id IN (SELECT value FROM json_each(?))"


def rewards(ids: Collection[str]) -> Statement:
    """The rewards named, in the columns of REWARD."""
    return Statement(_REWARDS, (as_json(ids),))


_STORES: Final = (
    "SELECT id, reference, name FROM stores WHERE id IN (SELECT value FROM json_each(?))"
    " OR reference IN (SELECT value FROM json_each(?))"
)


def stores(ids: Collection[str], references: Collection[int]) -> Statement:
    """The stores named either way: id, reference and name."""
    return Statement(_STORES, (as_json(ids), as_json(references)))


_PARTICIPANTS: Final = (
    f"SELECT {PARTICIPANT_COLUMNS} FROM json_each(?) AS k CROSS JOIN participants AS p ON p.{_KEY.format('p')}"
)


def participants(keys: Keys) -> Statement:
    """The accounts of (cell, participant), locked until the transaction ends."""
    return Statement(_PARTICIPANTS, (as_json(keys),))


_LOTS: Final = f"SELECT {LOT_COLUMNS} {_OF_KEY} WHERE l.remaining > 0"
_LOTS_PAID: Final = f"SELECT {LOT_COLUMNS} {_OF_KEY} AND l.number = k.value ->> 2"
_LOTS_BOUGHT: Final = f"SELECT {LOT_COLUMNS} {_OF_KEY} AND l.source = k.value ->> 2"
_LOTS_EXPIRED: Final = f"SELECT {LOT_COLUMNS} {_OF_KEY} WHERE l.expired > 0 AND l.expires_at > ?"


def lots(keys: Keys) -> Statement:
    """The lots of (cell, participant) in which something is left."""
    return Statement(_LOTS, (as_json(keys),))


def lots_paid(keys: Keys) -> Statement:
    """The lots named by (cell, participant, number)."""
    return Statement(_LOTS_PAID, (as_json(keys),))


def lots_bought(keys: Keys) -> Statement:
    """The lots named by (cell, participant, source)."""
    return Statement(_LOTS_BOUGHT, (as_json(keys),))


def lots_expired(keys: Keys, since: int) -> Statement:
    """The lots of (cell, participant) of which something expired after `since`."""
    return Statement(_LOTS_EXPIRED, (as_json(keys), since))


_USES: Final = f"SELECT {columns(t.uses)} FROM uses WHERE voucher IN (SELECT value FROM json_each(?))"


def uses(vouchers: Collection[str]) -> Statement:
    """The uses of the vouchers named, as hexadecimal."""
    return Statement(_USES, (as_json(vouchers),))


_MOVES: Final = (
    f"SELECT {columns(t.balance_moves)} FROM balance_moves WHERE voucher IN (SELECT value FROM json_each(?))"
    " ORDER BY voucher, number"
)


def balance_moves(vouchers: Collection[str]) -> Statement:
    """What moved of the money of the vouchers named, as hexadecimal, each in its order."""
    return Statement(_MOVES, (as_json(vouchers),))


_CONFLICTS: Final = f"SELECT {columns(t.conflicts)} FROM conflicts WHERE voucher IN (SELECT value FROM json_each(?))"
_UNDONE: Final = "SELECT id FROM scans WHERE id IN (SELECT value FROM json_each(?)) AND undone_at IS NOT NULL"


def conflicts(vouchers: Collection[str]) -> Statement:
    """The conflicts of the vouchers named, as hexadecimal."""
    return Statement(_CONFLICTS, (as_json(vouchers),))


def undone(scans: Collection[str]) -> Statement:
    """Those of the scans named that their tills undid before they told of them."""
    return Statement(_UNDONE, (as_json(scans),))


_ISSUER_KEYS: Final = (
    "SELECT key_id, public_key FROM issuer_keys WHERE compromised_at IS NULL AND (retired_at IS NULL OR retired_at > ?)"
)


def issuer_keys(retired_after: int) -> Statement:
    """Every key that signed vouchers of this ledger, but those that were compromised or retired by then."""
    return Statement(_ISSUER_KEYS, (retired_after,))


_DISTRUSTED_KEYS: Final = (
    "SELECT key_id, public_key FROM issuer_keys WHERE compromised_at IS NOT NULL OR retired_at IS NOT NULL"
)


def distrusted_keys() -> Statement:
    """Every key that signs no more vouchers of this ledger."""
    return Statement(_DISTRUSTED_KEYS, ())


_STOCK: Final = (
    "SELECT s.reward, s.cell, s.pieces FROM json_each(?) AS k"
    " CROSS JOIN stock AS s ON s.reward = k.value ->> 0 AND s.cell = k.value ->> 1"
    " UNION SELECT reward, cell, pieces FROM stock WHERE reward IN (SELECT value FROM json_each(?))"
)


def stock(own: Keys, whole: Collection[str]) -> Statement:
    """The slices of (reward, cell), and all those of the rewards in `whole`, locked until the transaction ends."""
    return Statement(_STOCK, (as_json(own), as_json(whole)))


_EARNED: Final = (
    "SELECT k.value ->> 1, k.value ->> 3, SUM(l.points - l.refunded)"
    f" {_OF_KEY} AND l.earned_at > k.value ->> 2 AND l.earned_at <= k.value ->> 3 AND NOT l.transferred"
    " GROUP BY 1, 2"
)


def earned(periods: Keys) -> Statement:
    """(participant, until, points earned and kept) of each (cell, participant, after, until)."""
    return Statement(_EARNED, (as_json(periods),))


_HAD: Final = (
    "SELECT r.participant, r.reward, COUNT(*) FROM json_each(?) AS k"
    f" CROSS JOIN redemptions AS r ON r.{_KEY.format('r')} AND r.reward = k.value ->> 2"
    " WHERE r.state IN ('held', 'captured') GROUP BY 1, 2"
)


def had(keys: Keys) -> Statement:
    """(participant, reward, how many the participant has or had) of each (cell, participant, reward)."""
    return Statement(_HAD, (as_json(keys),))


_EVENTS: Final = (
    "SELECT e.type, e.id, e.content, e.participant, e.amount_minor, e.refunded_minor, e.points FROM json_each(?) AS k"
    " CROSS JOIN events AS e ON e.type = k.value ->> 0 AND e.id = k.value ->> 1"
)
_REFUNDED: Final = "UPDATE events SET refunded_minor = ? WHERE type = 'purchase' AND id = ?"


def events(keys: Keys) -> Statement:
    """The events of (type, id) that were counted: those, content, participant, amount, what was refunded, points."""
    return Statement(_EVENTS, (as_json(keys),))


def refunded(amounts: Keys) -> Statement:
    """Note (amount, purchase): how much of the purchase was refunded."""
    return Statement(_REFUNDED, list(amounts), many=True)


def _insert(table: Any) -> str:
    marks = ", ".join("?" for _ in table.columns)
    return f"INSERT INTO {table.name} ({columns(table)}) VALUES ({marks})"


_CHANGED: Final = ", ".join(f"{name} = ?" for name in ACCOUNT)
_SAVE: Final = {
    "accounts": f"UPDATE participants SET {_CHANGED} WHERE cell = ? AND participant = ?",
    "undone": 'UPDATE uses SET undone_at = ? WHERE voucher = ? AND "use" = ?',
    **{table.name: _insert(table) for table in ADDED},
    **{table.name: f"{_insert(table)} {on_conflict(table)}" for table in PUT},
}


def save(writes: Writes) -> Sequence[Statement]:
    """Write everything."""
    return [Statement(_SAVE[name], rows, many=True) for name, rows in writes._asdict().items() if rows]
