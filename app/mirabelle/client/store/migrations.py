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

# What is personal is sealed; the rest is looked up by, or tells only of the programme. `seal` proves the key, and that
# the tables are as they should be.
_SEALED: Final = """
CREATE TABLE seal (one INTEGER PRIMARY KEY CHECK (one = 1), proof BLOB NOT NULL);
INSERT INTO documents (name, body)
    SELECT 'till name', json_object('id', json_extract(body, '$.id'), 'name', json_extract(body, '$.name'))
    FROM (SELECT CAST(body AS TEXT) AS body FROM documents WHERE name = 'till');
UPDATE documents SET body = sealed('documents', name, body)
    WHERE name NOT IN ('programme', 'catalog cursor', 'till name');
UPDATE activity SET body = sealed('activity', sequence, body);
UPDATE redemptions SET body = sealed('redemptions', id, body);
UPDATE scans SET body = sealed('scans', id, body);
UPDATE drafts SET reward = hidden('drafts', reward);
UPDATE drafts SET details = sealed('drafts', reward, details);
UPDATE outbox SET subject = sealed('outbox subject', key, subject), body = sealed('outbox', key, body);
UPDATE offline_scans
    SET frame = sealed('offline_scans frame', key, frame), nonce = sealed('offline_scans nonce', key, nonce);
"""

# Rewards in the order of their popularity, what changes often apart; their words are indexed when they are first read.
_REWARDS: Final = """
DROP TABLE rewards_text;
ALTER TABLE rewards RENAME TO rewards_before;
CREATE TABLE rewards (
    number INTEGER PRIMARY KEY,
    reference INTEGER NOT NULL UNIQUE,
    points INTEGER NOT NULL,
    available_until TEXT,
    load INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX rewards_by_points ON rewards (points);
CREATE INDEX rewards_by_points_down ON rewards (points DESC);
CREATE TABLE rewards_bodies (reference INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE rewards_stock (reference INTEGER PRIMARY KEY, pieces INTEGER NOT NULL);
CREATE TABLE rewards_facets (
    number INTEGER PRIMARY KEY,
    facet TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    UNIQUE (facet, name)
);
CREATE TABLE rewards_words (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE rewards_names (word TEXT NOT NULL, facet INTEGER NOT NULL, PRIMARY KEY (word, facet)) WITHOUT ROWID;
CREATE VIRTUAL TABLE rewards_text USING fts5 (
    words, content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 0", prefix = '1 2 3'
);
INSERT INTO rewards_bodies SELECT reference, id, body FROM rewards_before;
INSERT INTO rewards SELECT ((1048575 - max(0, min(popularity, 1048575))) << 32) | reference, reference, points,
    available_until, 0 FROM rewards_before WHERE available_until IS NOT '';
INSERT INTO rewards_stock SELECT reference, stock FROM rewards_before WHERE stock IS NOT NULL
    AND available_until IS NOT '';
DROP TABLE rewards_before;
DELETE FROM documents WHERE name = 'catalog cursor';
"""

# And amounts that a till takes.
_AMOUNTS: Final = """
ALTER TABLE outbox RENAME TO outbox_before;
CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('redemption', 'scan', 'transfer', 'gift', 'amount')),
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'unknown', 'refused')),
    reason TEXT,
    created_at TEXT NOT NULL
);
INSERT INTO outbox SELECT * FROM outbox_before;
DROP TABLE outbox_before;
"""

# What a first load of everything took longest for: merging its index again and again while it grew, where each word
# stands in it, which nobody asks, and a second index of prices. Its words are indexed anew when they are first read.
_LOADED_SOONER: Final = """
DROP INDEX rewards_by_points_down;
DROP TABLE rewards_text;
CREATE VIRTUAL TABLE rewards_text USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii', prefix = '1 2 3'
);
INSERT INTO rewards_text (rewards_text, rank) VALUES ('automerge', 0);
INSERT INTO rewards_text (rewards_text, rank) VALUES ('hashsize', 8388608);
DELETE FROM documents WHERE name = 'catalog index';
"""

# Prices downwards again: most prices are shared by many rewards, which would all be sorted for each page.
_DEAREST_FIRST: Final = """
CREATE INDEX rewards_by_points_down ON rewards (points DESC);
"""

# In which order requests were written down, whatever the clock said; and how many senders have taken one up of whom it
# is not proved that they did not send it: several windows and processes may send one at once.
_SENDERS: Final = """
ALTER TABLE outbox ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN unproved INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET number = rowid;
"""

# And so with the scans of a till.
_UPLOADERS: Final = """
ALTER TABLE offline_scans ADD COLUMN unproved INTEGER NOT NULL DEFAULT 0;
"""

# A first load makes its indexes of prices when all has come, so that what is proved leaves them out: it is proved anew.
_PROVED_WITHOUT_PRICES: Final = "SELECT 1"

# Since when a request that may have been sent was: how old it is decides whether its key is still known.
_ASKED_SINCE: Final = """
ALTER TABLE outbox ADD COLUMN asked_since TEXT;
"""

_STEPS: Final = (
    _FIRST,
    _TRANSFERS,
    _OFFLINE_SCANS,
    _GIFTS,
    _TOLD_WITH_SCANS,
    _SEALED,
    _REWARDS,
    _AMOUNTS,
    _LOADED_SOONER,
    _DEAREST_FIRST,
    _SENDERS,
    _UPLOADERS,
    _PROVED_WITHOUT_PRICES,
    _ASKED_SINCE,
)
VERSION: Final = len(_STEPS)
FIRST_SEALED: Final = _STEPS.index(_SEALED) + 1

_LASTING: Final = "SELECT sql FROM sqlite_schema WHERE (type, tbl_name) <> ('index', 'rewards') ORDER BY sql"
_SCHEMA: Final = f"(SELECT group_concat(sql, ';') FROM ({_LASTING}))"
_PROVE: Final = f"INSERT OR REPLACE INTO seal (one, proof) VALUES (1, sealed('seal', 1, {_SCHEMA}))"
IS_PROVED: Final = f"SELECT CAST(opened('seal', 1, proof) AS TEXT) = {_SCHEMA} FROM seal"


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps this file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Run the steps that this file has not seen, all or none."""
    if version_of(connection) >= VERSION:
        return
    if 0 < version_of(connection) < FIRST_SEALED:
        connection.execute("VACUUM")  # pages that are free still hold, readable, what was once in them
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in _STEPS[version_of(connection) :]:  # counted again: another window may have run them meanwhile
            for statement in step.split(";\n"):
                connection.execute(statement)
        connection.execute(_PROVE)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
