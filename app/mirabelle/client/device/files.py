"""Files that the app makes for the person: handed over as each platform does it."""

import flet as ft


class Files:
    """Where a page's files go: a download in browsers, a place that the person chooses elsewhere."""

    def __init__(self) -> None:
        self._picker = ft.FilePicker()  # Flet 1.0.5 forgets services nobody refers to

    async def hand_over(self, name: str, content: bytes) -> None:
        """Let the person save `content` under `name`; raises RuntimeError or TimeoutError where the platform cannot."""
        await self._picker.save_file(file_name=name, src_bytes=content)
