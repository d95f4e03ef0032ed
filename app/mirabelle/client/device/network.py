"""The device's network, as the platform tells of it."""

from collections.abc import Callable

import flet as ft


class Network:
    """Calls `on_back` each time that the device has a network again or has changed to another."""

    def __init__(self, on_back: Callable[[], None]) -> None:
        self._on_back = on_back
        # Flet 1.0.5 forgets services that nobody refers to.
        self.service = ft.Connectivity(on_change=self._changed)

    def _changed(self, event: ft.ConnectivityChangeEvent) -> None:
        if set(event.connectivity) - {ft.ConnectivityType.NONE}:
            self._on_back()
