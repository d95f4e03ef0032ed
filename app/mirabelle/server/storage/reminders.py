"""The tables of reminders: what participants chose, and what they were reminded of."""

from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table

from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.metadata import metadata, participant_key

reminders = Table(
    "reminders",
    metadata,
    *participant_key(),
    Column("days", JSON, nullable=False),
    Column("every_days", Integer, nullable=False),
    Column("quiet_from", Integer, nullable=False),
    Column("quiet_to", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
)
told_reminders = Table(
    "told_reminders",
    metadata,
    *participant_key(),
    Column("id", String, primary_key=True),
    Column("claim", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)
