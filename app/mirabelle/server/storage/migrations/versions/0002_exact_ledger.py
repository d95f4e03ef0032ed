"""What the exact ledger must know of lots, holds and stock; and postings that nobody can change."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_REFUSED = "postings are append-only"


def upgrade() -> None:
    """Add columns with what they mean for the rows that exist, then guard the postings."""
    _add_columns()
    op.create_index(op.f("ix_lots_cell_participant_source"), "lots", ["cell", "participant", "source"])
    held = sa.text("state = 'held'")
    op.create_index("ix_redemptions_held", "redemptions", ["held_until"], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "closes",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("participants", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("tiers_changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_closes")),
    )
    _fill_columns()
    _guard_postings()


def _add_columns() -> None:
    def number(name: str) -> sa.Column[int]:
        return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")

    def flag(name: str) -> sa.Column[bool]:
        return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())

    added = {
        "rewards": [number("offered"), sa.Column("available_from", sa.BigInteger())],
        "participants": [
            number("owed"),
            sa.Column("active_at", sa.BigInteger()),
            sa.Column("tier", sa.String(), nullable=False, server_default=sa.text("''")),
        ],
        "lots": [
            sa.Column("arrived_at", sa.BigInteger()),
            number("expired"),
            number("refunded"),
            number("owed"),
            sa.Column("renew_days", sa.Integer()),
            sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"),
            flag("reinstated"),
            flag("transferred"),
        ],
        "redemptions": [number("returned"), sa.Column("held_until", sa.BigInteger())],
    }
    for table, columns in added.items():
        for column in columns:
            op.add_column(table, column)


def _fill_columns() -> None:
    op.execute(
        "UPDATE redemptions SET held_until = (SELECT vouchers.expires_at FROM vouchers"
        " WHERE vouchers.id = redemptions.voucher) WHERE state = 'held'"
    )
    op.execute("UPDATE redemptions SET returned = points WHERE state = 'released'")
    op.execute(
        "UPDATE rewards SET offered ="
        " (SELECT COALESCE(SUM(stock.pieces), 0) FROM stock WHERE stock.reward = rewards.id)"
        " + (SELECT COUNT(*) FROM redemptions WHERE redemptions.reward = rewards.id"
        " AND redemptions.state IN ('held', 'captured')) WHERE stocked"
    )


def _guard_postings() -> None:
    """The database itself refuses to change or delete a posting."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER postings_refuse_{change.lower()} BEFORE {change} ON postings"
                f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION postings_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER postings_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON postings"
        " FOR EACH STATEMENT EXECUTE FUNCTION postings_refuse()"
    )
