"""What was doubtful about scans that tills made without network, and what they told of that proves nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns and the table."""
    for table in ("uses", "conflicts"):
        op.add_column(table, sa.Column("doubt", sa.String(32), nullable=False, server_default=sa.text("''")))
    op.create_table(
        "bad_proofs",
        sa.Column("scan", sa.String(), nullable=False),
        sa.Column("till", sa.String(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scan", name=op.f("pk_bad_proofs")),
    )
    op.create_index(op.f("ix_bad_proofs_received_at"), "bad_proofs", ["received_at"])
