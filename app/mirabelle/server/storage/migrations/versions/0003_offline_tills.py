"""Tills that work without network: what proves a use, conflicts, enrolments, and what was tried too often."""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add columns and tables; the verdict of each scan is read from the answer that was kept."""
    empty = sa.text("''")
    op.add_column("uses", sa.Column("proof", sa.Text(), nullable=False, server_default=empty))
    op.add_column("uses", sa.Column("undone_at", sa.BigInteger()))
    op.create_index(op.f("ix_uses_scan"), "uses", ["scan"])
    op.add_column("scans", sa.Column("verdict", sa.String(32), nullable=False, server_default=empty))
    op.add_column("scans", sa.Column("undone_at", sa.BigInteger()))
    op.create_index(op.f("ix_scans_at"), "scans", ["at"])
    op.add_column("tills", sa.Column("revoked_at", sa.BigInteger()))
    _fill_verdicts()
    _add_conflicts()
    _add_enrolments()


def _fill_verdicts() -> None:
    connection = op.get_bind()
    scans = sa.table("scans", sa.column("id"), sa.column("answer", sa.LargeBinary), sa.column("verdict"))
    change = sa.update(scans).where(scans.c.id == sa.bindparam("scan")).values(verdict=sa.bindparam("said"))
    for scan, answer in connection.execute(sa.select(scans.c.id, scans.c.answer)).all():
        connection.execute(change, {"scan": scan, "said": msgspec.json.decode(answer)["verdict"]})


def _add_conflicts() -> None:
    op.create_table(
        "conflicts",
        sa.Column("scan", sa.String(), nullable=False),
        sa.Column("voucher", sa.String(32), nullable=False),
        sa.Column("use", sa.Integer(), nullable=False),
        sa.Column("till", sa.String(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("first_scan", sa.String()),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scan", name=op.f("pk_conflicts")),
    )
    for column in ("voucher", "first_scan", "received_at"):
        op.create_index(op.f(f"ix_conflicts_{column}"), "conflicts", [column])


def _add_enrolments() -> None:
    op.create_table(
        "enrolments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("session", sa.String()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("code", name=op.f("uq_enrolments_code")),
    )
    op.create_table(
        "attempts",
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("recent", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_at"), "attempts", ["at"])
