"""What the exact ledger must know of lots, holds and stock; and postings that nobody can change."""

import sqlalchemy as sa
from alembic import op

from mirabelle.rules.programme import minor_digits

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

    added = {
        "rewards": [number("offered"), number("overdrawn"), sa.Column("available_from", sa.BigInteger())],
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
            sa.Column("transferred", sa.Boolean(), nullable=False, server_default=sa.false()),
            number("given"),
            number("returned"),
            sa.Column("returned_at", sa.BigInteger()),
            sa.Column("ended_at", sa.BigInteger()),
            sa.Column("extended_at", sa.BigInteger()),
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
    _fill_lots()
    op.execute(
        "UPDATE participants SET active_at = (SELECT MAX(postings.at) FROM postings"
        " WHERE postings.cell = participants.cell AND postings.participant = participants.participant"
        " AND postings.kind IN ('accrual', 'hold', 'burn'))"
    )
    op.execute(
        "UPDATE rewards SET offered ="
        " (SELECT COALESCE(SUM(stock.pieces), 0) FROM stock WHERE stock.reward = rewards.id)"
        " + (SELECT COUNT(*) FROM redemptions WHERE redemptions.reward = rewards.id"
        " AND redemptions.state IN ('held', 'captured')) WHERE stocked"
    )


def _fill_lots() -> None:
    """What expired of each lot the postings say; what refunds claimed of it, the refunded part of its purchase."""
    connection, lots = op.get_bind(), _table("lots", "cell", "participant", "number", "source", "expired", "refunded")
    postings = _table("postings", "cell", "participant", "kind")
    shares = sa.column("lots", sa.JSON)
    of = (lots.c.cell == sa.bindparam("c"), lots.c.participant == sa.bindparam("p"))
    expired = sa.select(postings.c.cell, postings.c.participant, shares).select_from(postings)
    for cell, participant, gone in connection.execute(expired.where(postings.c.kind == "expiry")).all():
        for number, points in gone:
            change = sa.update(lots).where(*of, lots.c.number == number).values(expired=lots.c.expired - points)
            connection.execute(change, {"c": cell, "p": participant})
    for participant, purchase, claimed in _refunds(connection):
        mine = sa.update(lots).where(lots.c.participant == participant, lots.c.source == purchase)
        connection.execute(mine.values(refunded=claimed))


def _refunds(connection: sa.Connection) -> list[tuple[str, str, int]]:
    """Of each purchase that was refunded: whose it was, its id, and the points that refunds claimed."""
    document = connection.execute(
        sa.text("SELECT document FROM programmes ORDER BY version DESC LIMIT 1").columns(document=sa.JSON)
    ).scalar()
    if document is None:
        return []
    unit = 10 ** minor_digits(document["programme"]["currency"])
    events = _table("events", "type", "id", "participant", "amount_minor", "points", "refunded_minor")
    refunded = sa.select(events).where(events.c.type == "purchase", events.c.refunded_minor > 0)
    claims = []
    for row in connection.execute(refunded).all():
        whole = row.amount_minor // unit
        if whole:
            kept = (row.amount_minor - row.refunded_minor) // unit * (row.points // whole)
            claims.append((row.participant, row.id, row.points - kept))
    return claims


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns))


def _guard_postings() -> None:
    """The database itself refuses to change or delete a posting."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER postings_refuse_{change.lower()} BEFORE {change} ON postings"
                f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
            )
        # INSERT OR REPLACE deletes without asking the triggers for deletions.
        op.execute(
            "CREATE TRIGGER postings_refuse_replace BEFORE INSERT ON postings WHEN EXISTS (SELECT 1 FROM postings AS p"
            " WHERE p.cell = NEW.cell AND p.participant = NEW.participant AND p.sequence = NEW.sequence)"
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
