"""The catalog: found by words, categories and filters, a page at a time, and what to spend soon on top."""

import flet as ft
import msgspec
import pytest

from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.repositories.catalog_feed import Feed
from mirabelle.client.store.database import put_document
from mirabelle.client.ui.catalog.filters import whole_number
from mirabelle.client.ui.catalog.pages import MORE, MOST_ROWS, PAGE_ROWS, shown
from mirabelle.client.ui.catalog.state import Filters
from tests.catalogs import generated
from tests.client.ui.visiting import visitor

NEAR_THE_END = {
    "event_type": "update", "pixels": 8000.0, "min_scroll_extent": 0.0, "max_scroll_extent": 9000.0,
    "viewport_dimension": 700.0,
}  # fmt: skip


def cards(window) -> list[str]:
    return [control.data.removeprefix("reward-") for control in window.walk() if is_card(control)]


def card(window, reward: str) -> ft.Container:
    return window.one(ft.Container, where=lambda one: one.data == f"reward-{reward}")


def is_card(control) -> bool:
    return isinstance(control.data, str) and control.data.startswith("reward-")


async def test_a_page_is_shown_and_the_rest_comes_with_scrolling_and_each_can_be_opened(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        total = someone.app.catalog.total()
        assert len(cards(window)) == PAGE_ROWS < total  # as much as fills the window, and after a pause what is below
        await window.until(lambda: len(cards(window)) == min(total, PAGE_ROWS * (1 + MORE)))
        first, shelf = cards(window)[0], window.one(ft.ListView)
        for page in range(1 + 2 * MORE, -(-total // PAGE_ROWS) + MORE, MORE):
            await window.fire(shelf, "scroll", NEAR_THE_END)
            await window.until(lambda page=page: len(cards(window)) == min(total, page * PAGE_ROWS))
        assert len(set(cards(window))) == total
        # What was not drawn anew hears of a tap as before.
        await window.tap(card(window, first))
        await window.until(lambda: window.page.route == f"/rewards/{first}")


async def test_typing_narrows_the_list_whatever_the_accents(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "cafe")
        found = cards(window)
        assert "gift-card-cafe" in found and len(found) < 12
        assert window.one(ft.Text, text=f"{len(found)} rewards")
        await window.tap(window.one(key="clear"))
        assert len(cards(window)) == PAGE_ROWS


async def test_a_keystroke_changes_what_cards_say_in_their_places_and_a_tap_opens_what_is_said(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        places = [one._i for one in window.all(ft.Container, where=is_card)]
        await window.type(window.one(ft.TextField, key="search"), "cafe")
        found = window.all(ft.Container, where=is_card)
        assert [one._i for one in found] == places[: len(found)]  # each was changed, and none drawn anew
        assert len(window.window.last_sent) < 8_000  # bytes
        titles = [someone.app.catalog.get(id).title.in_language("en") for id in cards(window)]
        assert [window.texts(one)[0] for one in found] == titles
        last = cards(window)[-1]
        await window.tap(found[-1])
        await window.until(lambda: window.page.route == f"/rewards/{last}")


async def test_what_matches_nothing_says_so_and_offers_a_way_back(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "zzz")
        assert not cards(window) and "Nothing matches" in window.texts()
        await window.tap(window.one(ft.FilledButton, text="Clear filters"))
        assert len(cards(window)) == PAGE_ROWS


async def test_a_category_shows_only_its_own(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        chip = next(one for one in window.all(ft.Container, where=lambda c: c.ink) if window.texts(one) == ["Travel"])
        await window.tap(chip)
        assert cards(window)
        assert {someone.app.catalog.get(id).category for id in cards(window)} == {"travel"}


async def test_the_filter_sheet_narrows_at_once_and_counts(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.tap(window.one(key="filters"))
        sheet = window.page._dialogs.controls[0]
        await window.type(window.one(ft.TextField, key="price-max", root=sheet), "300")
        await window.until(lambda: len(cards(window)) > PAGE_ROWS)
        affordable = [someone.app.catalog.get(id).points for id in cards(window)]
        assert affordable and max(affordable) <= 300
        sheet = window.page._dialogs.controls[0]
        assert f"Show {len(affordable)} rewards" in window.texts(sheet)


async def test_what_expires_soon_is_offered_to_be_spent_first(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        expiring, _at = someone.app.wallet.next_expiry(someone.app.now())
        await window.tap(window.one(key="feature"))
        await window.until(lambda: window.page.route != "/rewards")
        chosen = someone.app.catalog.get(window.page.route.rpartition("/")[2])
        assert expiring <= chosen.points <= someone.app.wallet.current().available


async def test_coming_back_from_a_reward_finds_the_list_as_it_was(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "tea")
        found = cards(window)
        await window.go(f"/rewards/{found[0]}")
        await window.back()
        await window.until(lambda: window.page.route == "/rewards")
        assert cards(window) == found


async def test_a_reward_is_one_button_that_is_read_out_whole(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        tickets = card(window, "cinema-tickets")
        assert tickets.on_click is not None
        # What is below one button is read out as one: its name, then its price in words.
        assert window.texts(tickets)[0] == "Two cinema tickets"
        assert window.labels(tickets) == ["900 points"]


def test_however_far_one_scrolls_no_more_is_drawn_than_a_screen_takes_and_nothing_moves():
    rewards = list(generated(5000))

    def search(query):
        first = 0 if query.after is None else query.after.reference
        return rewards[first : first + query.limit]

    filters, height, seen = Filters(), 2000.0, 0
    filters.pages.measured.head = 500.0
    ends = []
    while True:
        drawn = filters.pages.read(search, filters.query(0), filters.page)
        assert sum(map(len, drawn.values())) <= MOST_ROWS
        for page in drawn:
            filters.pages.measured.note(page, height)
        seen = max(seen, shown(drawn)[-1].reference)
        end = filters.pages.measured.head + sum(filters.pages.height(page) for page in range(filters.pages.count))
        assert end == 500.0 + height * filters.pages.count  # what is not drawn takes the room that it took
        ends.append(filters.reached)
        filters.look_at(end - 700)
        filters.show_more()
        if ends[-3:] == [filters.reached] * 3:
            break
    assert seen == len(rewards)
    filters.look_at(600)
    assert shown(filters.pages.read(search, filters.query(0), filters.page))[0] == rewards[0]
    filters.set(text="tea")
    assert (filters.page, filters.reached) == (0, 1)


@pytest.mark.parametrize(("rewards", "pages"), [(0, 1), (1, 1), (PAGE_ROWS, 1), (PAGE_ROWS + 1, 2), (3 * PAGE_ROWS, 3)])
def test_a_list_ends_with_its_last_reward_and_leaves_no_room_below_it(rewards, pages):
    catalog, list_ = list(generated(rewards)), Filters().pages

    def search(query):
        first = 0 if query.after is None else query.after.reference
        return catalog[first : first + query.limit]

    for _ in range(3):
        found = list_.read(search, CatalogQuery(), 0)
        list_.go_on()
    assert shown(found) == catalog and list_.count == len(found) == pages


async def test_what_was_searched_for_is_offered_again_until_it_is_forgotten(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "tea")
        await window.tap(card(window, cards(window)[0]))
        await window.until(lambda: window.page.route != "/rewards")
        await window.back()
        await window.until(lambda: window.page.route == "/rewards")
        await window.type(window.one(ft.TextField, key="search"), "")
        await window.fire(window.one(ft.TextField, key="search"), "focus")
        assert "tea" in window.texts(window.one(key="recent"))
        await window.tap(window.one(key="forget-searches"))
        assert someone.app.recent_searches.newest() == []


async def test_where_nothing_is_found_the_nearest_is_shown(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "croissanterie")
        assert "Nothing matches" in window.texts() and cards(window) == ["croissant"]


async def test_a_catalog_on_its_way_and_one_that_is_not_believed_are_told(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        feed = someone.app.store.document("catalog feed", Feed)
        for changes in ({"loaded": 30, "total": 74}, {"refused": "rollback"}):
            with someone.app.store.write("catalog") as connection:
                put_document(connection, "catalog feed", msgspec.structs.replace(feed, **changes))
            await window.settle()
            if "total" in changes:
                assert window.one(ft.ProgressBar, key="loading").value == 30 / 74
                assert "30 of 74 rewards are here" in window.texts()
        assert "This catalog may be out of date" in window.texts()


@pytest.mark.parametrize(
    ("typed", "number"), [("", None), ("1 200", 1200), ("1,200", 1200), ("٣٠٠", 300), ("points", None)]
)
def test_a_price_is_read_in_any_digits(typed, number):
    assert whole_number(typed) == number
