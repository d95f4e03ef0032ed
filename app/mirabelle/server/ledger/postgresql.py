"""The batch's statements for PostgreSQL, which locks rows: always in the order of their keys, so that nobody waits
in a circle.

`sqlite.py` holds the same functions. Lists come as arrays, a column each, so that no text ever changes.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, LargeBinary, Table

from mirabelle.server.ledger.records import ACCOUNT
from mirabelle.server.ledger.writes import (
    ADDED,
    LOT_COLUMNS,
    PARTICIPANT_COLUMNS,
    PUT,
    REWARD_COLUMNS,
    Writes,
    columns,
    on_conflict,
)
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.schema import Instant
from mirabelle.server.storage.steps import Statement

Keys = Collection[tuple[Any, ...]]

_OF_KEY: Final = "l.cell = k.cell AND l.participant = k.participant"


def _arrays(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Rows turned into one array for each of their `width` columns."""
    return list(zip(*rows, strict=True)) or [()] * width


def _read(table: Table) -> str:
    """All columns of `table`, JSON as text: SQLAlchemy's connections decode it otherwise."""
    return ", ".join(f'"{c.name}"' + ("::text" if isinstance(c.type, JSON) else "") for c in table.columns)


_ANSWERS: Final = (
    f"SELECT {columns(t.answers, 'a')} FROM unnest($1::text[], $2::text[]) AS k(actor, key)"
    " JOIN answers AS a ON a.actor = k.actor AND a.key = k.key"
)


def answers(keys: Keys) -> Statement:
    """The answers stored under (actor, key)."""
    return Statement(_ANSWERS, _arrays(keys, 2))


_VOUCHERS: Final = f"SELECT {columns(t.vouchers)} FROM vouchers WHERE id = ANY($1::text[])"


def vouchers(ids: Collection[str]) -> Statement:
    """The vouchers named, as hexadecimal."""
    return Statement(_VOUCHERS, (list(ids),))


_REDEMPTIONS: Final = f"SELECT {_read(t.redemptions)} FROM redemptions WHERE id = ANY($1::text[])"


def redemptions(ids: Collection[str]) -> Statement:
    """The redemptions named."""
    return Statement(_REDEMPTIONS, (list(ids),))


_REWARDS: Final = f"SELECT {REWARD_COLUMNS}::text FROM rewards WHERE id = ANY($1::text[])"


def rewards(ids: Collection[str]) -> Statement:
    """The rewards named, in the columns of REWARD."""
    return Statement(_REWARDS, (list(ids),))


_STORES: Final = (
    "SELECT id, reference, name::text FROM stores WHERE id = ANY($1::text[]) OR reference = ANY($2::bigint[])"
)


def stores(ids: Collection[str], references: Collection[int]) -> Statement:
    """The stores named either way: id, reference and name."""
    return Statement(_STORES, (list(ids), list(references)))


_PARTICIPANTS: Final = (
    f"SELECT {PARTICIPANT_COLUMNS} FROM unnest($1::int[], $2::text[]) AS k(cell, participant)"
    " JOIN participants AS p ON p.cell = k.cell AND p.participant = k.participant"
    " ORDER BY p.cell, p.participant FOR UPDATE OF p"
)


def participants(keys: Keys) -> Statement:
    """The accounts of (cell, participant), locked until the transaction ends."""
    return Statement(_PARTICIPANTS, _arrays(keys, 2))


_KEYED: Final = "unnest($1::int[], $2::text[]) AS k(cell, participant)"
_LOTS: Final = f"SELECT {LOT_COLUMNS} FROM {_KEYED} JOIN lots AS l ON {_OF_KEY} WHERE l.remaining > 0"
_LOTS_PAID: Final = (
    f"SELECT {LOT_COLUMNS} FROM unnest($1::int[], $2::text[], $3::bigint[]) AS k(cell, participant, number)"
    f" JOIN lots AS l ON {_OF_KEY} AND l.number = k.number"
)
_LOTS_BOUGHT: Final = (
    f"SELECT {LOT_COLUMNS} FROM unnest($1::int[], $2::text[], $3::text[]) AS k(cell, participant, source)"
    f" JOIN lots AS l ON {_OF_KEY} AND l.source = k.source"
)
_LOTS_EXPIRED: Final = (
    f"SELECT {LOT_COLUMNS} FROM {_KEYED} JOIN lots AS l ON {_OF_KEY} WHERE l.expired > 0 AND l.expires_at > $3"
)


def lots(keys: Keys) -> Statement:
    """The lots of (cell, participant) in which something is left."""
    return Statement(_LOTS, _arrays(keys, 2))


def lots_paid(keys: Keys) -> Statement:
    """The lots named by (cell, participant, number)."""
    return Statement(_LOTS_PAID, _arrays(keys, 3))


def lots_bought(keys: Keys) -> Statement:
    """The lots named by (cell, participant, source)."""
    return Statement(_LOTS_BOUGHT, _arrays(keys, 3))


def lots_expired(keys: Keys, since: int) -> Statement:
    """The lots of (cell, participant) of which something expired after `since`."""
    return Statement(_LOTS_EXPIRED, (*_arrays(keys, 2), since))


_USES: Final = f"SELECT {columns(t.uses)} FROM uses WHERE voucher = ANY($1::text[])"


def uses(vouchers: Collection[str]) -> Statement:
    """The uses of the vouchers named, as hexadecimal."""
    return Statement(_USES, (list(vouchers),))


_CONFLICTS: Final = f"SELECT {columns(t.conflicts)} FROM conflicts WHERE voucher = ANY($1::text[])"
_UNDONE: Final = "SELECT id FROM scans WHERE id = ANY($1::text[]) AND undone_at IS NOT NULL"


def conflicts(vouchers: Collection[str]) -> Statement:
    """The conflicts of the vouchers named, as hexadecimal."""
    return Statement(_CONFLICTS, (list(vouchers),))


def undone(scans: Collection[str]) -> Statement:
    """Those of the scans named that their tills undid before they told of them."""
    return Statement(_UNDONE, (list(scans),))


_ISSUER_KEYS: Final = (
    "SELECT key_id, public_key FROM issuer_keys"
    " WHERE compromised_at IS NULL AND (retired_at IS NULL OR retired_at > $1)"
)


def issuer_keys(retired_after: int) -> Statement:
    """Every key that signed vouchers of this ledger, but those that were compromised or retired by then."""
    return Statement(_ISSUER_KEYS, (retired_after,))


_STOCK: Final = (
    "SELECT reward, cell, pieces FROM stock WHERE (reward, cell) IN (SELECT * FROM unnest($1::text[], $2::int[]))"
    " OR reward = ANY($3::text[]) ORDER BY reward, cell FOR UPDATE"
)
_OWN_STOCK: Final = (
    "SELECT s.reward, s.cell, s.pieces FROM unnest($1::text[], $2::int[]) AS k(reward, cell)"
    " JOIN stock AS s ON s.reward = k.reward AND s.cell = k.cell ORDER BY s.reward, s.cell FOR UPDATE OF s"
)


def stock(own: Keys, whole: Collection[str]) -> Statement:
    """The slices of (reward, cell), and all those of the rewards in `whole`, locked until the transaction ends."""
    if not whole:
        return Statement(_OWN_STOCK, _arrays(own, 2))
    return Statement(_STOCK, (*_arrays(own, 2), list(whole)))


_EARNED: Final = (
    "SELECT k.participant, k.until, SUM(l.points - l.refunded)::bigint"
    " FROM unnest($1::int[], $2::text[], $3::bigint[], $4::bigint[]) AS k(cell, participant, after, until)"
    f" JOIN lots AS l ON {_OF_KEY} AND l.earned_at > k.after AND l.earned_at <= k.until AND NOT l.transferred"
    " GROUP BY 1, 2"
)


def earned(periods: Keys) -> Statement:
    """(participant, until, points earned and kept) of each (cell, participant, after, until)."""
    return Statement(_EARNED, _arrays(periods, 4))


_HAD: Final = (
    "SELECT r.participant, r.reward, COUNT(*)"
    " FROM unnest($1::int[], $2::text[], $3::text[]) AS k(cell, participant, reward)"
    " JOIN redemptions AS r ON r.cell = k.cell AND r.participant = k.participant AND r.reward = k.reward"
    " WHERE r.state IN ('held', 'captured') GROUP BY 1, 2"
)


def had(keys: Keys) -> Statement:
    """(participant, reward, how many the participant has or had) of each (cell, participant, reward)."""
    return Statement(_HAD, _arrays(keys, 3))


_EVENTS: Final = (
    "SELECT e.type, e.id, e.content, e.participant, e.amount_minor, e.refunded_minor, e.points"
    " FROM unnest($1::text[], $2::text[]) AS k(type, id) JOIN events AS e ON e.type = k.type AND e.id = k.id"
)
_REFUNDED: Final = (
    "UPDATE events AS e SET refunded_minor = k.amount FROM unnest($1::bigint[], $2::text[]) AS k(amount, id)"
    " WHERE e.type = 'purchase' AND e.id = k.id"
)


def events(keys: Keys) -> Statement:
    """The events of (type, id) that were counted: those, content, participant, amount, what was refunded, points."""
    return Statement(_EVENTS, _arrays(keys, 2))


def refunded(amounts: Keys) -> Statement:
    """Note (amount, purchase): how much of the purchase was refunded."""
    return Statement(_REFUNDED, _arrays(amounts, 2))


def _array_type(column: Column[Any]) -> str:
    kinds = ((Instant, "bigint"), (BigInteger, "bigint"), (Integer, "int"), (Boolean, "boolean"))
    kinds = (*kinds, (LargeBinary, "bytea"))
    return next((name for kind, name in kinds if isinstance(column.type, kind)), "text") + "[]"


def _unnested(table: Table) -> str:
    arrays = ", ".join(f"${number}::{_array_type(column)}" for number, column in enumerate(table.columns, 1))
    given = ", ".join(f'k."{c.name}"' + ("::json" if isinstance(c.type, JSON) else "") for c in table.columns)
    return f"SELECT {given} FROM unnest({arrays}) AS k({columns(table)})"


_GIVEN: Final = ", ".join(
    f"${number}::{_array_type(t.participants.c[name])}"
    for number, name in enumerate((*ACCOUNT, "cell", "participant"), 1)
)
_CHANGED: Final = ", ".join(f"{name} = k.{name}" for name in ACCOUNT)
_SAVE: Final = {
    "accounts": f"UPDATE participants AS p SET {_CHANGED} FROM unnest({_GIVEN}) AS k({', '.join(ACCOUNT)}, cell,"
    " participant) WHERE p.cell = k.cell AND p.participant = k.participant",
    "undone": "UPDATE uses AS u SET undone_at = k.at FROM unnest($1::bigint[], $2::text[], $3::int[])"
    ' AS k(at, voucher, number) WHERE u.voucher = k.voucher AND u."use" = k.number',
    **{table.name: f"INSERT INTO {table.name} ({columns(table)}) {_unnested(table)}" for table in ADDED},
    **{
        table.name: f"INSERT INTO {table.name} ({columns(table)}) {_unnested(table)} {on_conflict(table)}"
        for table in PUT
    },
}


def save(writes: Writes) -> Sequence[Statement]:
    """Write everything."""
    return [Statement(_SAVE[name], _arrays(rows, 0)) for name, rows in writes._asdict().items() if rows]
