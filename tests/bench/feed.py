"""What the catalog costs on its way: the first load of all of it, and the pieces that changed."""

import asyncio
import base64
import gzip
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.client.api import Api, Changed
from mirabelle.client.repositories.catalog import Catalog, CatalogQuery
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store.database import Store
from mirabelle.contract import catalog as cm
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import columns_of
from mirabelle.rules.catalog_trust import manifest_message
from mirabelle.rules.trust import programme_id
from mirabelle.server.routes.packing import packed_for
from tests.bench.search import REWARDS
from tests.catalogs import generated

_PAGE: Final = limits.CATALOG_LOAD_ROWS
_STOCKS: Final = 1000
_ALL: Final = range(1, REWARDS)
_AT: Final = datetime(2026, 7, 1, tzinfo=UTC)
_KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
LOAD_SECONDS, LOAD_BYTES, FIRST_SECONDS = 3.0, 7_000_000, 0.4
STOCK_SECONDS, STOCK_BYTES, STOCK_ROUNDS = 0.010, 4000, 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the device or of its processor, or bytes on the wire, and the most that they may be, if any."""

    name: str
    value: float
    wanted: float | None
    unit: str

    def told(self) -> str:
        """Both figures."""
        wanted = "" if self.wanted is None else f" (wanted: <= {self.wanted:,.4g})"
        return f"{self.value:12,.4g} {self.unit}   {self.name}{wanted}"


class _Pages:
    """What a server would answer, one page after another: packed, and unpacked by whoever asks."""

    def __init__(self, pages: list[tuple[str, bytes]]) -> None:
        self._pages, self.bytes = pages, sum(len(packed) for _, packed in pages)

    async def changed(self, _endpoint: Any, _query: Any, _known: str) -> Changed[cm.SignedCatalog]:
        etag, packed = self._pages.pop(0)
        return Changed(msgspec.json.decode(gzip.decompress(packed), type=cm.SignedCatalog), etag)


def _page(after: str, cursor: str, parts: dict[cm.Part, Any], *, more: bool, total: int = 0) -> tuple[str, bytes]:
    key = _KEY.public_key().public_bytes_raw()
    texts = {name: msgspec.json.encode(part).decode() for name, part in parts.items()}
    manifest = cm.CatalogManifest(
        programme=programme_id(key), after=after, cursor=cursor, more=more, version=1, issued_at=_AT,
        expires_at=_AT + timedelta(days=1), parts=cm.hashes_of(texts), loading=more, total=total,
    )  # fmt: skip
    raw = msgspec.json.encode(manifest)
    signed = cm.SignedCatalog(
        manifest=raw.decode(), signature=_KEY.sign(manifest_message(raw)).hex(), programme_key=key.hex(), parts=texts
    )
    return "", packed_for("gzip", msgspec.json.encode(signed))[0]


def on_the_way() -> Iterator[Cost]:
    """A first load of 100,000 rewards in three languages, each with a picture of its own, packed as phones ask for it;
    then a thousand changed stocks at a time."""
    rewards, names = list(_pictured()), [f"a.{number}" for number in range(REWARDS // _PAGE)]
    pages = _Pages(
        [
            _page(
                before, name, {"columns": columns_of(rewards[at : at + _PAGE])}, more=at + _PAGE < REWARDS,
                total=REWARDS,
            )
            for before, name, at in zip(["", *names], names, range(0, REWARDS, _PAGE), strict=False)
        ]
    )  # fmt: skip
    chance = random.Random(3)
    stocks = _Pages(
        [
            _page(
                names[-1] if not round_ else f"b.{round_ - 1}", f"b.{round_}",
                {"stock": cm.steps_of({one: chance.randrange(90) for one in chance.sample(_ALL, _STOCKS)})},
                more=False,
            )
            for round_ in range(STOCK_ROUNDS)
        ]
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        store = Store(str(Path(folder) / "store.sqlite"))
        yield from _loaded(store, pages)
        yield from _changed(store, stocks)
        store.close()


def _pictured() -> Iterator[m.Reward]:
    """No two pictures are alike, and nothing packs their names and what stands there before."""
    chance = random.Random(5)
    for one in generated(REWARDS):
        name, hint = chance.randbytes(16).hex(), base64.urlsafe_b64encode(chance.randbytes(6)).decode()
        yield msgspec.structs.replace(one, picture=name, placeholder=hint)


def _catalog(store: Store, pages: _Pages) -> Catalog:
    api = cast(Api, pages)
    return Catalog(store, api, Programme(store, api, lambda: "en"), lambda: _AT)


def _loaded(store: Store, pages: _Pages) -> Iterator[Cost]:
    catalog, carried, first = _catalog(store, pages), pages.bytes, list[float]()

    def tell() -> None:
        if not first:
            assert len(catalog.search(CatalogQuery())) == 60
            first.append(time.process_time())

    store.subscribe(("catalog",), tell)
    began, begun, at = time.process_time(), time.thread_time(), time.perf_counter()
    asyncio.run(catalog.refresh())
    busy = time.process_time() - began
    yield Cost(f"first load of {REWARDS} rewards", time.perf_counter() - at, LOAD_SECONDS, "s")
    yield Cost("it kept two threads and the screens' own busy for", busy, None, "s of processor")
    yield Cost("of that the screens' own", time.thread_time() - begun, None, "s of processor")
    yield Cost("its first screen of rewards", first[0] - began, FIRST_SECONDS, "s of processor")
    yield Cost("its size, packed", carried, LOAD_BYTES, "bytes")


def _changed(store: Store, pages: _Pages) -> Iterator[Cost]:
    catalog, carried, busy = _catalog(store, pages), pages.bytes, list[float]()
    catalog.total()

    async def apply() -> None:
        for _ in range(STOCK_ROUNDS):
            began = time.process_time()
            await catalog.refresh()
            busy.append(time.process_time() - began)

    asyncio.run(apply())
    yield Cost(f"{_STOCKS} changed stocks, applied", sorted(busy)[STOCK_ROUNDS // 2], STOCK_SECONDS, "s of processor")
    yield Cost(f"{_STOCKS} changed stocks, packed", carried / STOCK_ROUNDS, STOCK_BYTES, "bytes")
