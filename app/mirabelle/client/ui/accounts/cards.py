"""The accounts of this device: who is in use, who else is here, and what waits in each."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import flet as ft
import msgspec

from mirabelle.client.repositories.accounts import DEMO, Account
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app, use_shell
from mirabelle.client.ui.shared.fixes import component
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.contract.server_address import place_of
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.home import Home

_DIALOG_WIDTH: Final = 400


class Entry(msgspec.Struct, frozen=True):
    """An account as it is shown; `waiting` counts what was not sent yet, of those that are not in use."""

    account: Account
    is_current: bool
    waiting: int


def read_accounts(home: "Home") -> list[Entry]:
    """The list as it is now."""
    used = home.accounts.current
    return [
        Entry(one, one == used, 0 if one == used and home.app.session else home.waiting(one))
        for one in home.accounts.all
    ]


class Removal(msgspec.Struct, frozen=True):
    """The way to remove an account; `asked` is the one of which something would be lost, until that is agreed to."""

    command: Command
    asked: str
    ask: Callable[[str], None]


def _use_removal(home: "Home | None") -> Removal:
    async def remove(account: Account, agreed: int) -> bool:
        assert home is not None
        return await home.forget(account, agreed)

    asked, ask = ft.use_state("")
    return Removal(use_command(remove), asked, ask)


@component
def accounts_card() -> ft.Control:
    """All accounts of this device, and the way to one more."""
    app, home = use_app(), use_shell().home
    assert home is not None
    entries = use_live(app, ("session", "accounts"), lambda: read_accounts(home))
    switch, removal = use_command(home.switch), _use_removal(home)
    rows = [_row(app.t, entry, switch, removal, is_used=app.session is not None) for entry in entries]
    how = [widgets.text(app.t("accounts.one_at_a_time"), theme.SMALL, theme.QUIET)] if len(rows) > 1 else []
    return ft.Column(
        [
            *rows,
            *_failed(app.t, switch, removal.command),
            *how,
            widgets.quiet_button(
                app.t("accounts.add"), lambda _event: go("/add"), icon=ft.Icons.ADD, key="add-account"
            ),
        ],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


@component
def others_card() -> ft.Control:
    """Where nobody is signed in: the accounts to go on with."""
    app, home = use_app(), use_shell().home
    assert home is not None
    entries = use_live(app, ("session", "accounts"), lambda: read_accounts(home))
    switch, removal = use_command(home.switch), _use_removal(home)
    rows = [_row(app.t, entry, switch, removal, is_used=False) for entry in entries]
    title = widgets.heading(app.t("accounts.go_on_as"), theme.STRONG_S, 2, color=theme.QUIET)
    body = ft.Column([title, *rows, *_failed(app.t, switch, removal.command)], spacing=theme.M)
    return widgets.card(body)


@component
def account_switch(color: ft.ColorValue | None = None) -> ft.Control:
    """The way to another account from the head of a page; nothing where there is no other."""
    app, home = use_app(), use_shell().home
    others = use_live(app, ("session", "accounts"), lambda: home.accounts.others() if home is not None else [])
    asks, ask = ft.use_state(False)

    async def go_on(account: Account) -> None:
        assert home is not None
        ask(False)
        await home.switch(account)

    def close(_event: Any = None) -> None:
        ask(False)
        switch.forget()
        removal.ask("")
        removal.command.forget()

    switch, removal = use_command(go_on), _use_removal(home)
    dialog = None
    if home is not None and others and (asks or switch.failed is not None):
        entries = [Entry(one, False, home.waiting(one)) for one in others]  # which opens the file of each
        rows = [_row(app.t, entry, switch, removal, is_used=False) for entry in entries]
        dialog = _dialog(app.t, [*rows, *_failed(app.t, switch, removal.command)], close)
    use_dialog(dialog)
    if not others:
        return ft.Container(visible=False)
    return widgets.icon_button(
        ft.Icons.SWITCH_ACCOUNT_OUTLINED, app.t("accounts.change"), lambda _event: ask(True), color=color,
        key="change-account",
    )  # fmt: skip


def _dialog(translate: Translator, parts: list[ft.Control], on_close: Callable[..., Any]) -> ft.AlertDialog:
    return ft.AlertDialog(
        title=translate("accounts.go_on_as"),
        content=ft.Column(parts, spacing=theme.S, tight=True, width=_DIALOG_WIDTH),
        scrollable=True,
        actions=[ft.TextButton(translate("shared.cancel"), on_click=on_close, key="keep")],
        on_dismiss=on_close,
    )


def _failed(translate: Translator, *commands: Command) -> list[ft.Control]:
    cards: list[ft.Control] = []
    for command in commands:
        if command.failed is not None:
            cards.append(widgets.error_card(translate, command.failed))
        elif command.done is False:
            cards.append(widgets.banner(ft.Icons.SAVE_OUTLINED, translate("accounts.cannot_remove"), warm=True))
    return cards


def _row(translate: Translator, entry: Entry, switch: Command, removal: Removal, *, is_used: bool) -> ft.Control:
    account, in_use = entry.account, entry.is_current and is_used

    async def choose(_event: Any) -> None:
        await switch(account)

    who = account.name or translate(f"accounts.as_{account.role}")
    where = place_of(account.server) if account.server != DEMO else translate("accounts.demo")
    lines: list[ft.Control] = [
        widgets.text(who, theme.STRONG),
        widgets.text(widgets.parted(translate, account.programme, where), theme.SMALL, theme.QUIET),
    ]
    if entry.waiting:
        words = translate(f"accounts.waiting_{account.role}", count=entry.waiting)
        lines.append(widgets.text(words, theme.SMALL, theme.ON_WARM_TINT, bgcolor=theme.WARM_TINT))
    if account.is_over:
        lines.append(widgets.text(translate("accounts.over"), theme.SMALL, theme.QUIET))
    icon = ft.Icons.STOREFRONT_OUTLINED if account.role == "staff" else ft.Icons.PERSON_OUTLINED
    parts: list[ft.Control] = [widgets.icon_disc(icon), ft.Column(lines, spacing=2, expand=True)]
    parts.append(_end(translate, entry, removal, in_use=in_use))
    label = translate("accounts.in_use" if in_use else "accounts.switch", name=who, place=where)
    row = ft.Container(
        ft.Row(parts, spacing=theme.M, vertical_alignment=ft.CrossAxisAlignment.CENTER),
        padding=ft.Padding.symmetric(vertical=theme.S),
        border_radius=theme.CORNER,
        ink=not in_use,
        on_click=None if in_use or switch.running else choose,
        key=f"account-{account.id}",
        tooltip=label,
    )
    shown = ft.Semantics(button=not in_use, selected=in_use, container=True, content=row)
    if removal.asked != account.id or not _may_go(entry):
        return shown
    return ft.Column([shown, _question(translate, entry, removal)], spacing=theme.S)


def _may_go(entry: Entry) -> bool:
    """Whether what waits in it is nobody's but the person's own."""
    return entry.account.is_over and (not entry.waiting or entry.account.role == "participant")


def _question(translate: Translator, entry: Entry, removal: Removal) -> ft.Control:
    async def remove(_event: Any) -> None:
        await removal.command(entry.account, entry.waiting)
        removal.ask("")

    words = translate("accounts.remove_ask", count=entry.waiting), translate("accounts.remove_ask_hint")
    buttons: list[ft.Control] = [
        widgets.quiet_button(translate("accounts.remove_anyway"), remove, key="remove-anyway"),
        widgets.text_button(translate("shared.cancel"), lambda _event: removal.ask(""), key="keep-account"),
    ]
    banner = widgets.banner(ft.Icons.WARNING_AMBER, *words, warm=True)
    return ft.Column([banner, ft.Row(buttons, wrap=True)], spacing=theme.S)


def _end(translate: Translator, entry: Entry, removal: Removal, *, in_use: bool) -> ft.Control:
    async def remove(_event: Any) -> None:
        if entry.waiting:
            removal.ask(entry.account.id)
        else:
            await removal.command(entry.account, 0)

    if in_use:
        return ft.Icon(ft.Icons.CHECK_CIRCLE, color=theme.OURS, semantics_label=translate("accounts.used"))
    if _may_go(entry):
        label = translate("accounts.remove")
        return widgets.icon_button(ft.Icons.CLOSE, label, remove, key=f"remove-{entry.account.id}")
    return ft.Icon(ft.Icons.CHEVRON_RIGHT, color=theme.QUIET)
