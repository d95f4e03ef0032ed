"""What a till's whole decision costs: without network, from text to green on the disk; with it, to the answer."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.client.api import Api
from mirabelle.client.device.forward_clock import open_clock
from mirabelle.client.repositories.offline_scans import OfflineScans, Uses
from mirabelle.client.repositories.till import Till
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.repositories.trust import Trust
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.use_cases.judge_offline import JudgeOffline
from mirabelle.contract import trust as tr
from mirabelle.contract.fields import Text
from mirabelle.contract.till_messages import Scan
from mirabelle.contract.till_messages import Till as TillMessage
from mirabelle.rules.trust import bundle_message, programme_id
from tests.backend import Backend
from tests.bench.figures import Waits
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.rules.faults import ISSUER_KEY, NOW, STORE, Draft

WARM_UP, ROUNDS = 20, 200
ONLINE_P99_SECONDS: Final = 0.010
_PROGRAMME: Final = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
_AT: Final = datetime.fromtimestamp(NOW, UTC)


class OfflineTill:
    """A till that heard from its programme once; its store is on the disk, and its clock stands still."""

    def __init__(self, path: Path) -> None:
        self.store = Store(str(path))
        no_network = cast(Api, None)
        time = TillTime(self.store, lambda: _AT, open_clock())
        trust, till = Trust(self.store, no_network, time), Till(self.store, no_network)
        self.judge = JudgeOffline(self.store, till, trust, time, OfflineScans(self.store), Uses(self.store))
        with self.store.write() as connection:
            put_document(connection, "till", _till())
            put_document(connection, "trust", {"signed": _bundle(), "synced_at": NOW})
            time.told(connection, NOW)

    def accept(self, text: str, key: str) -> None:
        """From a scanned text to green."""
        scan = self.judge(text, key)
        assert isinstance(scan, Scan) and scan.verdict == "accepted", scan

    def empty(self) -> None:
        """Forget every scan."""
        with self.store.write() as connection:
            for table in ("offline_scans", "uses", "scans"):
                connection.execute(f"DELETE FROM {table}")


def _till() -> TillMessage:
    name = Text(en="Store")
    return TillMessage(
        id="till", name="Till", staff="", store="store", store_reference=STORE, store_name=name, server_time=_AT
    )


def _bundle() -> tr.SignedTrust:
    key, lease = _PROGRAMME.public_key().public_bytes_raw(), Draft().lease
    bundle = tr.TrustBundle(
        version=1,
        issued_at=_AT,
        expires_at=_AT + timedelta(days=14),
        programme=programme_id(key),
        store=STORE,
        groups=[],
        store_names={},
        keys=[tr.BundleKey(key_id=lease.key_id.hex(), public_key=ISSUER_KEY.hex(), state="current")],
        revoked=[f"{number:032x}" for number in range(1000)],  # a busy three days
        epochs={},
        blocked=[],
        used=[(f"{number:032x}", 1) for number in range(5000)],
        caps={"A": tr.BundleCap(count=10**6, value_minor=None)},
        hours_since_sync=24,
        undo_minutes=5,
        rewards={str(lease.reward): tr.BundleReward(id="cup", title=Text(en="Cup"), value_minor=300)},
    )
    raw = msgspec.json.encode(bundle)
    signature = _PROGRAMME.sign(bundle_message(raw)).hex()
    return tr.SignedTrust(bundle=raw.decode(), signature=signature, programme_key=key.hex())


def online() -> Iterator[Waits]:
    """A frame judged by a server on this machine: what staff wait for with network, on loopback."""
    with tempfile.TemporaryDirectory() as folder, Backend(Path(folder) / "server") as backend:
        yield asyncio.run(_online(backend, Path(folder)))


async def _online(backend: Backend, folder: Path) -> Waits:
    waits: list[float] = []
    busy: list[float] = []
    person: Any = None
    async with TillDevice(folder).on(backend.url) as app:
        await till_in_sync(app)
        for number in range(WARM_UP + ROUNDS):
            if number % 40 == 0:
                person = backend.participant()
            frame = Customer(backend, person, "croissant", 110).frame()
            began, worked = time.perf_counter(), time.thread_time()
            scan = await judged(app, frame)
            busy.append(time.thread_time() - worked)
            waits.append(time.perf_counter() - began)
            assert scan.verdict == "accepted" and not scan.offline, scan
    return Waits("a frame, judged by a server on loopback", waits[WARM_UP:], busy[WARM_UP:], ONLINE_P99_SECONDS)
