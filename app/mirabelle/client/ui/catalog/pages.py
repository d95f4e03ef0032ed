"""An endless list of which only a few pages are drawn: the others leave as much room as they took."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.contract.messages import Reward

PAGE_ROWS: Final = 36  # fills the tallest window, in whole lines of two, three and four; each row costs its drawing
AROUND: Final = 2  # pages that are drawn before and after the one that is looked at
MOST_ROWS: Final = PAGE_ROWS * (2 * AROUND + 1)  # what Flet 1.0.5 redraws without a hitch

Search = Callable[[CatalogQuery], list[Reward]]


class Pages:
    """Where each page of the list begins, how high it was when it was drawn last, and up to which one it was read."""

    def __init__(self) -> None:
        self._lasts: list[Reward | None] = [None]
        self._heights: dict[int, float] = {}
        self.head = 0.0
        self.reached = 1

    def go_on(self) -> bool:
        """Let one more page be read, if there is one."""
        more = self.reached < len(self._lasts)
        self.reached += more
        return more

    def read(
        self, search: Callable[[CatalogQuery], list[Reward]], query: CatalogQuery, page: int
    ) -> dict[int, list[Reward]]:
        """The rewards of the pages around `page`."""
        found = {}
        for number in range(max(0, page - AROUND), min(self.reached, page + AROUND + 1)):
            found[number] = search(replace(query, limit=PAGE_ROWS, after=self._lasts[number]))
            if len(found[number]) == PAGE_ROWS and number + 1 == len(self._lasts):
                self._lasts.append(found[number][-1])
        return found

    def measured(self, page: int, height: float) -> None:
        """Note how high a page is, in logical pixels."""
        self._heights[page] = height

    def height(self, page: int) -> float:
        """How high a page is, or those that were measured are."""
        known = self._heights
        return known.get(page) or (sum(known.values()) / len(known) if known else 0.0)

    def at(self, pixels: float) -> int:
        """The page that is `pixels` from the top of the list."""
        bottom = self.head
        for page in range(self.reached):
            bottom += self.height(page)
            if pixels < bottom:
                return page
        return self.reached - 1


def shown(pages: Mapping[int, list[Reward]]) -> list[Reward]:
    """The rewards of all the pages, one after another."""
    return [reward for page in sorted(pages) for reward in pages[page]]
