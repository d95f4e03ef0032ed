"""Which device asked for a code, as a keyed hash; and a person's sessions found without reading everybody's."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the column and the index."""
    op.add_column("sign_in_codes", sa.Column("asked_by", sa.String(64)))
    op.create_index(op.f("ix_sessions_subject"), "sessions", ["subject"])
