"""One faulty component never takes the rest of the screen with it."""

import flet as ft
import httpx
import pytest

from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.wiring import web_app
from tests.backend import Backend
from tests.headless import HeadlessApp


@ft.observable
class Switch:
    def __init__(self) -> None:
        self.broken = False
        self.count = 0


async def test_a_fault_while_drawing_shows_something_else_and_the_rest_goes_on():
    @fixes.component
    def fragile(switch: Switch) -> ft.Control:
        if switch.broken:
            raise ValueError("drawn wrong")
        return ft.Text("whole")

    @fixes.component
    def counter(switch: Switch) -> ft.Control:
        return ft.Text(f"count {switch.count}")

    @ft.component
    def root(switch: Switch) -> list[ft.View]:
        return [ft.View(controls=[fragile(switch), counter(switch)])]

    switch = Switch()
    fixes.apply()
    async with HeadlessApp(lambda page: page.render_views(root, switch)) as app:
        assert app.texts() == ["whole", "count 0"]
        switch.broken = True
        await app.settle()
        assert app.one(ft.Icon, key="broken")
        switch.count = 7
        await app.settle()
        assert app.texts() == ["count 7"]
        switch.broken = False
        await app.settle()
        assert app.texts() == ["whole", "count 7"]


async def test_a_fault_outside_a_boundary_does_not_end_the_session_either():
    @ft.component
    def bare(switch: Switch) -> ft.Control:
        if switch.broken:
            raise ValueError("drawn wrong")
        return ft.Text(f"count {switch.count}")

    @ft.component
    def root(switch: Switch) -> list[ft.View]:
        return [ft.View(controls=[bare(switch)])]

    switch = Switch()
    fixes.apply()
    async with HeadlessApp(lambda page: page.render_views(root, switch)) as app:
        switch.broken = True
        await app.settle()
        switch.broken, switch.count = False, 3
        await app.settle()
        assert app.texts() == ["count 3"]


async def test_after_a_lost_connection_the_screen_is_drawn_anew_and_answers_again():
    @ft.component
    def root(switch: Switch) -> list[ft.View]:
        def more(_event: ft.Event) -> None:
            switch.count += 1

        return [ft.View(controls=[ft.Button("More", on_click=more), ft.Text(f"count {switch.count}")])]

    switch = Switch()

    def main(page: ft.Page) -> None:
        fixes.Remounter(page, root, switch).remount()

    async with HeadlessApp(main) as app:
        await app.tap(app.one(ft.Button))
        await app.fire(app.page, "connect")
        assert "count 1" in app.texts()
        await app.tap(app.one(ft.Button))
        assert "count 2" in app.texts()


@pytest.mark.parametrize("program", ["main.dart.js", "main.dart.wasm"])
def test_a_browser_is_told_nothing_in_english_while_it_waits_and_is_sent_to_no_stranger(tmp_path, program):
    with Backend(tmp_path, web_app=web_app) as web:
        served = httpx.get(f"{web.url}/{program}", timeout=60).raise_for_status().content
        assert len(served) > 1_000_000 and fixes.BOOT_WORDS not in served and not fixes.ELSEWHERE.search(served)
        assert b"nowhere://" in served


def test_a_browser_loads_our_fonts_and_none_for_formulas_and_finds_those_that_it_loads(tmp_path):
    with Backend(tmp_path, web_app=web_app) as web:
        families = httpx.get(f"{web.url}/assets/FontManifest.json", timeout=60).raise_for_status().json()
        named = [font["asset"] for family in families for font in family["fonts"]]
        assert "fonts/MaterialIcons-Regular.otf" in named and not any(fixes.FORMULA_FONTS in one for one in named)
        assert set(theme.FONTS) < {family["family"] for family in families}
        assert all(httpx.head(f"{web.url}/assets/{one}", timeout=60).is_success for one in named)


def test_a_web_app_that_ends_leaves_the_pages_of_another_alone(tmp_path):
    with Backend(tmp_path / "one", web_app=web_app) as one:
        page = httpx.get(one.url, timeout=60).raise_for_status().text
        with Backend(tmp_path / "two", web_app=web_app) as two:
            assert httpx.get(two.url, timeout=60).is_success
        assert httpx.get(one.url, timeout=60).raise_for_status().text == page
