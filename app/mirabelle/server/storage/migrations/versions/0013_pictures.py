"""Rewards' pictures, by what they were made from, and their files, by what is in them."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "pictures",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("placeholder", sa.String(8), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_pictures")),
    )
    op.create_index(op.f("ix_pictures_name"), "pictures", ["name"])
    op.create_table(
        "picture_files",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_picture_files")),
    )
