"""Links that lead out of the app."""

import flet as ft


class Links:
    """Follows links as each platform does it."""

    def __init__(self) -> None:
        self._launcher = ft.UrlLauncher()  # Flet 1.0.5 forgets services nobody refers to

    async def follow(self, url: str) -> None:
        """Open `url`; raises RuntimeError or TimeoutError where the platform cannot.

        In a browser it takes this page's place: browsers block a window that opens a moment after a press.
        """
        await self._launcher.launch_url(url, web_only_window_name="_self")
