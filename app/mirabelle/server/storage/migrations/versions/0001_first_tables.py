"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "answers",
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_at"), "answers", ["at"], unique=False)
    op.create_table(
        "devices",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("device_key", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("cell", "participant", "device_key", name=op.f("pk_devices")),
    )
    op.create_table(
        "events",
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("participant", sa.String(), nullable=True),
        sa.Column("store", sa.String(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("type", "id", name=op.f("pk_events")),
    )
    op.create_table(
        "issuer_keys",
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_issuer_keys")),
    )
    op.create_table(
        "participants",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("next_lot", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("available >= 0 AND held >= 0 AND pending >= 0", name=op.f("ck_participants_balances")),
        sa.PrimaryKeyConstraint("cell", "participant", name=op.f("pk_participants")),
        sa.UniqueConstraint("email", name=op.f("uq_participants_email")),
    )
    op.create_table(
        "programmes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programmes")),
    )
    op.create_table(
        "redemptions",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reward", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("refusal", sa.String(length=32), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("paid_by", sa.JSON(), nullable=False),
        sa.Column("voucher", sa.String(length=32), nullable=True),
        sa.Column("available_after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cell", "participant", "id", name=op.f("pk_redemptions")),
        sa.UniqueConstraint("id", name=op.f("uq_redemptions_id")),
    )
    op.create_index(
        op.f("ix_redemptions_cell_participant_reward"), "redemptions", ["cell", "participant", "reward"], unique=False
    )
    op.create_table(
        "rewards",
        sa.Column("reference", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("stocked", sa.Boolean(), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("available_until", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_rewards_points")),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_rewards")),
        sa.UniqueConstraint("id", name=op.f("uq_rewards_id")),
    )
    op.create_index(op.f("ix_rewards_revision"), "rewards", ["revision"], unique=False)
    op.create_table(
        "scans",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("till", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
    )
    op.create_index(op.f("ix_scans_till_at"), "scans", ["till", "at"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("device_key", sa.String(length=64), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_table(
        "sign_in_codes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("session", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_codes")),
    )
    op.create_index(op.f("ix_sign_in_codes_email_created_at"), "sign_in_codes", ["email", "created_at"], unique=False)
    op.create_table(
        "stock",
        sa.Column("reward", sa.String(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pieces >= 0", name=op.f("ck_stock_pieces")),
        sa.PrimaryKeyConstraint("reward", "cell", name=op.f("pk_stock")),
    )
    op.create_table(
        "stores",
        sa.Column("reference", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("store_group", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_stores")),
        sa.UniqueConstraint("id", name=op.f("uq_stores_id")),
    )
    op.create_table(
        "tills",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("staff", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tills")),
        sa.UniqueConstraint("email", name=op.f("uq_tills_email")),
    )
    op.create_table(
        "uses",
        sa.Column("voucher", sa.String(length=32), nullable=False),
        sa.Column("use", sa.Integer(), nullable=False),
        sa.Column("scan", sa.String(), nullable=False),
        sa.Column("till", sa.String(), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("voucher", "use", name=op.f("pk_uses")),
    )
    op.create_table(
        "vouchers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("redemption", sa.String(), nullable=False),
        sa.Column("reward", sa.String(), nullable=False),
        sa.Column("code", sa.String(length=14), nullable=False),
        sa.Column("store", sa.BigInteger(), nullable=False),
        sa.Column("value_class", sa.String(length=1), nullable=False),
        sa.Column("holder_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_salt", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("lease_start", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("use", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vouchers")),
        sa.UniqueConstraint("code", name=op.f("uq_vouchers_code")),
    )
    op.create_index(op.f("ix_vouchers_participant"), "vouchers", ["participant"], unique=False)
    op.create_table(
        "lots",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("earned_at", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("remaining >= 0 AND remaining <= points", name=op.f("ck_lots_remaining")),
        sa.ForeignKeyConstraint(
            ["cell", "participant"],
            ["participants.cell", "participants.participant"],
            name=op.f("fk_lots_cell_participant"),
        ),
        sa.PrimaryKeyConstraint("cell", "participant", "number", name=op.f("pk_lots")),
    )
    op.create_index(
        "ix_lots_with_something_left",
        "lots",
        ["cell", "participant"],
        unique=False,
        sqlite_where=sa.text("remaining > 0"),
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "postings",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("participant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reward", sa.String(), nullable=True),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("burned", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("adjusted", sa.BigInteger(), nullable=False),
        sa.Column("offline_loss", sa.BigInteger(), nullable=False),
        sa.Column("lots", sa.JSON(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "available + held + pending + issued + burned + expired + adjusted + offline_loss = 0",
            name=op.f("ck_postings_sum"),
        ),
        sa.ForeignKeyConstraint(
            ["cell", "participant"],
            ["participants.cell", "participants.participant"],
            name=op.f("fk_postings_cell_participant"),
        ),
        sa.PrimaryKeyConstraint("cell", "participant", "sequence", name=op.f("pk_postings")),
    )
