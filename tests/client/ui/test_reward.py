"""A reward's page: what it is, and whether it can be had now, by the server's own rule."""

import flet as ft
import msgspec
import pytest

from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.ui.catalog.state import standing
from mirabelle.contract.messages import Details
from tests.client.ui.visiting import visitor

EVERYTHING = CatalogQuery(limit=500)


async def test_what_can_be_had_leads_to_checkout_and_says_what_is_left(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards/coffee-and-cake") as window:
        available = someone.app.wallet.current().available
        assert f"You keep {available - 450:,} points" in window.texts()
        await window.tap(window.one(ft.FilledButton, key="choose"))
        await window.until(lambda: window.page.route == "/checkout/coffee-and-cake")


async def test_what_costs_too_much_says_how_many_points_are_missing(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        available = someone.app.wallet.current().available
        dear = max((r for r in someone.app.catalog.search(EVERYTHING) if not r.from_tier), key=lambda r: r.points)
        async with someone.window(f"/rewards/{dear.id}") as window:
            button = window.one(ft.FilledButton, key="choose")
            assert button.disabled and f"{dear.points - available:,} points missing" in window.texts()


async def test_what_is_for_a_higher_tier_names_the_tier(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        programme, wallet = someone.app.programme.current(), someone.app.wallet.current()
        reached = wallet.standing.points_in_period
        above = [tier.id for tier in programme.tiers if tier.from_points > reached]
        reward = next(r for r in someone.app.catalog.search(EVERYTHING) if r.from_tier in above)
        async with someone.window(f"/rewards/{reward.id}") as window:
            assert window.one(ft.FilledButton, key="choose").disabled
            assert f"From {someone.app.programme.tier_name(reward.from_tier)} on" in window.texts()


async def test_what_is_gone_says_so_and_leads_to_the_others(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards/no-such-reward") as window:
        assert "This reward is no longer here" in window.texts()
        await window.tap(window.one(ft.FilledButton, text="See all rewards"))
        await window.until(lambda: window.page.route == "/rewards")


@pytest.mark.parametrize("route", ["/rewards/teapot", "/vouchers/1"])
async def test_nothing_is_called_gone_before_anything_was_fetched(start, start_signed_in, tmp_path, route):
    await start_signed_in()
    for file in tmp_path.glob("*.sqlite*"):
        file.unlink()
    async with start(route, server="http://127.0.0.1:9") as app:  # the port of the discard service: nobody answers
        await app.until(lambda: "No connection" in app.texts())
        assert app.top.route == route
        assert not {"This reward is no longer here", "This voucher is not here"} & set(app.texts())


@pytest.mark.parametrize(
    ("changes", "reason"), [({"stock": 0}, "out_of_stock"), ({"points": 10**9}, "not_enough_points")]
)
async def test_the_page_refuses_for_the_reason_the_server_would(backend, tmp_path, changes, reason):
    async with visitor(backend.url, tmp_path) as someone:
        app = someone.app
        reward = msgspec.structs.replace(app.catalog.get("teapot"), **changes)
        found = standing(reward, app.wallet.current(), app.programme.current(), [], app.now())
        assert found.refused == reason


async def test_details_count_only_once_they_were_asked_for(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        app = someone.app
        about = (app.catalog.get("headphones"), app.wallet.current(), app.programme.current(), [], app.now())
        assert standing(*about).refused is None
        assert standing(*about, Details()).refused == "details_missing"
        assert standing(*about, Details(address="1 rue du Port")).refused is None
