"""The tables of what tills took: uses of vouchers, what came too late to be one, and scans as they were judged."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text, text

from mirabelle.server.storage.instants import Instant
from mirabelle.server.storage.metadata import metadata

uses = Table(
    "uses",
    metadata,
    Column("voucher", String(32), primary_key=True),
    Column("use", Integer, primary_key=True),
    Column("scan", String, nullable=False),
    Column("till", String, nullable=False),
    Column("store", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("proof", Text, nullable=False, default="", server_default=text("''")),
    Column("undone_at", Instant),
    Column("doubt", String(32), nullable=False, default="", server_default=text("''")),
    Index(None, "scan"),
    Index(None, "at"),
)

# Scans that a till had accepted by the time that their use was another's.
conflicts = Table(
    "conflicts",
    metadata,
    Column("scan", String, primary_key=True),
    Column("voucher", String(32), nullable=False),
    Column("use", Integer, nullable=False),
    Column("till", String, nullable=False),
    Column("store", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("first_scan", String),
    Column("proof", Text, nullable=False),
    Column("doubt", String(32), nullable=False, default="", server_default=text("''")),
    Index(None, "voucher"),
    Index(None, "first_scan"),
    Index(None, "received_at"),
)

# What tills told of that proves no use of a voucher.
bad_proofs = Table(
    "bad_proofs",
    metadata,
    Column("scan", String, primary_key=True),
    Column("till", String, nullable=False),
    Column("store", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("proof", Text, nullable=False),
    Index(None, "received_at"),
)

scans = Table(
    "scans",
    metadata,
    Column("id", String, primary_key=True),
    Column("till", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("shown", Text, nullable=False),
    Column("verdict", String(32), nullable=False, default="", server_default=text("''")),
    Column("undone_at", Instant),
    Index(None, "till", "at"),
    Index(None, "at"),
)
