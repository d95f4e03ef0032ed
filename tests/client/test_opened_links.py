"""A link that starts a program of its own reaches the window that is open, once; else the one that opens next."""

import asyncio
from pathlib import Path

from mirabelle.client.repositories.opened_links import OpenedLinks

LINK = "mirabelle://add?server=https%3A%2F%2Fpoints.example"


async def test_a_link_reaches_the_window_that_is_open_once(tmp_path: Path) -> None:
    window, heard = OpenedLinks(tmp_path / "data"), asyncio.Queue[str]()
    with window.received():
        watching = asyncio.create_task(window.watch(heard.put_nowait))
        assert OpenedLinks(tmp_path / "data").hand_over(LINK)
        assert await asyncio.wait_for(heard.get(), 10) == LINK
        watching.cancel()
        assert window.take() is None


def test_without_a_window_the_link_waits_for_the_one_that_this_program_opens_and_for_no_later_one(
    tmp_path: Path,
) -> None:
    links = OpenedLinks(tmp_path / "data")
    assert not links.hand_over(LINK)
    with links.received():
        assert links.take() == LINK
        (tmp_path / "data" / "opened-link").write_text(LINK)
    with links.received():
        assert links.take() is None


def test_what_is_too_long_for_a_link_is_not_read(tmp_path: Path) -> None:
    links = OpenedLinks(tmp_path)
    links.hand_over(LINK + "a" * 5000)
    with links.received():
        assert links.take() is None
