"""What tests of the client can ask for."""

from collections.abc import Iterator

import pytest

from tests.backend import Backend
from tests.client.devices import new_address
from tests.wire import Wire


@pytest.fixture
def wire(backend: Backend) -> Iterator[Wire]:
    """A wire to the shared server."""
    with Wire(backend.url) as wire:
        yield wire


@pytest.fixture
def address() -> str:
    """Where a new person gets their mail."""
    return new_address("nour")
