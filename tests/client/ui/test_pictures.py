"""Pictures on the screens: blurred until they have come, from the disk without network, by address in a browser."""

from typing import Any

import flet as ft

from mirabelle.contract.pictures import WIDTHS, drawn, path_of
from tests.client.ui.visiting import visitor

COFFEE, CROISSANT = "/rewards/coffee-and-cake", "/rewards/croissant"


def sources(window: Any) -> list[Any]:
    return [image.src for image in window.all(ft.Image)]


def is_shown(window: Any) -> bool:
    """Whether the page's picture has come; WebP files begin so."""
    return all(isinstance(source, bytes) and source.startswith(b"RIFF") for source in sources(window))


async def test_a_picture_is_blurred_until_it_has_come_and_shown_from_the_disk_without_network(wire, tmp_path):
    async with visitor(wire.url, tmp_path) as someone:
        wire.cut()
        blurred = drawn(someone.app.catalog.get("coffee-and-cake").placeholder)
        async with someone.window(COFFEE) as window:
            assert blurred and sources(window) == [blurred]
            wire.mend()
            await someone.app.sync.quietly()
            await window.until(lambda: is_shown(window))
        wire.cut()
        async with someone.window(COFFEE) as window:
            await window.until(lambda: is_shown(window))
        async with someone.window(CROISSANT) as window:
            await window.until(lambda: someone.app.connection == "offline")
            assert not is_shown(window)


async def test_nothing_is_fetched_for_a_page_that_was_left(wire, tmp_path):
    async with visitor(wire.url, tmp_path) as someone:
        wire.cut()
        async with someone.window("/rewards") as window:
            await window.until(lambda: someone.app.connection == "offline")
            await window.go("/activity")
            before = dict(wire.requests)
            wire.mend()
            await someone.app.sync.quietly()
            await window.settle()
            assert not [one for one in wire.requests.keys() - before.keys() if "/pictures/" in one]


async def test_a_browser_is_told_where_a_picture_is_and_fetches_it_by_itself(wire, tmp_path):
    async with visitor(wire.url, tmp_path) as someone, someone.window(COFFEE, web=True) as window:
        reward = someone.app.catalog.get("coffee-and-cake")
        [image] = window.all(ft.Image)
        assert image.src in [f"/./api/v1{path_of(reward.picture, width)}" for width in WIDTHS]
        assert image.placeholder_src == drawn(reward.placeholder)
        assert not [one for one in wire.requests if "/pictures/" in one]
