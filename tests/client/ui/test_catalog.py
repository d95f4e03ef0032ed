"""The catalog: found by words, categories and filters, a page at a time, and what to spend soon on top."""

import flet as ft
import pytest

from mirabelle.client.ui.catalog.filters import whole_number
from mirabelle.client.ui.catalog.state import MOST_ROWS, PAGE_ROWS, Filters
from tests.catalogs import generated
from tests.client.ui.visiting import visitor

NEAR_THE_END = {
    "event_type": "update", "pixels": 8000.0, "min_scroll_extent": 0.0, "max_scroll_extent": 9000.0,
    "viewport_dimension": 700.0,
}  # fmt: skip


def cards(window) -> list[str]:
    return [
        control.key.removeprefix("reward-")
        for control in window.walk()
        if isinstance(control.key, str) and control.key.startswith("reward-")
    ]


async def test_a_page_of_sixty_is_shown_and_the_rest_comes_with_scrolling(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        total = someone.app.catalog.total()
        assert len(cards(window)) == PAGE_ROWS < total
        shelf = window.one(ft.ListView)
        await window.fire(shelf, "scroll", NEAR_THE_END)
        await window.until(lambda: len(cards(window)) == total)
        assert len(set(cards(window))) == total


async def test_typing_narrows_the_list_whatever_the_accents(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards") as window:
        await window.type(window.one(ft.TextField, key="search"), "cafe")
        found = cards(window)
        assert "gift-card-cafe" in found and len(found) < 12
        assert window.one(ft.Text, text=f"{len(found)} rewards")
        await window.tap(window.one(key="clear"))
        assert len(cards(window)) == PAGE_ROWS


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
        card = window.one(ft.Container, key="reward-cinema-tickets")
        assert card.on_click is not None
        # What is below one button is read out as one: its name, then its price in words.
        assert window.texts(card)[0] == "Two cinema tickets"
        assert [said.label for said in window.all(ft.Semantics, root=card) if said.label] == ["900 points"]


def test_past_what_one_screen_takes_there_is_a_next_screen():
    filters = Filters()
    for _ in range(9):
        filters.show_more(count=92_000)
    assert filters.shown == MOST_ROWS
    last = next(generated(1))
    filters.turn_page(last)
    assert (filters.first, filters.shown, filters.query(0).after) == (MOST_ROWS, PAGE_ROWS, last)
    filters.set(text="tea")
    assert filters.first == 0 and filters.query(0).after is None


@pytest.mark.parametrize(
    ("typed", "number"), [("", None), ("1 200", 1200), ("1,200", 1200), ("٣٠٠", 300), ("points", None)]
)
def test_a_price_is_read_in_any_digits(typed, number):
    assert whole_number(typed) == number
