"""The tables of who may come in: codes, devices and sessions, and what was tried too often."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table

from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.metadata import metadata, participant_key

sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("id", String, primary_key=True),
    Column("email", String, nullable=False),
    Column("code", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("session", String),
    Column("asked_by", String(64)),
    Index(None, "email", "created_at"),
)

# What operators prepared for tills to become: the code, hashed, is good once.
enrolments = Table(
    "enrolments",
    metadata,
    Column("id", String, primary_key=True),
    Column("code", LargeBinary, nullable=False, unique=True),
    Column("store", BigInteger, nullable=False),
    Column("name", String, nullable=False),
    Column("staff", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("session", String),
)

# When somebody lately tried what may not be tried often.
attempts = Table(
    "attempts",
    metadata,
    Column("who", String, primary_key=True),
    Column("recent", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "at"),
)

devices = Table(
    "devices",
    metadata,
    *participant_key(),
    Column("device_key", String(64), primary_key=True),
    Column("epoch", Integer, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("role", String(12), nullable=False),
    Column("subject", String, nullable=False),
    Column("device_key", String(64), nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("refreshed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(None, "subject"),
)
