"""Vouchers that were given to another participant."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns, and the index by which the recipient finds what was given."""
    op.add_column("vouchers", sa.Column("given_to", sa.String()))
    op.add_column("vouchers", sa.Column("given_at", sa.BigInteger()))
    op.add_column("vouchers", sa.Column("epoch_base", sa.Integer(), nullable=False, server_default="0"))
    given = sa.text("given_to IS NOT NULL")
    op.create_index("ix_vouchers_given_to", "vouchers", ["given_to"], sqlite_where=given, postgresql_where=given)
