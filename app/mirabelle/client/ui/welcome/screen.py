"""The first page: choose a language, try the demo, or sign in."""

from collections.abc import Callable
from typing import Any, Final

import flet as ft

from mirabelle.client.home import NOWHERE
from mirabelle.client.repositories.accounts import DEMO
from mirabelle.client.store.opening import Mishap
from mirabelle.client.ui.accounts.cards import others_card
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_shell, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.notices import mishap_banner
from mirabelle.client.ui.welcome.poster import with_poster
from mirabelle.contract.account import Left
from mirabelle.contract.translation import Translator

LANGUAGE_NAMES: Final = {"en": "English", "fr": "Français", "ar": "العربية"}  # each in its own, in every language


@screen
def welcome_screen() -> ft.View:
    """Connects the first page to the app."""
    app, window, shell = use_app(), use_window(), use_shell()
    programme = use_live(app, ("programme",), app.programme.current)
    home = shell.home
    accounts = use_live(app, ("accounts",), lambda: len(home.accounts.all) if home is not None else 0)
    is_new = home is not None and app.server == NOWHERE
    is_ending = use_live(app, ("session",), lambda: app.is_ending)
    demo = use_command(home.try_demo if is_new else app.sign_in.demo)

    async def choose(language: str) -> None:
        await app.set_language(language)
        shell.dress()

    return welcome_view(
        app.t,
        window,
        name=programme.name if programme else "Mirabelle",
        has_demo=programme.demo if programme is not None else app.server in (None, NOWHERE, DEMO),
        languages=shell.languages,
        on_language=choose,
        on_demo=demo,
        running=demo.running,
        failed=demo.failed,
        session_ended=shell.session_ended,
        mishap=app.cannot_open,
        left=app.left,
        is_ending=is_ending,
        is_new=is_new,
        can_join=home is not None,
        others=others_card() if accounts else None,
    )


def welcome_view(
    translate: Translator,
    window: Window,
    *,
    name: str,
    has_demo: bool,
    languages: tuple[str, ...],
    on_language: Callable[[str], Any],
    on_demo: Callable[[str], Any],
    running: bool,
    failed: Any,
    session_ended: bool = False,
    mishap: Mishap | None = None,
    left: Left | None = None,
    is_ending: bool = False,
    is_new: bool = False,
    can_join: bool = False,
    others: ft.Control | None = None,
) -> ft.View:
    """The first page from plain values. An installed app `is_new` until it knows a server; it `can_join` other
    programmes, and `others` are the accounts that it has. While it `is_ending` the secret store may hold a session."""
    ways = _ways_in(translate, has_demo, on_demo, running, failed, is_new=is_new, can_join=can_join)
    if others is not None:
        ways.insert(0, others)
    if left is not None:
        gone = translate("welcome.left"), translate("welcome.left_hint", count=left.points)
        ways.insert(0, widgets.banner(ft.Icons.CHECK_CIRCLE_OUTLINE, *gone))
    elif session_ended:
        ended = translate("welcome.session_ended"), translate("welcome.session_ended_hint")
        ways.insert(0, widgets.banner(ft.Icons.LOCK_CLOCK, *ended, warm=True))
    if is_ending:
        held = translate("welcome.still_held"), translate("welcome.still_held_hint")
        ways.insert(0, widgets.banner(ft.Icons.KEY, *held, warm=True))
    if mishap is not None:
        ways.insert(0, mishap_banner(translate, mishap))
    choices = ft.Container(
        language_choices(languages, translate.language, on_language, ft.MainAxisAlignment.CENTER),
        padding=ft.Padding.only(bottom=theme.S),
    )
    body = with_poster(translate, window, name, [choices, *ways])
    return ft.View(route="/welcome", controls=[body], padding=0, spacing=0, can_pop=False)


def language_choices(
    languages: tuple[str, ...],
    chosen: str,
    on_language: Callable[[str], Any],
    alignment: ft.MainAxisAlignment = ft.MainAxisAlignment.START,
) -> ft.Control:
    """One chip a language, each written as those who read it write it."""

    def chip(language: str) -> ft.Control:
        async def choose(_event: Any) -> None:
            await on_language(language)

        return widgets.chip(LANGUAGE_NAMES[language], choose, selected=language == chosen)

    return ft.Row(
        [chip(language) for language in languages], spacing=theme.S, wrap=True, run_spacing=theme.S, alignment=alignment
    )


def _ways_in(
    translate: Translator, has_demo: bool, on_demo: Callable[[str], Any], running: bool, failed: Any, *,
    is_new: bool, can_join: bool,
) -> list[ft.Control]:  # fmt: skip
    async def as_participant(_event: Any) -> None:
        await on_demo("participant")

    async def as_staff(_event: Any) -> None:
        await on_demo("staff")

    ways: list[ft.Control] = []
    if has_demo:
        ways += [
            widgets.primary_button(
                translate("welcome.try_participant"),
                as_participant,
                icon=ft.Icons.CARD_GIFTCARD,
                busy=running,
                key="try-participant",
            ),
            widgets.quiet_button(
                translate("welcome.try_staff"),
                as_staff,
                icon=ft.Icons.QR_CODE_SCANNER,
                disabled=running,
                key="try-staff",
            ),
            widgets.text(translate("welcome.demo_hint"), theme.SMALL, theme.QUIET, text_align=ft.TextAlign.CENTER),
            ft.Divider(),
        ]
    make = widgets.text_button if has_demo else widgets.primary_button
    if not is_new:
        ways.append(make(translate("welcome.sign_in"), lambda _event: go("/sign-in"), key="sign-in"))
    if can_join:
        words = translate("accounts.join_first" if is_new else "accounts.join_other")
        ways.append(
            widgets.quiet_button(words, lambda _event: go("/add"), icon=ft.Icons.ADD_LINK, key="add")
            if is_new
            else widgets.text_button(words, lambda _event: go("/add"), key="add")
        )
    if failed is not None:
        ways.insert(0, widgets.error_card(translate, failed))
    return ways
