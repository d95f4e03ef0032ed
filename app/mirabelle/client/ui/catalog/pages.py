"""An endless list of which only a few pages are drawn: the others leave as much room as they took."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.contract.messages import Reward

PAGE_ROWS: Final = 12  # whole lines of two, three and four: what is built and measured together
MORE: Final = 3  # pages that are read together where the list is scrolled on; each row costs its drawing
AROUND: Final = 7  # pages that are drawn before and after the one that is looked at
MOST_ROWS: Final = PAGE_ROWS * (2 * AROUND + 1)  # what Flet 1.0.5 redraws without a hitch

Search = Callable[[CatalogQuery], list[Reward]]


@dataclass
class Measured:
    """How high the parts of the list were when they said so last, in logical pixels. They say it when it changes."""

    head: float = 0.0
    pages: dict[int, float] = field(default_factory=dict)

    def note(self, page: int, height: float) -> None:
        """Note how high a page is; one without rewards says nothing of the others."""
        if height:
            self.pages[page] = height

    def height(self, page: int) -> float:
        """How high a page is, or those that were measured are."""
        known = self.pages
        return known.get(page) or (sum(known.values()) / len(known) if known else 0.0)


class Pages:
    """Where each page of the list begins, and up to which one it was asked for. What is `measured` outlives it."""

    def __init__(self, measured: Measured | None = None) -> None:
        self._lasts: list[Reward | None] = [None]
        self.measured = measured or Measured()
        self.reached = 1

    @property
    def count(self) -> int:
        """How many pages were asked for and are there."""
        return min(self.reached, len(self._lasts))

    def go_on(self) -> bool:
        """Let more pages be read, if there are any."""
        more = self.reached < len(self._lasts)
        self.reached += more * MORE
        return more

    def read(self, search: Search, query: CatalogQuery, page: int, first: int = 1) -> dict[int, list[Reward]]:
        """The rewards of the pages around `page`; at least the `first` so many pages are asked for."""
        self.reached = max(self.reached, first)
        begin = max(0, min(page, len(self._lasts) - 1) - AROUND)
        numbers = range(begin, min(self.reached, page + AROUND + 1))
        rows = search(msgspec.structs.replace(query, limit=PAGE_ROWS * len(numbers) + 1, after=self._lasts[begin]))
        ends = range(PAGE_ROWS, len(rows), PAGE_ROWS)  # of pages that another one follows
        self._lasts += [rows[end - 1] for end in ends[len(self._lasts) - 1 - begin :]]
        return {
            number: rows[at * PAGE_ROWS : (at + 1) * PAGE_ROWS] for at, number in enumerate(numbers[: len(ends) + 1])
        }

    def height(self, page: int) -> float:
        """How high a page is, in logical pixels."""
        return self.measured.height(page)

    def at(self, pixels: float) -> int:
        """The page that is `pixels` from the top of the list."""
        bottom = self.measured.head
        for page in range(self.count):
            bottom += self.height(page)
            if pixels < bottom:
                return page
        return self.count - 1


def shown(pages: Mapping[int, list[Reward]]) -> list[Reward]:
    """The rewards of all the pages, one after another."""
    return [reward for page in sorted(pages) for reward in pages[page]]
