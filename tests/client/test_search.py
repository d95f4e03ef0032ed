"""Searching the catalog in the store: what is found, in which order, and what is offered where nothing is."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from mirabelle.client.api import Api
from mirabelle.client.repositories.catalog import COUNTED, Catalog, CatalogQuery, Sort
from mirabelle.client.repositories.catalog_feed import Feed
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.store import rewards as r
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import messages as m
from tests.catalogs import generated, reward_of

DATA = Path(__file__).parents[1] / "data"
NOW = datetime(2026, 7, 1, tzinfo=UTC)


class Shelf:
    """A catalog that has what a test puts in."""

    def __init__(self, path: str = ":memory:", key: bytes | None = None) -> None:
        self.store, no_network = Store(path, key), cast(Api, None)
        self.catalog = Catalog(self.store, no_network, Programme(self.store, no_network, lambda: "en"), lambda: NOW)

    def put(self, *rewards: m.Reward) -> None:
        """Put rewards on offer."""
        assert self.catalog.total() >= 0
        with self.store.write("catalog") as connection:
            r.put_rewards(connection, rewards)
            r.name_categories(connection, {"home": m.Text(en="Home", fr="Maison", ar="المنزل")})

    def named(self, *titles: str) -> None:
        """Put rewards of these English titles on offer."""
        self.put(*(reward_of(at, m.Text(en=title)) for at, title in enumerate(titles, start=1)))

    def found(self, text: str, **more: object) -> list[str]:
        """The English titles of what a search finds."""
        return [reward.title.en for reward in self.catalog.search(CatalogQuery(text=text, **more))]  # type: ignore[arg-type]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """An empty one."""
    shelf = Shelf()
    yield shelf
    shelf.store.close()


@pytest.mark.parametrize("typed", ["teapto", "tepot", "teaport", "teepot", "eapot", "taepot", "teapotz", "blu teaapot"])
def test_one_wrong_letter_is_forgiven_where_nothing_is_spelled_so(shelf: Shelf, typed: str) -> None:
    shelf.named("Blue teapot", "Red scarf")
    assert shelf.found(typed) == ["Blue teapot"]


@pytest.mark.parametrize("typed", ["ابرق", "ابريك", "البريق"])
def test_one_wrong_letter_is_forgiven_in_arabic(shelf: Shelf, typed: str) -> None:
    shelf.put(reward_of(1, m.Text(en="Teapot", ar="إبريق")))
    assert shelf.found(typed) == ["Teapot"]


def test_nothing_is_forgiven_where_something_is_spelled_so(shelf: Shelf) -> None:
    shelf.named("Watch", "Match")
    assert shelf.found("match") == ["Match"]
    assert shelf.found("watch", price_min=101) == []


@pytest.mark.parametrize(("typed", "near"), [("teakettle", "Blue teapot"), ("red teacup saucer", "Red scarf")])
def test_where_nothing_is_found_the_nearest_is_offered(shelf: Shelf, typed: str, near: str) -> None:
    shelf.named("Blue teapot", "Red scarf")
    assert shelf.found(typed) == []
    assert near in [reward.title.en for reward in shelf.catalog.nearest(CatalogQuery(text=typed))]


def test_the_nearest_is_offered_beyond_the_filters(shelf: Shelf) -> None:
    shelf.named("Blue teapot")
    query = CatalogQuery(text="teapot", price_max=5)
    assert not shelf.catalog.search(query)
    assert [reward.title.en for reward in shelf.catalog.nearest(query)] == ["Blue teapot"]


@pytest.mark.parametrize("typed", ["home", "maison", "منزل", "maisson"])
def test_a_category_is_found_by_its_name_in_any_language(shelf: Shelf, typed: str) -> None:
    shelf.put(reward_of(1, m.Text(en="Lamp")), reward_of(2, m.Text(en="Kite"), category="outdoors"))
    assert shelf.found(typed)[0] == "Lamp"


def test_what_is_found_comes_in_the_order_of_popularity_page_by_page(shelf: Shelf) -> None:
    rewards = list(generated(400))
    shelf.put(*rewards[::-1])
    query, shown = CatalogQuery(text="ma", limit=7), list[m.Reward]()
    while page := shelf.catalog.search(replace(query, after=shown[-1] if shown else None)):
        shown += page
    assert [r.number_of(one) for one in shown] == sorted({r.number_of(one) for one in shown})
    assert len(shown) == shelf.catalog.count(query) > 20


def test_a_reward_that_becomes_popular_moves_up(shelf: Shelf) -> None:
    shelf.named("Tea one", "Tea two", "Tea three")
    shelf.put(reward_of(3, m.Text(en="Tea three"), popularity=50))
    assert shelf.found("tea") == ["Tea three", "Tea one", "Tea two"]
    assert shelf.found("") == ["Tea three", "Tea one", "Tea two"]


def test_what_is_renamed_or_taken_off_is_not_found_by_its_old_name(shelf: Shelf) -> None:
    shelf.named("Tea one", "Tea two")
    shelf.put(reward_of(1, m.Text(en="Coffee")))
    with shelf.store.write() as connection:
        r.take_off(connection, [2])
    assert shelf.found("tea") == [] and shelf.found("coffee") == ["Coffee"]
    assert shelf.catalog.total() == 1
    gone = shelf.catalog.get("reward-2")
    assert gone is not None and gone.title.en == "Tea two"


def test_stock_and_prices_change_without_the_rest(shelf: Shelf) -> None:
    shelf.put(reward_of(1, m.Text(en="Tea"), stock=5), reward_of(2, m.Text(en="Cup")))
    with shelf.store.write() as connection:
        r.set_stock(connection, [(1, 0), (2, 7)])
        r.set_points(connection, [(2, 40)])
    assert shelf.found("", affordable_with=100) == ["Cup"]
    assert shelf.found("", sort="price_up") == ["Cup", "Tea"]
    tea, cup = shelf.catalog.get("reward-1"), shelf.catalog.get("reward-2")
    assert tea and cup and (tea.stock, cup.stock, cup.points) == (0, 7, 40)


@pytest.mark.parametrize("sort", ["price_up", "price_down"])
def test_a_page_by_price_costs_the_same_however_many_share_a_price(shelf: Shelf, sort: Sort) -> None:
    def steps_of_a_page() -> int:
        counted = list[None]()
        shelf.store.connection.set_progress_handler(lambda: counted.append(None), 10)
        query = CatalogQuery(sort=sort, limit=20)
        shelf.catalog.search(replace(query, after=shelf.catalog.search(query)[-1]))
        shelf.store.connection.set_progress_handler(None, 0)
        return len(counted)

    shelf.put(*(reward_of(at, m.Text(en="Tea")) for at in range(1, 101)))
    few = steps_of_a_page()
    shelf.put(*(reward_of(at, m.Text(en="Tea")) for at in range(101, 1501)))
    assert 0 < steps_of_a_page() < 2 * few


@pytest.mark.parametrize("more", [{}, {"kind": "travel"}, {"price_max": 9000}, {"text": "ma"}], ids=str)
@pytest.mark.parametrize("sort", ["price_up", "price_down", "newest"])
def test_a_category_is_sorted_as_everything_is_page_by_page(shelf: Shelf, sort: Sort, more: dict[str, Any]) -> None:
    shelf.put(*generated(1200))
    everything = shelf.catalog.search(CatalogQuery(sort=sort, limit=2000, **more))
    query, shown = CatalogQuery(sort=sort, category="food", limit=20, **more), list[m.Reward]()
    while page := shelf.catalog.search(replace(query, after=shown[-1] if shown else None)):
        shown += page
    assert shown == [one for one in everything if one.category == "food"] and shown
    order = {"price_up": (1, 1), "price_down": (-1, 1), "newest": (0, -1)}[sort]
    keys = [(order[0] * one.points, order[1] * one.reference) for one in shown]
    assert keys == sorted(keys)


def test_what_moves_to_another_category_is_sorted_there(shelf: Shelf) -> None:
    shelf.put(*(reward_of(at, m.Text(en=f"Tea {at}"), points=at) for at in (1, 2, 3)))
    shelf.put(reward_of(2, m.Text(en="Tea 2"), points=2, category="outdoors"))
    for category, left in (("home", ["Tea 1", "Tea 3"]), ("outdoors", ["Tea 2"])):
        assert shelf.found("", category=category, sort="price_up") == left
    assert shelf.found("", category="nowhere", sort="price_up") == []


def test_what_is_over_is_not_shown(shelf: Shelf) -> None:
    shelf.put(reward_of(1, m.Text(en="Tea"), available_until=NOW - timedelta(seconds=1)))
    assert shelf.found("tea") == shelf.found("") == []


def test_more_than_are_counted_are_only_said_to_be_more(shelf: Shelf) -> None:
    shelf.put(*(reward_of(at, m.Text(en="Tea")) for at in range(1, COUNTED + 50)))
    assert shelf.catalog.count(CatalogQuery(text="tea")) == COUNTED + 1


def test_a_store_of_before_is_searched_after_its_migration(tmp_path: Path) -> None:
    path = tmp_path / "before.sqlite"
    path.write_bytes(gzip.decompress((DATA / "plain-participant.sqlite.gz").read_bytes()))
    shelf = Shelf(str(path), b"k" * 32)
    assert "Butter croissant" in shelf.found("croiss")
    assert shelf.catalog.total() == shelf.catalog.count(CatalogQuery(price_min=0)) == 3
    shelf.store.close()


def test_a_reward_that_this_version_cannot_read_is_not_shown_and_comes_anew(tmp_path: Path) -> None:
    path, key = str(tmp_path / "store.sqlite"), b"k" * 32
    before = Shelf(path, key)
    before.named("Tea one", "Tea two")
    with before.store.write() as connection:
        put_document(connection, "catalog feed", Feed(cursor="a.5", programme_key="00"))
        put_document(connection, r.INDEX, 0)
        connection.execute("UPDATE rewards_bodies SET body = '{}' WHERE reference = 1")
    before.store.close()
    after = Shelf(path, key)
    assert after.found("tea") == after.found("") == ["Tea two"]
    assert after.store.document("catalog feed", Feed) == Feed(programme_key="00")
    after.store.close()


def test_an_index_that_is_made_anew_is_put_together(tmp_path: Path) -> None:
    def pieces_of(shelf: Shelf) -> int:
        found = shelf.store.read.execute("SELECT count(DISTINCT segid) FROM rewards_text_idx").fetchone()
        return int(found[0])

    path, key = str(tmp_path / "store.sqlite"), b"k" * 32
    before = Shelf(path, key)
    for reward in generated(9):
        before.put(reward)
    assert pieces_of(before) > 1
    with before.store.write() as connection:
        put_document(connection, r.INDEX, 0)
    before.store.close()
    after = Shelf(path, key)
    assert after.catalog.total() == 9 and pieces_of(after) == 1 and not r.is_in_pieces(after.store.read)
    after.store.close()
