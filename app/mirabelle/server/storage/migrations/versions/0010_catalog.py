"""Which fields of a reward changed when, so that devices are told only those, and the most popular first."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_POPULARITY = {"sqlite": "json_extract(document, '$.popularity')", "postgresql": "(document ->> 'popularity')::integer"}


def upgrade() -> None:
    """Add the columns and the table, and note how popular the rewards are."""
    op.add_column("rewards", sa.Column("popularity", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("rewards", sa.Column("since", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("rewards", sa.Column("changes", sa.JSON()))
    popularity = _POPULARITY[op.get_bind().dialect.name]
    op.execute(f"UPDATE rewards SET popularity = coalesce({popularity}, 0)")
    op.create_index(op.f("ix_rewards_popularity_reference"), "rewards", ["popularity", "reference"])
    op.create_table(
        "catalog",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("life", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog")),
    )
