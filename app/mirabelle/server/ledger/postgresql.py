"""The batch's statements for PostgreSQL, which locks rows: always in the order of their keys, so that nobody waits
in a circle.

`sqlite.py` holds the same functions. Lists come as one JSON parameter, so that no text ever changes: the driver takes
twice as long over arrays, and the database no shorter.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
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
    as_json,
    columns,
    on_conflict,
)
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.steps import Statement

Keys = Collection[tuple[Any, ...]]

_KEYS: Final = "jsonb_array_elements($1::text::jsonb) AS k(v)"
_KEY: Final = "{0}.cell = (k.v ->> 0)::int AND {0}.participant = k.v ->> 1"
_OF_KEY: Final = _KEY.format("l")
_IDS: Final = "ANY(ARRAY(SELECT jsonb_array_elements_text(${}::text::jsonb)))"


def _read(table: Table) -> str:
    """All columns of `table`, JSON as text: SQLAlchemy's connections decode it otherwise."""
    return ", ".join(f'"{c.name}"' + ("::text" if isinstance(c.type, JSON) else "") for c in table.columns)


_ANSWERS: Final = (
    f"SELECT {columns(t.answers, 'a')} FROM {_KEYS} JOIN answers AS a ON a.actor = k.v ->> 0 AND a.key = k.v ->> 1"
)


def answers(keys: Keys) -> Statement:
    """The answers stored under (actor, key)."""
    return Statement(_ANSWERS, (as_json(keys),))


_VOUCHERS: Final = f"SELECT {columns(t.vouchers)} FROM vouchers WHERE id = {_IDS.format(1)}"


def vouchers(ids: Collection[str]) -> Statement:
    """The vouchers named, as hexadecimal."""
    return Statement(_VOUCHERS, (as_json(ids),))


_REDEMPTIONS: Final = f"SELECT {_read(t.redemptions)} FROM redemptions WHERE id = {_IDS.format(1)}"


def redemptions(ids: Collection[str]) -> Statement:
    """The redemptions named."""
    return Statement(_REDEMPTIONS, (as_json(ids),))


_REWARDS: Final = f"SELECT {REWARD_COLUMNS}::text FROM rewards WHERE id = {_IDS.format(1)}"


def rewards(ids: Collection[str]) -> Statement:
    """The rewards named, in the columns of REWARD."""
    return Statement(_REWARDS, (as_json(ids),))


_STORES: Final = (
    f"SELECT id, reference, name::text FROM stores WHERE id = {_IDS.format(1)}"
    " OR reference = ANY(ARRAY(SELECT v::bigint FROM jsonb_array_elements_text($2::text::jsonb) AS v))"
)


def stores(ids: Collection[str], references: Collection[int]) -> Statement:
    """The stores named either way: id, reference and name."""
    return Statement(_STORES, (as_json(ids), as_json(references)))


_PARTICIPANTS: Final = (
    f"SELECT {PARTICIPANT_COLUMNS} FROM {_KEYS} JOIN participants AS p ON {_KEY.format('p')}"
    " ORDER BY p.cell, p.participant FOR UPDATE OF p"
)


def participants(keys: Keys) -> Statement:
    """The accounts of (cell, participant), locked until the transaction ends."""
    return Statement(_PARTICIPANTS, (as_json(keys),))


_LOTS: Final = f"SELECT {LOT_COLUMNS} FROM {_KEYS} JOIN lots AS l ON {_OF_KEY} WHERE l.remaining > 0"
_LOTS_PAID: Final = f"SELECT {LOT_COLUMNS} FROM {_KEYS} JOIN lots AS l ON {_OF_KEY} AND l.number = (k.v ->> 2)::bigint"
_LOTS_BOUGHT: Final = f"SELECT {LOT_COLUMNS} FROM {_KEYS} JOIN lots AS l ON {_OF_KEY} AND l.source = k.v ->> 2"
_LOTS_EXPIRED: Final = (
    f"SELECT {LOT_COLUMNS} FROM {_KEYS} JOIN lots AS l ON {_OF_KEY} WHERE l.expired > 0 AND l.expires_at > $2"
)


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


_USES: Final = f"SELECT {columns(t.uses)} FROM uses WHERE voucher = {_IDS.format(1)}"


def uses(vouchers: Collection[str]) -> Statement:
    """The uses of the vouchers named, as hexadecimal."""
    return Statement(_USES, (as_json(vouchers),))


_MOVES: Final = (
    f"SELECT {columns(t.balance_moves)} FROM balance_moves WHERE voucher = {_IDS.format(1)} ORDER BY voucher, number"
)


def balance_moves(vouchers: Collection[str]) -> Statement:
    """What moved of the money of the vouchers named, as hexadecimal, each in its order."""
    return Statement(_MOVES, (as_json(vouchers),))


_CONFLICTS: Final = f"SELECT {columns(t.conflicts)} FROM conflicts WHERE voucher = {_IDS.format(1)}"
_UNDONE: Final = f"SELECT id FROM scans WHERE id = {_IDS.format(1)} AND undone_at IS NOT NULL"


def conflicts(vouchers: Collection[str]) -> Statement:
    """The conflicts of the vouchers named, as hexadecimal."""
    return Statement(_CONFLICTS, (as_json(vouchers),))


def undone(scans: Collection[str]) -> Statement:
    """Those of the scans named that their tills undid before they told of them."""
    return Statement(_UNDONE, (as_json(scans),))


_ISSUER_KEYS: Final = (
    "SELECT key_id, public_key FROM issuer_keys"
    " WHERE compromised_at IS NULL AND (retired_at IS NULL OR retired_at > $1)"
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
    "SELECT reward, cell, pieces FROM stock"
    f" WHERE (reward, cell) IN (SELECT k.v ->> 0, (k.v ->> 1)::int FROM {_KEYS}) OR reward = {_IDS.format(2)}"
    " ORDER BY reward, cell FOR UPDATE"
)
_OWN_STOCK: Final = (
    f"SELECT s.reward, s.cell, s.pieces FROM {_KEYS} JOIN stock AS s ON s.reward = k.v ->> 0"
    " AND s.cell = (k.v ->> 1)::int ORDER BY s.reward, s.cell FOR UPDATE OF s"
)


def stock(own: Keys, whole: Collection[str]) -> Statement:
    """The slices of (reward, cell), and all those of the rewards in `whole`, locked until the transaction ends."""
    if not whole:
        return Statement(_OWN_STOCK, (as_json(own),))
    return Statement(_STOCK, (as_json(own), as_json(whole)))


_EARNED: Final = (
    "SELECT k.v ->> 1, (k.v ->> 3)::bigint, SUM(l.points - l.refunded)::bigint"
    f" FROM {_KEYS} JOIN lots AS l ON {_OF_KEY} AND l.earned_at > (k.v ->> 2)::bigint"
    " AND l.earned_at <= (k.v ->> 3)::bigint AND NOT l.transferred GROUP BY 1, 2"
)


def earned(periods: Keys) -> Statement:
    """(participant, until, points earned and kept) of each (cell, participant, after, until)."""
    return Statement(_EARNED, (as_json(periods),))


_HAD: Final = (
    "SELECT r.participant, r.reward, COUNT(*)"
    f" FROM {_KEYS} JOIN redemptions AS r ON {_KEY.format('r')} AND r.reward = k.v ->> 2"
    " WHERE r.state IN ('held', 'captured') GROUP BY 1, 2"
)


def had(keys: Keys) -> Statement:
    """(participant, reward, how many the participant has or had) of each (cell, participant, reward)."""
    return Statement(_HAD, (as_json(keys),))


_EVENTS: Final = (
    "SELECT e.type, e.id, e.content, e.participant, e.amount_minor, e.refunded_minor, e.points"
    f" FROM {_KEYS} JOIN events AS e ON e.type = k.v ->> 0 AND e.id = k.v ->> 1"
)
_REFUNDED: Final = (
    f"UPDATE events AS e SET refunded_minor = (k.v ->> 0)::bigint FROM {_KEYS}"
    " WHERE e.type = 'purchase' AND e.id = k.v ->> 1"
)


def events(keys: Keys) -> Statement:
    """The events of (type, id) that were counted: those, content, participant, amount, what was refunded, points."""
    return Statement(_EVENTS, (as_json(keys),))


def refunded(amounts: Keys) -> Statement:
    """Note (amount, purchase): how much of the purchase was refunded."""
    return Statement(_REFUNDED, (as_json(amounts),))


_CASTS: Final = (
    (Instant, "({})::bigint"),
    (BigInteger, "({})::bigint"),
    (Integer, "({})::int"),
    (Boolean, "({})::boolean"),
    (JSON, "({})::json"),
    (LargeBinary, "decode({}, 'base64')"),
)


def _given(columns: Iterable[Column[Any]]) -> list[str]:
    """The values of a JSON array `k.v`, each as what its column holds."""
    casts = [next((cast for kind, cast in _CASTS if isinstance(c.type, kind)), "{}") for c in columns]
    return [cast.format(f"k.v ->> {number}") for number, cast in enumerate(casts)]


# Each reads its rows from the parameter that is put into the braces.
_ROWS: Final = "FROM jsonb_array_elements(${}::text::jsonb) AS k(v)"
_ACCOUNT: Final = _given(t.participants.c[name] for name in (*ACCOUNT, "cell", "participant"))
_CHANGED: Final = ", ".join(f"{name} = {value}" for name, value in zip(ACCOUNT, _ACCOUNT, strict=False))
_SAVE: Final = {
    "accounts": f"UPDATE participants AS p SET {_CHANGED} {_ROWS} WHERE p.cell = {_ACCOUNT[-2]}"
    f" AND p.participant = {_ACCOUNT[-1]}",
    "undone": f"UPDATE uses AS u SET undone_at = (k.v ->> 0)::bigint {_ROWS} WHERE u.voucher = k.v ->> 1"
    ' AND u."use" = (k.v ->> 2)::int',
    **{
        table.name: f"INSERT INTO {table.name} ({columns(table)}) SELECT {', '.join(_given(table.columns))} {_ROWS}"
        + (f" {on_conflict(table)}" if table in PUT else "")
        for table in (*ADDED, *PUT)
    },
}


@lru_cache
def _save_all(names: tuple[str, ...]) -> str:
    """One statement for all that is named: each more would be one more way to the database and back."""
    parts = [f"save_{name} AS ({_SAVE[name].format(number)})" for number, name in enumerate(names, 1)]
    return f"WITH {', '.join(parts)} SELECT"


def save(writes: Writes) -> Sequence[Statement]:
    """Write everything."""
    given = {name: rows for name, rows in writes._asdict().items() if rows}
    return [Statement(_save_all(tuple(given)), [as_json(rows) for rows in given.values()])] if given else []
