"""What every test can ask for, and how Hypothesis runs: the same examples each time, no deadline on a busy machine."""

import gc
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings
from msgspec.structs import replace

from mirabelle.server.hosting import demo_programme
from tests.backend import Backend

PLENTY = 1000
# Folders whose tests take many seconds each: begun last, one of them would go on alone when all others are done.
LONG = ("journeys", "pixels", "torture", "faults", "sim")

settings.register_profile("mirabelle", deadline=None, derandomize=True, database=None)
settings.load_profile("mirabelle")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    items.sort(key=lambda item: LONG.index(folder) if (folder := item.path.parent.name) in LONG else len(LONG))


def pytest_collection_finish() -> None:
    """What is imported by now is never garbage: to look through it again and again took a tenth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell a failure as it happens: a run that is cut short has then said what it knew."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.nodeid} failed in its {report.when}:\n{report.longreprtext}", file=sys.__stderr__, flush=True)


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The demo programme's server, shared: ask it for participants and tills of your own. Nothing runs out there."""
    programme = demo_programme()
    plenty = [replace(reward, stock=reward.stock and reward.stock * PLENTY) for reward in programme.rewards]
    with Backend(tmp_path_factory.mktemp("backend"), programme=replace(programme, rewards=plenty)) as running:
        yield running
