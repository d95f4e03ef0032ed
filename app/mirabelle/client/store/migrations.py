"""The store's tables, brought up to date step by step; a step once released is never changed."""

import sqlite3
from typing import Final

_FIRST: Final = """
CREATE TABLE documents (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE rewards (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reference INTEGER NOT NULL,
    kind TEXT NOT NULL,
    category TEXT NOT NULL,
    points INTEGER NOT NULL,
    stock INTEGER,
    available_until TEXT,
    popularity INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX rewards_by_popularity ON rewards (popularity DESC, reference);
CREATE VIRTUAL TABLE rewards_text USING fts5 (words, tokenize = "unicode61 remove_diacritics 0", prefix = '1 2 3');
CREATE TABLE activity (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE redemptions (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, voucher TEXT, body BLOB NOT NULL);
CREATE TABLE scans (id TEXT PRIMARY KEY, at TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE drafts (reward TEXT PRIMARY KEY, key TEXT NOT NULL, details BLOB NOT NULL);
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('redemption', 'scan')),
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unknown', 'refused')),
    reason TEXT,
    created_at TEXT NOT NULL
);
CREATE TABLE dismissed (alert TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# The outbox takes transfers as well; what waits in it stays.
_TRANSFERS: Final = """
ALTER TABLE outbox RENAME TO outbox_before;
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('redemption', 'scan', 'transfer')),
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unknown', 'refused')),
    reason TEXT,
    created_at TEXT NOT NULL
);
INSERT INTO outbox SELECT * FROM outbox_before;
DROP TABLE outbox_before;
"""

# What a till accepts without network, and every use that it accepted at all: one use is accepted once.
_OFFLINE_SCANS: Final = """
CREATE TABLE offline_scans (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    scan TEXT NOT NULL UNIQUE,
    voucher BLOB NOT NULL,
    use INTEGER NOT NULL,
    value_class INTEGER NOT NULL,
    value_minor INTEGER,
    frame TEXT NOT NULL,
    nonce TEXT NOT NULL,
    at TEXT NOT NULL,
    undone INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unknown', 'refused', 'seen')),
    reason TEXT NOT NULL
);
CREATE TABLE uses (
    voucher BLOB NOT NULL,
    use INTEGER NOT NULL,
    scan TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    PRIMARY KEY (voucher, use)
) WITHOUT ROWID;
CREATE INDEX scans_by_time ON scans (at);
"""

# And gifts.
_GIFTS: Final = """
ALTER TABLE outbox RENAME TO outbox_before;
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('redemption', 'scan', 'transfer', 'gift')),
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unknown', 'refused')),
    reason TEXT,
    created_at TEXT NOT NULL
);
INSERT INTO outbox SELECT * FROM outbox_before;
DROP TABLE outbox_before;
"""

# When a scan was undone that had not been sent; and the typed codes that had no answer yet when it was accepted.
_TOLD_WITH_SCANS: Final = """
ALTER TABLE offline_scans ADD COLUMN undone_at TEXT;
ALTER TABLE offline_scans ADD COLUMN lost_keys TEXT NOT NULL DEFAULT '';
UPDATE offline_scans SET undone_at = at WHERE undone;
ALTER TABLE offline_scans DROP COLUMN undone;
"""

_STEPS: Final = (_FIRST, _TRANSFERS, _OFFLINE_SCANS, _GIFTS, _TOLD_WITH_SCANS)


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that this file has not seen, each wholly or not at all."""
    for number, step in enumerate(_STEPS, start=1):
        if connection.execute("PRAGMA user_version").fetchone()[0] < number:
            connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
