"""What sealing costs: reading the wallet, and opening a store's file, beside the same with nothing sealed."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from mirabelle.client.api import Api
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import messages as m
from tests.bench.figures import Figure

ROUNDS: Final = 40
READS: Final = 50
OPENINGS: Final = 5
LOTS: Final = 40
READ_RATIO: Final = 1.3
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def sealed() -> list[Figure]:
    """The processor's time of each, in turn; sealed and not."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = (_store(Path(folder) / f"{name}.sqlite", key) for name, key in (("a", b"k" * 32), ("b", None)))
        reads = [
            _busy(lambda store=store: _wallet(store).current(), READS) for _ in range(ROUNDS) for store in (ours, bare)
        ]
        for store in (ours, bare):
            store.close()
        opening = [
            _busy(lambda path=store.path, key=key: Store(path, key).close(), OPENINGS)
            for _ in range(ROUNDS)
            for store, key in ((ours, b"k" * 32), (bare, None))
        ]
    read = "read the wallet", "with nothing sealed"
    return [
        Figure(*read, reads[::2], reads[1::2], READS, READ_RATIO),
        Figure("open a store's file", "with nothing sealed", opening[::2], opening[1::2], OPENINGS),
    ]


def _busy(work: Callable[[], object], times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        work()
    return time.process_time() - began


def _wallet(store: Store) -> Wallet:
    return Wallet(store, cast(Api, None), lambda: _NOW, lambda: UTC)


def _store(path: Path, key: bytes | None) -> Store:
    store = Store(str(path), key)
    lots = [
        m.Lot(
            number=number, earned_at=_NOW, available_at=None, expires_at=_NOW + timedelta(days=30 + number), points=100,
            remaining=100, source=f"purchase-{number}",
        )
        for number in range(LOTS)
    ]  # fmt: skip
    wallet = m.Wallet(
        participant="p", name="Amina", email="amina@example.org", available=100 * LOTS, held=0, pending=0, lots=lots,
        standing=m.TierStanding(tier=None, points_in_period=0, next_tier=None, points_to_next=0), as_of=_NOW,
    )  # fmt: skip
    with store.write() as connection:
        put_document(connection, "wallet", wallet)
    return store
