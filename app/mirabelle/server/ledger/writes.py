"""What a batch writes, as rows in the tables' own column order."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Table

from mirabelle.server.ledger.records import ACCOUNT, REWARD, Row
from mirabelle.server.storage import schema as t

ADDED: Final[tuple[Table, ...]] = (t.postings, t.balance_moves, t.uses, t.conflicts, t.answers, t.events)
PUT: Final[tuple[Table, ...]] = (t.lots, t.redemptions, t.vouchers, t.stock, t.scans, t.bad_proofs)


class Writes(NamedTuple):
    """Rows for each table: `accounts` change participants who exist, `undone` uses; lots, redemptions, vouchers, stock,
    scans and bad proofs are put, over the row with their key where there is one; the others are added."""

    accounts: Sequence[Row] = ()
    lots: Sequence[Row] = ()
    postings: Sequence[Row] = ()
    balance_moves: Sequence[Row] = ()
    redemptions: Sequence[Row] = ()
    vouchers: Sequence[Row] = ()
    uses: Sequence[Row] = ()
    undone: Sequence[Row] = ()
    conflicts: Sequence[Row] = ()
    stock: Sequence[Row] = ()
    answers: Sequence[Row] = ()
    scans: Sequence[Row] = ()
    bad_proofs: Sequence[Row] = ()
    events: Sequence[Row] = ()


def as_json(rows: Collection[Any]) -> str:
    """Rows, or ids, as one parameter; bytes in it are base64."""
    return msgspec.json.encode(rows).decode()


def listed(names: Sequence[str], of: str = "") -> str:
    """Column names as SQL lists them, each a column `of` a table where one is named."""
    return ", ".join(f'{of}."{name}"' if of else f'"{name}"' for name in names)


def columns(table: Table, of: str = "") -> str:
    """All columns of `table`, in the schema's order."""
    return listed([column.name for column in table.columns], of)


def on_conflict(table: Table) -> str:
    """What puts a row over the one with the same key."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if column.name not in keys]
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
    return f"ON CONFLICT ({listed(keys)}) DO UPDATE SET {changes}"


PARTICIPANT_COLUMNS: Final = listed(("participant", *ACCOUNT), "p")
REWARD_COLUMNS: Final = listed(REWARD)
LOT_COLUMNS: Final = columns(t.lots, "l")
