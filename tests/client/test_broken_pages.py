"""Pages of the catalog that are signed, and cannot be read or written: what is held stays, and all else goes on."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mirabelle.client.store.opening import MEMORY
from mirabelle.contract.catalog_columns import columns_of
from tests.client.test_first_load import REWARDS, ROWS, Phone, signed


def columns(**spoiled: Any) -> dict[str, Any]:
    """A first page, with something wrong with it."""
    return {"columns": msgspec.to_builtins(columns_of(REWARDS[:ROWS])) | spoiled}


BROKEN: dict[str, dict[str, Any]] = {
    "a column that is too short": columns(points=[1, 2]),
    "a column that is missing": columns(kind=[]),
    "texts of two languages": columns(title=["a", "b"]),
    "a reference too large for the store": columns(steps=[2**63] + [1] * (ROWS - 1)),
    "a reference twice": columns(steps=[1, 0] + [1] * (ROWS - 2)),
    "half a picture": columns(picture="AAAA"),
    "a change of nobody knows what": {"changed": [{"points": 5}]},
    "a change to a price that is none": {"changed": [{"reference": 1, "points": "five"}]},
    "a change to a title that is none": {"changed": [{"reference": 1, "title": 5}]},
    "more steps than pieces": {"stock": {"steps": [1, 1], "pieces": [3]}},
    "pieces beyond counting": {"stock": {"steps": [1], "pieces": [2**64]}},
    "something else": {"removed": "all"},
}


@pytest.mark.parametrize("parts", BROKEN.values(), ids=BROKEN)
async def test_a_page_that_is_broken_is_a_broken_answer_and_comes_again_with_the_next_sync(
    tmp_path: Path, parts: dict[str, Any]
) -> None:
    phone = Phone(tmp_path)
    good = phone.line.pages[""]
    phone.line.pages = {"": good, f"a.{ROWS}": signed(f"a.{ROWS}", "end", {}, more=False)}
    await phone.catalog.refresh()
    assert phone.whole() == ROWS
    phone.line.pages = {"end": signed("" if "columns" in parts else "end", "later", parts, more=False)}
    assert await phone.catalog.refresh() is None
    assert (phone.whole(), phone.catalog.refused()) == (ROWS, "unreadable")
    phone.line.pages = {}
    assert await phone.catalog.refresh() is None and phone.whole() == ROWS
    phone.store.close()


async def test_a_store_in_memory_that_another_took_the_place_of_is_loaded_and_searched_like_the_first(
    tmp_path: Path,
) -> None:
    phone = Phone(tmp_path)
    for _ in range(2):
        phone.store.switch(MEMORY)
        await phone.catalog.refresh()
        assert phone.whole() == len(REWARDS)
        phone.store.switch(str(phone.path))
    phone.store.close()
