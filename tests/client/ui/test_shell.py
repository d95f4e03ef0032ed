"""The pages lie on one another, and only the one that is seen costs anything."""

import flet as ft

from mirabelle.client.ui.shared.frame import TAB_VIEW
from tests.client.ui.visiting import visitor


async def test_a_covered_page_is_not_drawn_anew_until_somebody_goes_back_to_it(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/wallet") as window:
        before = window.one(ft.Text, key="balance").value
        await window.go("/alerts")
        await someone.redeem("croissant")
        await window.settle()
        assert window.one(ft.Text, key="balance", root=window.views[0]).value == before == "5,070"
        await window.back()
        await window.until(lambda: window.page.route == "/wallet")
        assert window.one(ft.Text, key="balance").value == "4,960"


async def test_a_page_that_nobody_has_seen_is_not_drawn_beneath_another(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone, someone.window("/rewards/croissant") as window:
        catalog, reward = window.views
        assert catalog.route == TAB_VIEW and not catalog.controls
        assert reward is window.top and window.texts()
        await window.back()
        await window.until(lambda: window.page.route == "/rewards")
        assert window.one(ft.TextField, key="search")
