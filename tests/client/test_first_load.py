"""The first load of a catalog into a file: written beside the screens, page by page, with one page made ready ahead."""

import asyncio
import base64
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mirabelle.client.api import Api, Changed, LostAnswer
from mirabelle.client.repositories.catalog import Catalog, CatalogQuery
from mirabelle.client.repositories.catalog_feed import Feed
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store import rewards as r
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import catalog as cm
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import columns_of
from mirabelle.rules.catalog_trust import manifest_message
from mirabelle.rules.trust import programme_id
from tests.catalogs import generated
from tests.client.old_stores import killed

NOW = datetime(2026, 7, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
ROWS, PAGES = 30, 5
REWARDS = list(generated(ROWS * PAGES))


def signed(after: str, cursor: str, parts: dict[cm.Part, Any], *, more: bool, total: int = 0) -> cm.SignedCatalog:
    """A page as a server signs it."""
    key = KEY.public_key().public_bytes_raw()
    texts = {name: msgspec.json.encode(part).decode() for name, part in parts.items()}
    raw = msgspec.json.encode(
        cm.CatalogManifest(
            programme=programme_id(key), after=after, cursor=cursor, more=more, version=1, issued_at=NOW,
            expires_at=NOW + timedelta(days=1), parts=cm.hashes_of(texts), loading=more, total=total,
        )
    )  # fmt: skip
    return cm.SignedCatalog(
        manifest=raw.decode(), signature=KEY.sign(manifest_message(raw)).hex(), programme_key=key.hex(), parts=texts
    )


class Line:
    """Answers with pages, by the cursor that is asked for; `on_ask` may break off."""

    def __init__(self, rewards: list[Any], rows: int) -> None:
        starts = range(0, len(rewards), rows)
        self.asked: list[str] = []
        self.on_ask: Callable[[str], None] = lambda after: None
        self.pages = {
            f"a.{at}" if at else "": signed(
                f"a.{at}" if at else "", f"a.{at + rows}", {"columns": columns_of(rewards[at : at + rows])},
                more=at + rows < len(rewards), total=len(rewards),
            )
            for at in starts
        }  # fmt: skip

    async def changed(self, _endpoint: Any, query: dict[str, str], _known: str) -> Changed[cm.SignedCatalog] | None:
        after = query.get("after", "")
        self.asked.append(after)
        self.on_ask(after)
        await asyncio.sleep(0)
        return Changed(self.pages[after], "") if after in self.pages else None


class Phone:
    """A store in a file, and its catalog at the end of a line."""

    def __init__(self, folder: Path, line: Line | None = None) -> None:
        self.line = line or Line(REWARDS, ROWS)
        self.path = folder / "store.sqlite"
        self.store = Store(str(self.path))
        api = cast(Api, self.line)
        self.catalog = Catalog(self.store, api, Programme(self.store, api, lambda: "en"), lambda: NOW)

    def whole(self) -> int:
        """How many rewards are there; all of them are found by their words, and nothing is half there."""
        shown = self.catalog.search(CatalogQuery(limit=10**6))
        assert [one.reference for one in shown] == list(range(1, len(shown) + 1))
        assert self.catalog.total() == len(shown)
        if shown:
            assert shown[-1].id in [one.id for one in self.catalog.search(CatalogQuery(text=shown[-1].title.fr))]
        prices = [one.points for one in self.catalog.search(CatalogQuery(sort="price_down", limit=10**6))]
        assert prices == sorted((one.points for one in shown), reverse=True)
        return len(shown)

    def has_indexed_prices(self) -> bool:
        """Whether a page of the cheapest or the dearest needs no sorting."""
        query = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'rewards_by_points%'"
        return bool(self.store.read.execute(query).fetchone()[0] == 2)


@pytest.fixture
def phone(tmp_path: Path) -> Any:
    phone = Phone(tmp_path)
    yield phone
    phone.store.close()


async def test_pages_come_in_order_and_one_is_made_ready_while_another_is_written(phone: Phone) -> None:
    told: list[tuple[int, int]] = []
    phone.store.subscribe(("catalog",), lambda: told.append((phone.whole(), len(phone.line.asked))))
    await phone.catalog.refresh()
    assert [rewards for rewards, _ in told] == [ROWS * page for page in range(1, PAGES + 1)]
    assert all(asked - page in (0, 1) for page, (_, asked) in enumerate(told, start=1))
    assert phone.line.asked == list(phone.line.pages) and phone.catalog.loading() is None
    assert not r.is_in_pieces(phone.store.read) and phone.has_indexed_prices()
    assert phone.catalog.search(CatalogQuery(limit=1))[0].title == REWARDS[0].title


async def test_a_page_as_large_as_they_come_is_written_like_any_other(tmp_path: Path) -> None:
    many = [
        msgspec.structs.replace(
            one,
            picture=f"{one.reference:032x}",
            placeholder=base64.urlsafe_b64encode(one.reference.to_bytes(6)).decode(),
        )
        for one in generated(limits.CATALOG_LOAD_ROWS + 5)
    ]
    phone = Phone(tmp_path, Line(many, limits.CATALOG_LOAD_ROWS))
    await phone.catalog.refresh()
    assert phone.whole() == len(many)
    for one in (many[0], many[-1]):
        assert msgspec.structs.asdict(cast(Any, phone.catalog.get(one.id))) == msgspec.structs.asdict(one)
    phone.store.close()


async def test_what_is_lost_ahead_does_not_harm_what_is_being_written(phone: Phone) -> None:
    def lose(after: str) -> None:
        if after == f"a.{2 * ROWS}" and phone.line.asked.count(after) < 3:
            raise LostAnswer

    phone.line.on_ask = lose
    for _ in range(2):
        with pytest.raises(LostAnswer):
            await phone.catalog.refresh()
        assert phone.whole() == 2 * ROWS
    await phone.catalog.refresh()
    assert phone.whole() == len(REWARDS)


async def test_what_is_not_believed_ahead_is_not_written_and_what_came_before_is(phone: Phone) -> None:
    good = phone.line.pages[f"a.{2 * ROWS}"]
    phone.line.pages[f"a.{2 * ROWS}"] = msgspec.structs.replace(good, signature="0" * 128)
    await phone.catalog.refresh()
    assert phone.whole() == 2 * ROWS and phone.catalog.refused() == "bad_signature"
    phone.line.pages[f"a.{2 * ROWS}"] = good
    await phone.catalog.refresh()
    assert phone.whole() == len(REWARDS) and phone.catalog.refused() == ""


@pytest.mark.parametrize("turns", range(0, 60, 6))
async def test_broken_off_anywhere_it_ends_with_whole_pages_and_goes_on_from_there(phone: Phone, turns: int) -> None:
    running = asyncio.ensure_future(phone.catalog.refresh())
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    left = phone.whole()
    with phone.store.write() as connection:  # nobody holds the file
        put_document(connection, "programme", None)
    assert left % ROWS == 0 and phone.whole() == left
    await phone.catalog.refresh()
    assert phone.whole() == len(REWARDS)


async def test_killed_between_any_two_pages_the_file_opens_whole_and_the_load_goes_on(tmp_path: Path) -> None:
    phone, left = Phone(tmp_path / "a"), list[Path]()
    phone.store.subscribe(("catalog",), lambda: left.append(killed(phone.path, tmp_path / str(len(left)))))
    await phone.catalog.refresh()
    phone.store.close()
    for page, file in enumerate(left, start=1):
        again = Phone(file.parent)
        assert again.whole() == page * ROWS
        await again.catalog.refresh()
        assert again.whole() == len(REWARDS) and again.has_indexed_prices()
        assert again.line.asked == [f"a.{at * ROWS}" for at in range(page, PAGES + (page == PAGES))]
        again.store.close()


async def test_whoever_comes_meanwhile_gets_nothing_of_it(phone: Phone, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"

    def switch() -> None:
        stop()
        phone.store.switch(str(other))

    stop = phone.store.subscribe(("catalog",), switch)
    await phone.catalog.refresh()
    assert phone.line.asked.count("") == 2 and phone.whole() == len(REWARDS)
    phone.store.switch(str(phone.path))
    assert phone.whole() == ROWS


async def test_a_window_that_is_overtaken_by_another_writes_nothing_twice(phone: Phone) -> None:
    second = Phone(phone.path.parent, phone.line)
    await asyncio.gather(phone.catalog.refresh(), second.catalog.refresh())
    for window in (phone, second):
        await window.catalog.refresh()
        assert window.whole() == len(REWARDS) and window.catalog.loading() is None
    second.store.close()


async def test_a_person_reads_and_writes_while_a_page_is_written(phone: Phone) -> None:
    def work(connection: sqlite3.Connection) -> int:
        r.put_rewards(connection, REWARDS)
        asyncio.run_coroutine_threadsafe(look(), loop).result(timeout=10)
        return 7

    async def look() -> None:
        seen.append(phone.whole())

    assert phone.catalog.total() == 0
    loop, seen = asyncio.get_running_loop(), list[int]()
    before = phone.store.read.total_changes
    assert await phone.store.write_beside(work) == 7
    assert seen == [0] and phone.whole() == len(REWARDS) and phone.store.read.total_changes > before
    with phone.store.write() as connection:
        put_document(connection, "catalog feed", Feed())
    phone.store.end_beside()


async def test_what_fails_beside_leaves_nothing_of_it(phone: Phone) -> None:
    def work(connection: sqlite3.Connection) -> None:
        r.put_rewards(connection, REWARDS)
        connection.execute("SELECT * FROM nowhere")

    assert phone.catalog.total() == 0
    with pytest.raises(sqlite3.OperationalError):
        await phone.store.write_beside(work)
    assert phone.whole() == 0
    await phone.catalog.refresh()
    assert phone.whole() == len(REWARDS)


async def left_by_another_version(folder: Path, rewards: list[m.Reward]) -> Phone:
    """A file whose index another version made; the app starts on it."""
    before = Phone(folder)
    assert before.catalog.total() == 0
    with before.store.write() as connection:
        r.put_rewards(connection, rewards)
        put_document(connection, r.INDEX, 0)
    before.store.close()
    return Phone(folder)


async def test_an_index_is_made_anew_beside_the_screens_the_most_popular_first(tmp_path: Path) -> None:
    phone = await left_by_another_version(tmp_path, many := list(generated(2500)))
    totals = [phone.catalog.total()]
    phone.store.subscribe(("catalog",), lambda: totals.append(phone.catalog.total()))
    assert totals == [1000] and phone.catalog.search(CatalogQuery(text=many[5].title.en))
    assert len(phone.catalog.search(CatalogQuery(limit=10**6))) == len(many)
    phone.line.pages = {}
    await phone.catalog.refresh()
    assert totals == [1000, 2000, 2500] and phone.whole() == len(many)
    phone.store.close()


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_an_index_that_is_half_made_is_gone_on_with_in_the_next_life(tmp_path: Path, turns: int) -> None:
    phone = await left_by_another_version(tmp_path, many := list(generated(2500)))
    assert phone.catalog.total() == 1000
    for _ in range(turns):
        await asyncio.sleep(0)
    await phone.catalog.stop()
    phone.store.close()
    again, second = Phone(tmp_path), Phone(tmp_path)
    for window in (again, second):
        assert window.catalog.total() >= 2000
        window.line.pages = {}
    await asyncio.gather(again.catalog.refresh(), second.catalog.refresh())
    assert again.whole() == second.whole() == len(many)
    for window in (again, second):
        window.store.close()


async def test_nothing_that_changed_is_written_before_the_index_is_whole(tmp_path: Path) -> None:
    phone = await left_by_another_version(tmp_path, list(generated(2500))[::-1])
    phone.line.on_ask = lambda after: wholes.append(r.is_indexed(phone.store.read))
    wholes = list[bool]()
    assert not r.is_indexed(phone.store.read)
    await phone.catalog.refresh()
    assert wholes and all(wholes) and phone.whole() == len(REWARDS)
    phone.store.close()
