"""The root of the screens: dresses the page, follows its route and keeps it drawn."""

from typing import TYPE_CHECKING, Any

import flet as ft

from mirabelle.client.ui import routes
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import AppContext, DressContext, RouteContext, Window, WindowContext, go
from mirabelle.client.ui.shared.live import use_live

if TYPE_CHECKING:
    from mirabelle.client.wiring import App

THEME_MODES = {"light": ft.ThemeMode.LIGHT, "dark": ft.ThemeMode.DARK, "system": ft.ThemeMode.SYSTEM}


class Shell:
    """The screens of one page, from the first draw to the last."""

    def __init__(self, page: ft.Page, app: "App") -> None:
        self._page, self._app, self._window = page, app, Window()
        self._remounter = fixes.Remounter(page, _root, app, self._window, self)

    async def mount(self) -> None:
        """Dresses the page and draws it."""
        fixes.apply()
        page = self._page
        page.padding = 0
        page.fonts = theme.FONTS
        page.theme_animation_style = ft.AnimationStyle(duration=0)  # else the first frame fades in from Flet's own blue
        page.on_resize = page.on_media_change = page.on_platform_brightness_change = self._measure
        self.dress()

    def dress(self) -> None:
        """Puts the language and the brightness of the preferences on, and draws everything anew."""
        page, app = self._page, self._app
        programme = app.programme.current()
        page.title = programme.name if programme else "Mirabelle"
        page.rtl = app.t.rtl
        page.locale_configuration = ft.LocaleConfiguration(
            supported_locales=[ft.Locale(language) for language in ("en", "fr", "ar")],
            current_locale=ft.Locale(app.language),
        )
        page.theme_mode = THEME_MODES.get(app.preferences.get("theme"), ft.ThemeMode.SYSTEM)
        page.theme = theme.build(app.language, dark=False, calm=self._window.calm)
        page.dark_theme = theme.build(app.language, dark=True, calm=self._window.calm)
        self._window.measure(page)
        self._remounter.remount()

    async def ask_for_calm(self) -> None:
        """Leaves motion out where the device says that its owner asked for that."""
        try:
            features = await ft.SemanticsService().get_accessibility_features()
        except (TimeoutError, RuntimeError):  # a window that cannot say
            return
        if features.disable_animations:
            self._window.calm = True
            self._page.theme = theme.build(self._app.language, dark=False, calm=True)
            self._page.dark_theme = theme.build(self._app.language, dark=True, calm=True)
            self._page.update()

    def _measure(self, _event: Any) -> None:
        self._window.measure(self._page)


@fixes.component
def _root(app: "App", window: Window, shell: Shell) -> Any:
    page = ft.context.page
    route, set_route = ft.use_state(page.route or "/")
    wanted: ft.Ref[Any] = ft.use_ref(None)
    session = use_live(app, ("session",), lambda: app.session)
    role = session.role if session else None
    pages = routes.visits(route, role)

    def follow() -> None:
        page.on_route_change = lambda event: set_route(event.route)
        page.on_view_pop = lambda _event: go(pages[-2].route if len(pages) > 1 else routes.home(role))

    def correct_address() -> None:
        """An address that is not for this person gives way; one that needs a sign-in is kept for afterwards."""
        asked = routes.find(route)
        if role is None and asked.place.who not in ("guest", "anybody"):
            wanted.current = route
        elif role is not None and asked.place.who == "guest":
            kept, wanted.current = wanted.current, None
            go(kept if kept and routes.may_see(routes.find(kept).place, role) else routes.home(role))
        elif role is not None and not routes.may_see(asked.place, role):
            go(routes.home(role))

    ft.use_effect(follow, [len(pages), role, route])
    ft.use_effect(correct_address, [role, route])
    ft.use_effect(shell.ask_for_calm, [])

    def draw() -> list[Any]:
        return [
            RouteContext(visit.route, lambda visit=visit: visit.screen()(*visit.arguments, key=visit.route))
            for visit in pages
        ]

    return DressContext(shell.dress, lambda: AppContext(app, lambda: WindowContext(window, draw)))
