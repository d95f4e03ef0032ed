"""Vouchers that carry money, and what moved of it: append-only, as postings are."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_REFUSED = "balance moves are append-only"


def upgrade() -> None:
    """Add the columns, the table and its guard; no voucher that exists carries money."""
    op.add_column("vouchers", sa.Column("value_minor", sa.BigInteger()))
    for name in ("taken_minor", "held_minor"):
        op.add_column("vouchers", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    held = sa.text("held_minor > 0")
    op.create_index("ix_vouchers_held", "vouchers", ["id"], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "balance_moves",
        sa.Column("voucher", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("hold", sa.String(), nullable=False),
        sa.Column("till", sa.String(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("amount_minor", "taken_minor", "held_minor", "left_minor")
        ),
        sa.Column("ends_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("voucher", "number", name=op.f("pk_balance_moves")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_balance_moves_amount")),
        sa.CheckConstraint(
            "taken_minor >= 0 AND held_minor >= 0 AND left_minor >= 0", name=op.f("ck_balance_moves_sums")
        ),
    )
    op.create_index(op.f("ix_balance_moves_hold"), "balance_moves", ["hold"])
    _guard()


def _guard() -> None:
    """The database itself refuses to change or delete a move."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER balance_moves_refuse_{change.lower()} BEFORE {change} ON balance_moves"
                f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        # INSERT OR REPLACE deletes without asking the triggers for deletions.
        op.execute(
            "CREATE TRIGGER balance_moves_refuse_replace BEFORE INSERT ON balance_moves WHEN EXISTS"
            " (SELECT 1 FROM balance_moves AS m WHERE m.voucher = NEW.voucher AND m.number = NEW.number)"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION balance_moves_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER balance_moves_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON balance_moves"
        " FOR EACH STATEMENT EXECUTE FUNCTION balance_moves_refuse()"
    )
