"""What a device is known by is made once, however many windows open at its first start."""

import asyncio

import pytest

from mirabelle.client.device.keys import open_keys
from mirabelle.client.device.secrets import MemorySecrets

LINE = 4  # turns of the loop from a window to its browser's storage, and as many back


class Window(MemorySecrets):
    """A window's way to the storage that it shares with others."""

    def __init__(self, storage: MemorySecrets) -> None:
        super().__init__()
        self._storage = storage

    async def get(self, name: str) -> str | None:
        await turns(LINE)
        value = await self._storage.get(name)
        await turns(LINE)
        return value

    async def set(self, name: str, value: str) -> None:
        await turns(LINE)
        await self._storage.set(name, value)
        await turns(LINE)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("later", range(4 * LINE))
async def test_two_windows_at_a_browsers_first_start_have_one_seed(later: int) -> None:
    storage = MemorySecrets()

    async def start(after: int) -> str:
        await turns(after)
        return (await open_keys(Window(storage))).directory()

    first, second = await asyncio.gather(start(0), start(later))
    assert first == second == (await open_keys(storage)).directory()
