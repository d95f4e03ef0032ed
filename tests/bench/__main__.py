"""Prints what the app costs beside the least that could do the same, as ratios: `python -m tests.bench [PART ...]`."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from mirabelle.client import wiring  # noqa: F401 - first, as in the app: it has Flet's classes made its own way
from tests.bench import (
    feed,
    growth,
    importing,
    keystroke,
    ledger,
    redemption,
    scrolling,
    search,
    sessions,
    start,
    store,
    till,
    voucher,
)
from tests.bench.figures import machine


class Told(Protocol):
    """A measurement that can put itself into words."""

    def told(self) -> str: ...


PARTS: Final[dict[str, Sequence[Callable[[], Iterable[Told]]]]] = {
    "start": (start.first_frame, start.imports, start.to_the_wallet),
    "redemption": (redemption.on_sqlite, redemption.on_postgresql),
    "ledger": (ledger.on_postgresql, ledger.on_sqlite),
    "voucher": (voucher.checks, voucher.steps),
    "till": (till.online,),
    "store": (store.sealed,),
    "import": (importing.on_sqlite,),
    "feed": (feed.on_the_way,),
    "search": (search.keystrokes,),
    "keystroke": (keystroke.on_screen,),
    "scrolling": (scrolling.to_the_end,),
    "sessions": (sessions.in_memory,),
    "growth": (growth.of_a_history, growth.of_a_crowd),
    "million": (growth.of_a_million,),
}


ALL: Final = [part for part in PARTS if part != "million"]  # that one takes too long to come unasked


def main() -> None:
    """Measure the named parts, or all, and print one line after another."""
    print(f"Ratios of medians on {machine()}", flush=True)
    for part in sys.argv[1:] or ALL:
        for measure in PARTS[part]:
            for figure in measure():
                print(figure.told(), flush=True)


if __name__ == "__main__":
    main()
