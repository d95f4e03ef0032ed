"""When participants deleted their accounts: their postings stay, under an id that is nobody's any more."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the column, and an index of the few who left."""
    op.add_column("participants", sa.Column("left_at", sa.BigInteger()))
    left = sa.text("left_at IS NOT NULL")
    op.create_index("ix_participants_left", "participants", ["participant"], sqlite_where=left, postgresql_where=left)
