"""What every screen can reach: the app and the window it is shown in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import flet as ft

from mirabelle.client.ui.shared import theme

if TYPE_CHECKING:
    from mirabelle.client.app import App
    from mirabelle.client.ui.shell import Shell

STEP = 20  # logical pixels: a window being dragged wider redraws the screens once a step, not once a pixel


@ft.observable
@dataclass
class Window:
    """The window as layouts need it: width and height in logical pixels rounded down to a step, brightness, calm."""

    width: int = 400
    height: int = 800
    dark: bool = False
    calm: bool = False
    inset_top: int = 0
    inset_bottom: int = 0

    @property
    def size(self) -> Literal["phone", "tablet", "desktop"]:
        """Phones have the navigation at the bottom, the others at the side; desktops have room for two columns."""
        if self.width < theme.RAIL_FROM:
            return "phone"
        return "tablet" if self.width < theme.WIDE_FROM else "desktop"

    def measure(self, page: ft.Page) -> None:
        """Takes over what the page now says of its window."""
        self.width = int(page.width or self.width) // STEP * STEP
        self.height = int(page.height or self.height) // STEP * STEP
        self.inset_top = int(page.media.padding.top) if page.media else 0
        self.inset_bottom = int(page.media.padding.bottom) if page.media else 0
        if page.theme_mode in (ft.ThemeMode.LIGHT, ft.ThemeMode.DARK):
            self.dark = page.theme_mode == ft.ThemeMode.DARK
        else:
            self.dark = page.platform_brightness == ft.Brightness.DARK


AppContext = ft.create_context(None)
WindowContext = ft.create_context(Window())
ShellContext = ft.create_context(None)
EVERYWHERE = "/"  # the address of what is on no page, such as the root
RouteContext = ft.create_context(EVERYWHERE)


def use_app() -> "App":
    """The app of this page."""
    return ft.use_context(AppContext)


def use_window() -> Window:
    """The window of this page; the component is drawn anew when it changes."""
    return ft.use_context(WindowContext)


def use_shell() -> "Shell":
    """The shell of this page, for what changes its language or its brightness."""
    return ft.use_context(ShellContext)


def use_route() -> str:
    """The address of the page that the component is on, even while another page lies over it."""
    return ft.use_context(RouteContext)


def go(route: str) -> None:
    """Leads to `route`; for event handlers."""
    ft.context.page.navigate(route)
