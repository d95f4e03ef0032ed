"""Vouchers of rewards that can be used several times: one for each use."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Number the vouchers that one redemption issued together: those that exist are the only ones of theirs."""
    for name in ("number", "out_of"):
        op.add_column("vouchers", sa.Column(name, sa.Integer(), nullable=False, server_default="1"))
