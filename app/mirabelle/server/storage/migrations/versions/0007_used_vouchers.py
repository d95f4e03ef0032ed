"""Vouchers of which a use is known, found by their lease: a use may be told of long after it happened."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the index that the trust bundle's uses are found by."""
    used = sa.text("(state = 'used' OR use > 1)")
    op.create_index("ix_vouchers_used", "vouchers", ["lease_start"], sqlite_where=used, postgresql_where=used)
