"""The settings: language, appearance, who is signed in, where secrets are kept, what this is."""

from collections.abc import Callable
from typing import Any, Final

import flet as ft

from mirabelle import __version__
from mirabelle.client.ui.accounts.cards import accounts_card
from mirabelle.client.ui.accounts.phone import phone_card
from mirabelle.client.ui.lock.card import lock_card
from mirabelle.client.ui.settings.own_data import own_data
from mirabelle.client.ui.settings.state import SettingsPage, read_settings
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app, use_shell
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.client.ui.welcome.screen import language_choices
from mirabelle.contract.translation import Translator

THEMES: Final = (
    ("system", ft.Icons.BRIGHTNESS_AUTO_OUTLINED),
    ("light", ft.Icons.LIGHT_MODE_OUTLINED),
    ("dark", ft.Icons.DARK_MODE_OUTLINED),
)


@screen
def settings_screen() -> ft.View:
    """Connects the page to the app."""
    app, shell = use_app(), use_shell()
    asks, set_asks = ft.use_state(False)
    page = use_live(
        app,
        ("session", "connection", "wallet", "programme", "till", "outbox", "offline_scans"),
        lambda: read_settings(app),
    )

    async def choose_language(language: str) -> None:
        await app.set_language(language)
        shell.dress()

    async def choose_theme(name: str) -> None:
        await app.preferences.set("theme", name)
        shell.dress()

    async def refresh() -> Any:
        return await app.sync()

    async def leave() -> None:
        await app.sign_in.sign_out()
        await app.locked_out.nobody_is_left()
        go("/welcome")

    sign_out = use_command(leave)
    use_dialog(_sign_out_dialog(app.t, page, sign_out, lambda: set_asks(False)) if asks else None)
    return settings_view(
        app.t, page, choose_language, choose_theme, use_command(refresh), lambda _event: set_asks(True)
    )


def settings_view(
    translate: Translator,
    page: SettingsPage,
    on_language: Callable[[str], Any],
    on_theme: Callable[[str], Any],
    refresh: Command,
    on_sign_out: Callable[..., Any],
) -> ft.View:
    """The page from plain values."""
    return widgets.page_frame(
        translate("shared.tab_settings"),
        [
            _who(translate, page, refresh, on_sign_out),
            *_accounts(translate),
            _group(translate("settings.language"), language_choices(page.languages, translate.language, on_language)),
            _group(translate("settings.appearance"), _theme_choices(translate, page.theme, on_theme)),
            *([] if page.is_staff else [_group(translate("reminders.title"), _reminders(translate))]),
            _group(translate("lock.title"), lock_card()),
            _group(translate("settings.secrets"), _secrets(translate, page)),
            *([] if page.is_staff else [_group(translate("settings.data"), own_data())]),
            *_phone(translate),
            _group(translate("settings.about"), _about(translate, page)),
        ],
        tab="settings",
        back=None if page.is_staff else "/wallet",
        width=680,
    )


def _accounts(translate: Translator) -> list[ft.Control]:
    """An installed app has accounts on servers of its choice."""
    return [_group(translate("accounts.title"), accounts_card())] if use_shell().home is not None else []


def _phone(translate: Translator) -> list[ft.Control]:
    """A browser's page belongs to the server that it comes from, and leads on to the app there."""
    is_own = ft.context.page.web and use_shell().home is None
    return [_group(translate("accounts.phone_title"), phone_card())] if is_own else []


def _group(title: str, content: ft.Control) -> ft.Control:
    return ft.Column(
        [widgets.heading(title, theme.STRONG_S, 2, color=theme.QUIET), widgets.card(content)],
        spacing=theme.S,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _who(translate: Translator, page: SettingsPage, refresh: Command, on_sign_out: Callable[..., Any]) -> ft.Control:
    async def ask(_event: Any) -> None:
        await refresh()

    when = (
        translate("settings.last_contact", time=widgets.kept_together(translate.date_time(page.last_contact)))
        if page.last_contact
        else translate("settings.no_contact")
    )
    who = ft.Row(
        [
            widgets.icon_disc(ft.Icons.STOREFRONT_OUTLINED if page.is_staff else ft.Icons.PERSON_OUTLINED, size=52),
            ft.Column(
                [
                    widgets.text(page.name or page.detail, theme.STRONG_L),
                    *([widgets.text(page.detail, color=theme.QUIET)] if page.name and page.detail else []),
                ],
                spacing=0,
                expand=True,
            ),
        ],
        spacing=theme.L,
    )
    contact = ft.Row(
        [
            ft.Container(widgets.text(when, theme.SMALL, theme.QUIET), expand=True),
            ft.ProgressRing(width=20, height=20, stroke_width=2.4)
            if refresh.running
            else widgets.icon_button(ft.Icons.REFRESH, translate("shared.refresh"), ask, key="refresh"),
        ]
    )
    leave = widgets.quiet_button(translate("settings.sign_out"), on_sign_out, icon=ft.Icons.LOGOUT, key="sign-out")
    failed = [widgets.error_card(translate, refresh.failed)] if refresh.failed is not None else []
    return widgets.card(
        ft.Column([who, contact, *failed, leave], spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    )


def _theme_choices(translate: Translator, chosen: str, on_theme: Callable[[str], Any]) -> ft.Control:
    def chip(name: str, icon: ft.IconData) -> ft.Control:
        async def choose(_event: Any) -> None:
            await on_theme(name)

        return widgets.chip(translate(f"settings.theme_{name}"), choose, selected=name == chosen, icon=icon)

    return ft.Row([chip(name, icon) for name, icon in THEMES], spacing=theme.S, wrap=True, run_spacing=theme.S)


def _reminders(translate: Translator) -> ft.Control:
    words = widgets.text(translate("reminders.hint"), color=theme.QUIET)
    way = widgets.quiet_button(
        translate("reminders.change"),
        lambda _event: go("/settings/reminders"),
        icon=ft.Icons.NOTIFICATIONS_OUTLINED,
        key="reminders",
    )
    stretch = ft.CrossAxisAlignment.STRETCH
    return ft.Column([words, way], spacing=theme.M, horizontal_alignment=stretch)


def _secrets(translate: Translator, page: SettingsPage) -> ft.Control:
    where = translate(f"settings.secrets_{page.secrets_kept}")
    if page.secrets_kept == "browser":
        hint = translate("settings.secrets_lasting_browser")
    else:
        hint = translate("settings.secrets_lasting" if page.secrets_last else "settings.secrets_passing")
    is_safe = page.secrets_last
    return ft.Row(
        [
            widgets.icon_disc(
                ft.Icons.LOCK_OUTLINE if is_safe else ft.Icons.LOCK_CLOCK,
                bgcolor=theme.GOOD_TINT if is_safe else theme.WARM_TINT,
                color=theme.ON_GOOD_TINT if is_safe else theme.ON_WARM_TINT,
            ),
            ft.Column(
                [widgets.text(where, theme.STRONG), widgets.text(hint, color=theme.QUIET)], spacing=2, expand=True
            ),
        ],
        spacing=theme.L,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )


def _about(translate: Translator, page: SettingsPage) -> ft.Control:
    lines: list[ft.Control] = [
        widgets.text(translate("settings.about_text"), theme.BODY),
        _pair(translate("settings.version"), __version__),
    ]
    if page.programme:
        lines.append(_pair(translate("settings.programme"), page.programme))
    if page.contact:
        lines.append(_pair(translate("settings.contact"), page.contact))
    lines.append(widgets.text(translate("settings.licences"), theme.SMALL, theme.QUIET))
    if not page.is_staff:
        lines.append(
            widgets.quiet_button(translate("settings.guide"), lambda _event: go("/guide"), icon=ft.Icons.AUTO_STORIES)
        )
    return ft.Column(lines, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _pair(name: str, value: str) -> ft.Control:
    return ft.Row(
        [
            ft.Container(widgets.text(name, color=theme.QUIET), expand=True),
            widgets.text(value, theme.LABEL, rtl=False),
        ]
    )


def _sign_out_dialog(
    translate: Translator, page: SettingsPage, sign_out: Command, on_close: Callable[[], Any]
) -> ft.AlertDialog:
    if page.scans:
        return _stay_dialog(translate, page.scans, on_close)

    async def leave(_event: Any) -> None:
        await sign_out()
        on_close()

    waiting = [widgets.text(translate(f"settings.waiting_{kind}", count=count)) for kind, count in page.waiting.items()]
    if waiting:
        waiting.append(widgets.text(translate("settings.waiting_do"), theme.STRONG))
    return ft.AlertDialog(
        title=translate("settings.sign_out_ask"),
        content=ft.Column([widgets.text(translate("settings.sign_out_hint")), *waiting], tight=True, width=360),
        actions=[
            widgets.text_button(translate("shared.cancel"), lambda _event: on_close(), key="stay"),
            widgets.primary_button(translate("settings.sign_out"), leave, busy=sign_out.running, key="leave"),
        ],
        on_dismiss=lambda _event: on_close(),
    )


def _stay_dialog(translate: Translator, scans: int, on_close: Callable[[], Any]) -> ft.AlertDialog:
    words = [translate("settings.scans_wait", count=scans), translate("settings.scans_wait_do")]
    return ft.AlertDialog(
        title=translate("settings.cannot_sign_out"),
        content=ft.Column([widgets.text(line) for line in words], tight=True, width=360),
        actions=[widgets.primary_button(translate("settings.stay"), lambda _event: on_close(), key="stay")],
        on_dismiss=lambda _event: on_close(),
    )
