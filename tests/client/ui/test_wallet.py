"""The wallet: the number people came for, what expires, what can be had, and why it all is as it is."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import flet as ft
import pytest

from mirabelle.client.ui.activity.rows import row_view
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.widgets import signed
from mirabelle.client.ui.wallet.state import part_of_day
from mirabelle.contract import messages as m
from mirabelle.contract.translation import Translator
from tests.bench import from_store
from tests.bench.processes import environment
from tests.client.ui.visiting import visitor
from tests.headless import HeadlessApp

NOW = datetime(2026, 11, 22, 9, 41, tzinfo=UTC)


async def test_the_balance_is_the_largest_thing_and_says_when_it_was_true(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        assert app.one(ft.Text, key="balance").theme_style == theme.NUMBER
        assert [text for text in app.all(ft.Text) if text.theme_style == theme.NUMBER] == [app.one(key="balance")]
        assert any(words.startswith("as of ") for words in app.texts())


async def test_expiry_is_one_warm_bar_a_date_in_words_and_a_button_that_does_something_about_it(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        bars = app.all(ft.Container, where=lambda bar: bar.width == 38)
        assert [bar.bgcolor for bar in bars].count(theme.WARM) == 1 and bars[0].bgcolor == theme.WARM
        assert len(bars) > 1
        assert any("expire on" in words for words in app.texts())
        await app.tap(app.one(key="use-them"))
        assert app.page.route.startswith("/rewards?")


async def test_only_what_the_balance_can_pay_is_called_yours_right_now(start, start_signed_in):
    await start_signed_in()
    async with start() as app:
        balance = int(app.one(ft.Text, key="balance").value.replace(",", ""))
        cards = app.all(ft.Container, where=lambda card: str(card.data or "").startswith("reward-"))
        said = [label for card in cards for label in app.labels(card)]
        prices = [int(label.split()[0].replace(",", "")) for label in said]
        assert prices and max(prices) <= balance


@pytest.mark.parametrize(("width", "height", "has_rail"), [(390, 844, False), (820, 1180, True), (1440, 900, True)])
async def test_wide_windows_have_a_rail_and_phones_a_bar(start, start_signed_in, width, height, has_rail):
    await start_signed_in()
    async with start(width=width, height=height) as app:
        assert len(app.all(ft.NavigationRail)) == has_rail
        assert len(app.all(ft.NavigationBar)) == (not has_rail)


async def test_a_window_that_grows_is_laid_out_anew_without_losing_its_place(start, start_signed_in):
    await start_signed_in()
    async with start("/activity") as app:
        app.session.apply_page_patch({"width": 1440, "height": 900})
        await app.fire(app.page, "resize", {"width": 1440, "height": 900})
        assert app.all(ft.NavigationRail) and app.page.route == "/activity" and "Activity" in app.texts()


async def test_a_row_of_the_activity_opens_to_its_reason_and_its_points(start, start_signed_in):
    await start_signed_in()
    async with start("/activity") as app:
        row = app.all(ft.Container, where=lambda row: str(row.key or "").startswith("row-"))[0]
        assert "Balance afterwards" not in app.texts()
        await app.tap(row)
        assert "Balance afterwards" in app.texts()
        assert any(words.startswith("Earned ") and "good until" in words for words in app.texts())


def spent(**changed) -> m.Activity:
    lots = [
        m.LotShare(lot=4, points=-400, earned_at=NOW - timedelta(days=300), expires_at=NOW + timedelta(days=10)),
        m.LotShare(lot=7, points=-50, earned_at=NOW - timedelta(days=90), expires_at=None),
    ]
    plain = {
        "sequence": 9, "at": NOW, "kind": "spent", "points": -450, "held": 0, "pending": 0, "available_after": 4370,
        "source": "", "reward": "coffee-and-cake", "subject": m.Text(en="Coffee and cake for two"), "lots": lots,
    }  # fmt: skip
    return m.Activity(**{**plain, **changed})


async def shown(row: m.Activity, *, opened: bool) -> list[str]:
    def main(page: ft.Page) -> None:
        page.add(row_view(Translator("en", UTC), row, NOW, opened, None, calm=True))

    async with HeadlessApp(main) as app:
        return app.texts()


async def test_a_spending_says_what_for_how_much_and_which_lots_paid_in_order():
    words = await shown(spent(), opened=True)
    assert words[:3] == ["Coffee and cake for two", "Exchanged · 09:41", "−450"]
    paid = words.index("These points paid, soonest to expire first")
    assert words[paid + 1 : paid + 5] == [
        "Earned 26 January 2026, good until 2 December 2026", "400 points", "Earned 24 August 2026, without end",
        "50 points",
    ]  # fmt: skip
    assert words[-2:] == ["Balance afterwards", "4,370 points"]


async def test_a_change_that_leaves_the_balance_alone_shows_what_it_did_change():
    words = await shown(spent(kind="earned", points=0, pending=120, subject=m.Text(), lots=[]), opened=True)
    assert words[:3] == ["Earned", "Earned, on its way · 09:41", "+120"]
    assert words[-2:] == ["Change of points on their way", "+120"]


@pytest.mark.parametrize(("points", "words"), [(120, "+120"), (-1450, "−1,450"), (0, "0")])
def test_gain_and_loss_are_told_apart_without_colour(points, words):
    assert signed(Translator("en"), points) == words


@pytest.mark.parametrize(
    ("hour", "part"), [(3, "evening"), (4, "morning"), (11, "morning"), (12, "afternoon"), (18, "evening")]
)
def test_the_greeting_suits_the_hour(hour, part):
    assert part_of_day(hour) == part


async def test_nothing_is_loaded_before_the_wallet_is_drawn_that_only_later_moments_need(backend, tmp_path):
    await from_store.prepared(backend.url, tmp_path)
    words = [sys.executable, "-m", from_store.__name__, str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, words, env=environment(), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


async def test_a_clock_that_is_wrong_is_told_of_where_codes_are_shown(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        someone.ahead = 600
        await someone.app.sync()
        for route, is_told in (("/wallet", True), ("/vouchers", True), ("/rewards", False)):
            async with someone.window(route) as window:
                assert ("This device’s clock is off by more than a minute" in window.texts()) == is_told
