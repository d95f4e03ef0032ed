"""The tables, the same on SQLite and PostgreSQL. Every row of a participant carries the cell first in its key."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from mirabelle.server.storage import access, pictures, reminders  # noqa: F401  # their tables are of the same metadata
from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.metadata import metadata, participant_key
from mirabelle.server.storage.scans import bad_proofs, conflicts, scans, uses  # noqa: F401  # known from here too

programmes = Table(
    "programmes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("loaded_at", Instant, nullable=False),
)

issuer_keys = Table(
    "issuer_keys",
    metadata,
    Column("key_id", String(8), primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Column("compromised_at", Instant),
)

# What tills were told last, as a hash of it: one row. Not in a backup, see services.trust.
trust = Table(
    "trust",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# The life of this database's catalog, by which devices know whether their cursors are of it: one row. Not in a backup,
# since a restored database counts its revisions from the past.
catalog = Table(
    "catalog",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("life", String(16), nullable=False),
)

stores = Table(
    "stores",
    metadata,
    Column("reference", BigInteger, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("store_group", BigInteger, nullable=False, default=0),
    Column("name", JSON, nullable=False),
)

rewards = Table(
    "rewards",
    metadata,
    Column("reference", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("points", BigInteger, nullable=False),
    Column("stocked", Boolean, nullable=False),
    Column("stock", BigInteger),
    Column("offered", BigInteger, nullable=False, default=0, server_default="0"),
    Column("overdrawn", BigInteger, nullable=False, default=0, server_default="0"),
    Column("withdrawn", Boolean, nullable=False, default=False),
    Column("available_from", Instant),
    Column("available_until", Instant),
    Column("document", JSON, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("popularity", Integer, nullable=False, default=0, server_default="0"),
    Column("since", BigInteger, nullable=False, default=0, server_default="0"),
    Column("changes", JSON),
    CheckConstraint("points >= 0", name="points"),
    Index(None, "revision"),
    Index("ix_rewards_popularity_reference", "popularity", "reference"),
)

stock = Table(
    "stock",
    metadata,
    Column("reward", String, primary_key=True),
    Column("cell", Integer, primary_key=True),
    Column("pieces", BigInteger, nullable=False),
    CheckConstraint("pieces >= 0", name="pieces"),
)

participants = Table(
    "participants",
    metadata,
    *participant_key(),
    Column("name", String, nullable=False, default=""),
    Column("email", String, unique=True),
    Column("language", String(2), nullable=False, default="en"),
    Column("joined_at", Instant, nullable=False),
    Column("epoch", Integer, nullable=False, default=0),
    Column("available", BigInteger, nullable=False, default=0),
    Column("held", BigInteger, nullable=False, default=0),
    Column("pending", BigInteger, nullable=False, default=0),
    Column("sequence", BigInteger, nullable=False, default=0),
    Column("digest", LargeBinary, nullable=False),
    Column("next_lot", BigInteger, nullable=False, default=1),
    Column("owed", BigInteger, nullable=False, default=0, server_default="0"),
    Column("active_at", Instant),
    Column("tier", String, nullable=False, default="", server_default=text("''")),
    Column("left_at", Instant),
    CheckConstraint("available >= 0 AND held >= 0 AND pending >= 0", name="balances"),
)

Index(
    "ix_participants_left",
    participants.c.participant,
    sqlite_where=participants.c.left_at.is_not(None),
    postgresql_where=participants.c.left_at.is_not(None),
)

lots = Table(
    "lots",
    metadata,
    *participant_key(),
    Column("number", BigInteger, primary_key=True),
    Column("earned_at", Instant, nullable=False),
    Column("available_at", Instant),
    Column("expires_at", Instant),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("arrived_at", Instant),
    Column("expired", BigInteger, nullable=False, default=0, server_default="0"),
    Column("refunded", BigInteger, nullable=False, default=0, server_default="0"),
    Column("owed", BigInteger, nullable=False, default=0, server_default="0"),
    Column("renew_days", Integer),
    Column("extensions", Integer, nullable=False, default=0, server_default="0"),
    Column("transferred", Boolean, nullable=False, default=False, server_default=false()),
    Column("given", BigInteger, nullable=False, default=0, server_default="0"),
    Column("returned", BigInteger, nullable=False, default=0, server_default="0"),
    Column("returned_at", Instant),
    Column("ended_at", Instant),
    Column("extended_at", Instant),
    CheckConstraint("remaining >= 0 AND remaining <= points", name="remaining"),
    ForeignKeyConstraint(["cell", "participant"], ["participants.cell", "participants.participant"]),
)
Index(
    "ix_lots_with_something_left",
    lots.c.cell,
    lots.c.participant,
    sqlite_where=lots.c.remaining > 0,
    postgresql_where=lots.c.remaining > 0,
)
# A refund looks for what its purchase earned.
Index(None, lots.c.cell, lots.c.participant, lots.c.source)

ACCOUNTS: Final = ("available", "held", "pending", "issued", "burned", "expired", "adjusted", "offline_loss")

postings = Table(
    "postings",
    metadata,
    *participant_key(),
    Column("sequence", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("source", String, nullable=False),
    Column("reward", String),
    *(Column(account, BigInteger, nullable=False) for account in ACCOUNTS),
    Column("lots", JSON, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint(" + ".join(ACCOUNTS) + " = 0", name="sum"),
    ForeignKeyConstraint(["cell", "participant"], ["participants.cell", "participants.participant"]),
)

redemptions = Table(
    "redemptions",
    metadata,
    *participant_key(),
    Column("id", String, primary_key=True),
    Column("reward", String, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("refusal", String(32)),
    Column("at", Instant, nullable=False),
    Column("details", JSON, nullable=False),
    Column("paid_by", JSON, nullable=False),
    Column("voucher", String(32)),
    Column("available_after", BigInteger, nullable=False),
    Column("returned", BigInteger, nullable=False, default=0, server_default="0"),
    Column("held_until", Instant),
    UniqueConstraint("id"),
    Index(None, "cell", "participant", "reward"),
)
Index(
    "ix_redemptions_held",
    redemptions.c.held_until,
    sqlite_where=redemptions.c.state == "held",
    postgresql_where=redemptions.c.state == "held",
)

closes = Table(
    "closes",
    metadata,
    Column("day", Date, primary_key=True),
    Column("closed_at", Instant, nullable=False),
    Column("participants", BigInteger, nullable=False),
    Column("arrived", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("tiers_changed", BigInteger, nullable=False),
)

vouchers = Table(
    "vouchers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("participant", String, nullable=False),
    Column("redemption", String, nullable=False),
    Column("reward", String, nullable=False),
    Column("code", String(14), nullable=False, unique=True),
    Column("store", BigInteger, nullable=False),
    Column("value_class", String(1), nullable=False),
    Column("holder_key", LargeBinary, nullable=False),
    Column("key_salt", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lease_start", Instant, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),
    Column("use", Integer, nullable=False),
    Column("epoch_at", Instant),
    Column("blocked_at", Instant),
    Column("blocked_why", String),
    Column("given_to", String),
    Column("given_at", Instant),
    Column("epoch_base", Integer, nullable=False, default=0, server_default="0"),
    Column("number", Integer, nullable=False, default=1, server_default="1"),
    Column("out_of", Integer, nullable=False, default=1, server_default="1"),
    Column("value_minor", BigInteger),
    Column("taken_minor", BigInteger, nullable=False, default=0, server_default="0"),
    Column("held_minor", BigInteger, nullable=False, default=0, server_default="0"),
    Index(None, "participant"),
)
Index(
    "ix_vouchers_given_to",
    vouchers.c.given_to,
    sqlite_where=vouchers.c.given_to.is_not(None),
    postgresql_where=vouchers.c.given_to.is_not(None),
)
# What tills without network must be told of, and nothing that a redemption writes.
DISTRUSTED: Final = text("(state IN ('cancelled', 'lapsed') OR blocked_at IS NOT NULL OR epoch_at IS NOT NULL)")
Index("ix_vouchers_distrusted", vouchers.c.lease_start, sqlite_where=DISTRUSTED, postgresql_where=DISTRUSTED)
# Those of which a use is known; one that was taken back is ready again under the next number.
USED: Final = text("(state = 'used' OR use > 1)")
Index("ix_vouchers_used", vouchers.c.lease_start, sqlite_where=USED, postgresql_where=USED)

# Those of whose money some till holds an amount.
Index(
    "ix_vouchers_held",
    vouchers.c.id,
    sqlite_where=vouchers.c.held_minor > 0,
    postgresql_where=vouchers.c.held_minor > 0,
)

# Append-only, as postings are; the sums are as they stand after the move.
balance_moves = Table(
    "balance_moves",
    metadata,
    Column("voucher", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("hold", String, nullable=False),
    Column("till", String, nullable=False),
    Column("store", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("taken_minor", BigInteger, nullable=False),
    Column("held_minor", BigInteger, nullable=False),
    Column("left_minor", BigInteger, nullable=False),
    Column("ends_at", Instant),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("taken_minor >= 0 AND held_minor >= 0 AND left_minor >= 0", name="sums"),
    Index(None, "hold"),
)

answers = Table(
    "answers",
    metadata,
    Column("actor", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
)

events = Table(
    "events",
    metadata,
    Column("type", String(16), primary_key=True),
    Column("id", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("participant", String),
    Column("store", String),
    Column("amount_minor", BigInteger),
    Column("points", BigInteger),
    Column("refunded_minor", BigInteger),
)

tills = Table(
    "tills",
    metadata,
    Column("id", String, primary_key=True),
    Column("store", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Column("staff", String, nullable=False),
    Column("email", String, unique=True),
    Column("revoked_at", Instant),
)
