"""Damages a device's store at random places and opens it: `python -m tests.client.damage [TIMES] [SEED]`."""

import random
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from mirabelle.client.api import Api
from mirabelle.client.repositories.offline_scans import OfflineScan, OfflineScans, Uses
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.redemptions import Redemptions, keep_redemption
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.store.opening import MISHAP
from mirabelle.contract import messages as m

KEY: Final = b"k" * 32
AFTER_SEALED: Final = 100  # bytes, of the columns that come after it
AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
ENTRIES, SCANS, REDEMPTIONS, REWARDS = 24, 12, 8, 60
How = Literal["flip", "cut"]


@dataclass(frozen=True)
class Kept:
    """What a store keeps that comes back from nowhere, and the vouchers, each under a name."""

    rows: frozenset[str]
    mishap: str | None


def made(path: Path, *, is_closed: bool) -> tuple[bytes, bytes]:
    """A store with something of everything in it, as bytes; one that was not closed has its last writes in its log."""
    store = Store(str(path), KEY)
    outbox = Outbox(store)
    with store.write() as connection:
        for number in range(REWARDS):
            reward = (number, f"reward-{number}", b"{}" * 700)
            connection.execute("INSERT INTO rewards_bodies (reference, id, body) VALUES (?, ?, ?)", reward)
    for number in range(ENTRIES):
        body = {"recipient": "friend@example.org", "points": 10, "rest": "b" * (number % 5 * 900)}
        outbox.add(f"entry-{number:020}", "transfer", "friend@example.org", msgspec.json.encode(body), AT)
    for number in range(SCANS):
        with store.write() as connection:
            OfflineScans.add(connection, _scan(number))
    with store.write() as connection:
        put_document(connection, "wallet", "w" * 3000)
        for number in range(REDEMPTIONS):
            keep_redemption(connection, _redemption(number))
    for number in range(0, ENTRIES, 6):  # some are settled: they leave holes
        with store.write() as connection:
            Outbox.settle(connection, f"entry-{number:020}")
    if is_closed:
        store.close()
    content = path.read_bytes(), b"" if is_closed else Path(f"{path}-wal").read_bytes()
    store.close()
    return content


def _scan(number: int) -> OfflineScan:
    return OfflineScan(
        key=f"scan-key-{number:020}", scan=f"s-{number}", voucher=bytes([number]) * 16, use=0, value_class=2,
        value_minor=500, frame="MV1:" + "A" * 310, nonce="", at=AT,
    )  # fmt: skip


def _redemption(number: int) -> m.Redemption:
    return m.Redemption(
        id=f"redemption-{number:020}", reward="teapot", title=m.Text(en="x" * 800), points=1, state="captured",
        details=m.Details(), created_at=AT, paid_by=[], voucher=None, available_after=0,
    )  # fmt: skip


def damaged(content: tuple[bytes, bytes], how: How, chance: random.Random) -> tuple[tuple[bytes, bytes], int]:
    """The same, spoiled at one place of either file; and where, of both laid end to end."""
    file, log = content
    at = chance.randrange(len(file) + len(log))
    in_log = at >= len(file)
    part, place = (log, at - len(file)) if in_log else (file, at)
    spoiled = part[:place]
    if how == "flip":
        spoiled += bytes([part[place] ^ 1 << chance.randrange(8)]) + part[place + 1 :]
    return ((file, spoiled) if in_log else (spoiled, log)), at


def opened(path: Path, content: tuple[bytes, bytes]) -> Kept:
    """What the app finds after its start, having read everything."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.write_bytes(content[0])
    if content[1]:
        Path(f"{path}-wal").write_bytes(content[1])
    store = Store()
    store.switch(str(path), KEY)
    store.read.execute("SELECT count(body), count(id) FROM rewards_bodies")
    no_network = cast(Api, None)
    scans = OfflineScans(store).unsent()
    assert all(Uses(store).at(scan.voucher, scan.use) for scan in scans)
    names = [
        *(entry.key for entry in Outbox(store).entries()),
        *(scan.key for scan in scans),
        *(redemption.id for redemption in Redemptions(store, no_network).list()),
    ]
    kept = Kept(frozenset(names), store.document(MISHAP, str))
    store.close()
    return kept


def names() -> list[str]:
    """Of what is in an undamaged store, in the order in which it was written."""
    return [
        *(f"entry-{number:020}" for number in range(ENTRIES) if number % 6),
        *(f"scan-key-{number:020}" for number in range(SCANS)),
        *(f"redemption-{number:020}" for number in range(REDEMPTIONS)),
    ]


def wholly_before(content: bytes, cut: int) -> set[str]:
    """The rows that end before a cut of an undamaged file; not those that go on on another page."""
    with sqlite3.connect(":memory:") as connection:
        connection.deserialize(content[:18] + b"\1\1" + content[20:])  # as of a file that has no log
        rows = connection.execute(
            "SELECT key, body FROM outbox UNION ALL SELECT key, frame FROM offline_scans"
            " UNION ALL SELECT id, body FROM redemptions"
        ).fetchall()
    connection.close()
    ends = {key: content.find(sealed) + len(sealed) + AFTER_SEALED for key, sealed in rows if sealed in content}
    return {key for key, end in ends.items() if end < cut}


def trial(path: Path, content: tuple[bytes, bytes], how: How, chance: random.Random) -> tuple[str, bool]:
    """Damage, open, and judge: what was wrong, or "", and whether the person is told of the damage."""
    spoiled, at = damaged(content, how, chance)
    kept = opened(path, spoiled)
    return judged(content, how, at, kept), kept.mishap is not None


def judged(content: tuple[bytes, bytes], how: How, at: int, kept: Kept) -> str:
    """What was wrong, or ""."""
    lost = [name for name in names() if name not in kept.rows]
    if how == "cut" and at >= len(content[0]):
        # What was written after the cut was never written, as far as anybody can tell; all before is there.
        return "" if lost == names()[len(names()) - len(lost) :] else f"cut in the log at {at}: lost {lost}"
    if lost and kept.mishap is None:
        return f"{how} at {at}: lost {lost} without a word"
    if how == "flip" and len(lost) > 1:
        return f"flip at {at}: lost {lost}"
    if how == "cut" and (whole := wholly_before(content[0], at) & set(lost)):
        return f"cut at {at}: lost {whole}, which were whole"
    return ""


def main(times: int, seed: int) -> int:
    """As many trials of each kind; how many went wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for is_closed in (True, False):
            content = made(Path(folder) / f"made-{is_closed}.sqlite", is_closed=is_closed)
            for how in ("flip", "cut"):
                chance, failed, told = random.Random(f"{seed} {how} {is_closed}"), 0, 0
                for _ in range(times):
                    found, is_told = trial(Path(folder) / "damaged.sqlite", content, cast(How, how), chance)
                    told += is_told
                    failed += bool(found)
                    if found:
                        print(found)
                print(
                    f"{how}, {'closed' if is_closed else 'with a log'}: {failed} of {times} wrong, {told} told",
                    flush=True,
                )
                wrong += failed
    return wrong


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(words + [200, 1][len(words) :])) > 0)
