"""The root of the screens: dresses the page, follows its route and keeps it drawn."""

import logging
from typing import TYPE_CHECKING, Any

import flet as ft

from mirabelle.client.device.network import Network
from mirabelle.client.ui import routes
from mirabelle.client.ui.lock.watch import Watch
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import AppContext, RouteContext, ShellContext, Window, WindowContext, go
from mirabelle.client.ui.shared.frame import TAB_VIEW
from mirabelle.client.ui.shared.live import use_live
from mirabelle.contract.server_address import link_in_route

if TYPE_CHECKING:
    from mirabelle.client.app import App
    from mirabelle.client.home import Home

NOBODY = "nobody"  # is signed in, as against: nothing was drawn yet
log = logging.getLogger(__name__)

# With their regions, as calendars need them: digits, and the day that weeks begin with.
LOCALES = {"en": ft.Locale("en", "GB"), "fr": ft.Locale("fr", "FR"), "ar": ft.Locale("ar", "EG")}
THEME_MODES = {"light": ft.ThemeMode.LIGHT, "dark": ft.ThemeMode.DARK, "system": ft.ThemeMode.SYSTEM}


class Shell:
    """The screens of one page, from the first draw to the last. `home` is there in an installed app, which may have
    several accounts; `link` is one that opened the app and was not looked at yet."""

    link: str | None = None

    def __init__(self, page: ft.Page, app: "App", home: "Home | None" = None) -> None:
        self._page, self.app, self.home, self._window = page, app, home, Window()
        if home is not None:
            home.on_app = self.take
        self._last_role: str | None = None
        self._wanted: str | None = None
        self._last_subject = self._wanted_by = ""  # "" for whoever comes first
        self._has_come_in = False
        self.session_ended = self._is_over()
        self.on_top = ""  # the address of the page that is seen
        others = (language for language in app.languages if language != app.language)
        self.languages = (app.language, *others)  # the device's own first, and it stays there
        self._remounter = fixes.Remounter(page, _root, self._window, self)
        self._watch = Watch(page, lambda: self.app)

    async def mount(self) -> None:
        """Dresses the page and draws it."""
        fixes.apply()
        page = self._page
        self._network = Network(self._wake)
        page.route = self.arrive(page.route or "/")
        page.padding = 0
        page.fonts = {} if page.web else theme.FONTS  # a browser has them before it draws anything
        page.theme_animation_style = ft.AnimationStyle(duration=0)  # else the first frame fades in from Flet's own blue
        page.on_resize = page.on_media_change = page.on_platform_brightness_change = self._measure
        self.dress()

    def dress(self) -> None:
        """Puts the language and the brightness of the preferences on, and draws everything anew."""
        page, app = self._page, self.app
        programme = app.programme.current()
        page.title = programme.name if programme else "Mirabelle"
        page.rtl = app.t.rtl
        page.locale_configuration = ft.LocaleConfiguration(
            supported_locales=list(LOCALES.values()), current_locale=LOCALES[app.language]
        )
        page.theme_mode = THEME_MODES.get(app.preferences.get("theme"), ft.ThemeMode.SYSTEM)
        page.theme = theme.build(app.language, dark=False, calm=self._window.calm)
        page.dark_theme = theme.build(app.language, dark=True, calm=self._window.calm)
        self._window.measure(page)
        self._remounter.remount()

    def take(self, app: "App") -> None:
        """Goes on with another app, of another account or of nobody yet, from its first page."""
        role = app.session.role if app.session else None
        if role is None or self._last_role != NOBODY:  # who has just come in goes where newcomers go
            self._last_role, self._wanted, self._has_come_in = role or NOBODY, None, False
        self.app, self.session_ended = app, role is None and self._is_over()
        self._page.route = routes.home(role) if role is not None else "/"
        self.dress()
        self._page.navigate(self._page.route)

    def _is_over(self) -> bool:
        """Whether the account in use is there, and its session is not."""
        account = self.home.accounts.current if self.home is not None else None
        return account is not None and account.is_over

    def open_link(self, link: str) -> None:
        """Asks what to do about a link that somebody has pressed; it does nothing by itself."""
        self.link = link
        self.app.store.tell("link")
        self._page.navigate("/add")

    def arrive(self, route: str) -> str:
        """The page that a route leads to: of a link that opened the app, the one that asks."""
        link = link_in_route(route) if self.home is not None else None
        if link is None:
            return route
        self.link = link
        self.app.store.tell("link")
        return "/add"

    async def ask_for_calm(self) -> None:
        """Leaves motion out where the device says that its owner asked for that."""
        try:
            features = await ft.SemanticsService().get_accessibility_features()
        except Exception as fault:  # whatever a window that cannot say makes of the question
            log.info("whether to leave motion out is not to be had: %s", type(fault).__name__)
            return
        if features.disable_animations or features.reduce_motion:
            self._window.calm = True
            self._page.theme = theme.build(self.app.language, dark=False, calm=True)
            self._page.dark_theme = theme.build(self.app.language, dark=True, calm=True)
            self._page.update()

    def notice(self, route: str, role: str | None) -> None:
        """Takes in who is here and what they want to see; called at each draw, before the pages are."""
        asked = routes.find(route).place
        self._has_come_in |= role is not None and self._last_role == NOBODY
        if role is not None or asked.address == "/welcome":
            self.session_ended = False
        elif self._last_role not in (None, NOBODY):
            self.session_ended = True
        if role is None and asked.who not in ("guest", "anybody"):
            self._wanted, self._wanted_by = route, self._last_subject
        elif asked.address == "/welcome":
            self._wanted, self._last_subject = None, ""
        if self.app.session is not None:
            self._last_subject = self.app.session.subject
        self._last_role = role or NOBODY

    def correct_address(self, route: str, role: str | None) -> None:
        """An address that is not for this person gives way."""
        if role is None:
            return
        has_come_in, self._has_come_in = self._has_come_in, False
        if has_come_in:
            go(self._first_page(role))
        elif route not in ("", "/") and not routes.may_see(routes.find(route).place, role):
            go(routes.home(role))

    def _first_page(self, role: str) -> str:
        """Where someone who has just signed in goes: on with what they wanted, through the guide once, or home."""
        wanted, self._wanted = self._wanted, None
        subject = self.app.session.subject if self.app.session else ""
        if wanted and self._wanted_by in ("", subject) and routes.may_see(routes.find(wanted).place, role):
            return wanted
        if role == "participant" and self.app.preferences.get("guide_seen") is None:
            return "/guide"
        return routes.home(role)

    def _wake(self) -> None:
        self.app.wake()

    def _measure(self, _event: Any) -> None:
        self._window.measure(self._page)


@fixes.component
def _root(window: Window, shell: Shell) -> Any:
    page, app = ft.context.page, shell.app
    route, set_route = ft.use_state(page.route or "/")
    session = use_live(app, ("session",), lambda: app.session)
    is_open = use_live(app.lock, (), lambda: app.lock.is_open)
    role = session.role if session else None
    shell.notice(route, role)
    drawn: ft.Ref[dict[str, Any]] = ft.use_ref(dict)
    # What was drawn before the lock closed stays beneath it, with what is half typed; nothing new is drawn there.
    beneath: ft.Ref[tuple[str | None, list[routes.Visit]]] = ft.use_ref((role, []))
    if is_open:
        beneath.current = role, routes.visits(route, role)
        shell.on_top = beneath.current[1][-1].route
    elif beneath.current[0] != role:
        beneath.current, drawn.current = (role, []), {}
    pages = beneath.current[1]

    def follow() -> None:
        page.on_route_change = lambda event: set_route(shell.arrive(event.route))
        page.on_view_pop = lambda _event: (
            go(pages[-2].route if len(pages) > 1 else routes.home(role)) if app.lock.is_open else None
        )

    def put_dialogs_away() -> None:
        while not is_open and page.pop_dialog() is not None:  # also of a page that another one covers
            pass

    ft.use_effect(follow, [len(pages), role, route])
    ft.use_effect(lambda: shell.correct_address(route, role) if is_open else None, [role, route, is_open])
    ft.use_effect(put_dialogs_away, [is_open])
    ft.use_effect(shell.ask_for_calm, [])
    ft.use_effect(app.wake, [])  # drawn anew: a page that was away has come back

    def draw() -> list[Any]:
        """Only the page on top; those beneath stay as they were last seen, as drawing them costs as much."""
        if not is_open:
            return [*drawn.current.values(), _locked()]
        before = drawn.current
        seen = pages[-1]
        drawn.current = {
            **{page.route: before.get(page.route) or unseen(page) for page in pages[:-1]},
            seen.route: RouteContext(seen.route, lambda: seen.screen()(*seen.arguments, key=seen.route)),
        }
        return list(drawn.current.values())

    return ShellContext(shell, lambda: AppContext(app, lambda: WindowContext(window, draw)))


def unseen(visit: routes.Visit) -> ft.View:
    """Stands for a page beneath the one that is seen, until somebody goes back to it."""
    is_tab = visit.place.beneath is None and visit.place.who != "guest"
    return ft.View(route=TAB_VIEW if is_tab else visit.route, key=f"unseen-{visit.route}")


def _locked() -> Any:
    from mirabelle.client.ui.lock.screen import lock_screen

    return lock_screen(key="locked")
