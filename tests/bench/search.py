"""What a keystroke of a search costs in the store, up to the rewards of the first page.

CATALOG=FILE adds a catalog of real products, as `tests.catalogs.products` reads it.
"""

import os
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from mirabelle.client.api import Api
from mirabelle.client.repositories.catalog import Catalog, CatalogQuery
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store.database import Store
from mirabelle.client.store.rewards import number_of, put_rewards, tidy_index
from mirabelle.client.store.search import words
from mirabelle.contract import messages as m
from tests.bench.figures import Waits
from tests.catalogs import generated, products

REWARDS: Final = 100_000
SEARCHES: Final = 500
P99_SECONDS: Final = 0.002
_PAGE: Final = 1000
_NOW: Final = datetime(2026, 7, 1, tzinfo=UTC)


def keystrokes() -> Iterator[Waits]:
    """Every keystroke of two-word searches, in each language."""
    yield from _on(list(generated(REWARDS)), "made up", ("en", "fr", "ar"))
    if path := os.environ.get("CATALOG"):
        yield from _on(list(products(Path(path))), "of products", ("en",))


def _on(rewards: list[m.Reward], name: str, languages: Iterable[str]) -> Iterator[Waits]:
    with tempfile.TemporaryDirectory() as folder:
        catalog = filled(Path(folder) / "store.sqlite", rewards)
        for language in languages:
            waits, busy = _typed(catalog, searches(rewards, language))
            title = f"a keystroke in {language} to rewards, {len(rewards)} {name}"
            yield Waits(title, waits, busy, P99_SECONDS)


def filled(path: Path, rewards: list[m.Reward]) -> Catalog:
    """A catalog that has `rewards` and no network."""
    store, no_network = Store(str(path)), cast(Api, None)
    catalog = Catalog(store, no_network, Programme(store, no_network, lambda: "en"), lambda: _NOW)
    assert catalog.total() == 0
    rewards.sort(key=number_of)
    for at in range(0, len(rewards), _PAGE):
        with store.write() as connection:
            put_rewards(connection, rewards[at : at + _PAGE])
    with store.write() as connection:
        tidy_index(connection)
    return catalog


def searches(rewards: list[m.Reward], language: str) -> list[str]:
    """Two words each, of one reward, as somebody would type who looks for it."""
    chance = random.Random(5)
    found: list[str] = []
    while len(found) < SEARCHES:
        said = list(words(chance.choice(rewards).title.in_language(language)))
        if len(said) > 1:
            found.append(" ".join(chance.sample(said, 2)))
    return found


def _typed(catalog: Catalog, texts: Iterable[str]) -> tuple[list[float], list[float]]:
    waits, busy = [], []
    for text in texts:
        for length in range(1, len(text) + 1):
            began, worked = time.perf_counter(), time.thread_time()
            found: list[Any] = catalog.search(CatalogQuery(text=text[:length]))
            busy.append(time.thread_time() - worked)
            waits.append(time.perf_counter() - began)
            assert found, text[:length]
    return waits, busy
