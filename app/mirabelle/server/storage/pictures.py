"""The tables of rewards' pictures. They are in the database because that is what several servers share, and what is
backed up."""

from sqlalchemy import Column, LargeBinary, String, Table

from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.metadata import metadata

# By the SHA-256, in hexadecimal, of the programme's file that each was made from.
pictures = Table(
    "pictures",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("name", String(32), nullable=False, index=True),
    Column("placeholder", String(8), nullable=False),
    Column("proof", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
)
# By the SHA-256, in hexadecimal, of what is in them.
picture_files = Table(
    "picture_files",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
