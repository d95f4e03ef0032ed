"""Prints what the app costs beside the least that could do the same, as ratios: `python -m tests.bench`."""

from tests.bench import redemption, start
from tests.bench.figures import machine


def main() -> None:
    """Measure and print, one line after another."""
    print(f"Ratios of medians on {machine()}", flush=True)
    print(start.first_frame().told(), flush=True)
    print(start.imports().told(), flush=True)
    for figures in (redemption.on_sqlite, redemption.on_postgresql):
        for figure in figures():
            print(figure.told(), flush=True)


if __name__ == "__main__":
    main()
