"""When issuer keys were retired or compromised, and what tills without network are told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns, the one row's table and the indexes that the trust bundle is made from."""
    op.add_column("issuer_keys", sa.Column("retired_at", sa.BigInteger()))
    op.add_column("issuer_keys", sa.Column("compromised_at", sa.BigInteger()))
    op.add_column("vouchers", sa.Column("epoch_at", sa.BigInteger()))
    op.add_column("vouchers", sa.Column("blocked_at", sa.BigInteger()))
    op.add_column("vouchers", sa.Column("blocked_why", sa.String()))
    distrusted = sa.text("state IN ('cancelled', 'lapsed') OR blocked_at IS NOT NULL OR epoch_at IS NOT NULL")
    op.create_index(
        "ix_vouchers_distrusted", "vouchers", ["lease_start"], sqlite_where=distrusted, postgresql_where=distrusted
    )
    op.create_index(op.f("ix_uses_at"), "uses", ["at"])
    op.create_table(
        "trust",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trust")),
    )
