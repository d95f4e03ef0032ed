"""What tests of the client can ask for."""

from collections.abc import Iterator

import pytest

from tests.backend import Backend
from tests.wire import Wire


@pytest.fixture
def wire(backend: Backend) -> Iterator[Wire]:
    """A wire to the shared server."""
    with Wire(backend.url) as wire:
        yield wire
