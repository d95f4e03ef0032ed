"""Deleting the account: what is lost, in figures; one deliberate confirmation; and then nobody is signed in."""

from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.notices import refusal_of
from mirabelle.contract.account import Leaving, LostVoucher
from mirabelle.contract.translation import Translator


@screen
def leaving_screen() -> ft.View:
    """Connects the page to the app."""
    app = use_app()
    agreed, set_agreed = ft.use_state(False)
    look = use_command(app.leave.would_lose)
    currency, is_unknown = use_live(
        app,
        ("programme", "session"),
        lambda: (programme.currency if (programme := app.programme.current()) else "", app.leave.is_unknown),
    )

    async def leave() -> Any:
        answer = await app.leave()
        if not isinstance(answer, Refusal):
            await app.locked_out.nobody_is_left()
            go("/welcome")
        return answer

    async def look_first() -> None:
        await look()

    delete = use_command(leave)
    ft.use_effect(look_first, [])
    return leaving_view(app.t, look, delete, currency, agreed=agreed, on_agree=set_agreed, is_unknown=is_unknown)


def leaving_view(
    translate: Translator,
    look: Command,
    delete: Command,
    currency: str,
    *,
    agreed: bool,
    on_agree: Callable[[bool], Any],
    is_unknown: bool,
) -> ft.View:
    """The page from the commands that it runs."""
    parts: list[ft.Control] = [widgets.text(translate("leaving.hint"), theme.BODY_L)]
    losses: Leaving | None = look.done
    if look.running:
        parts.append(ft.ProgressBar())
    if look.failed is not None:
        parts.append(widgets.error_card(translate, look.failed, _retry(look)))
    if losses is not None:
        parts.append(widgets.card(_losses(translate, losses, currency)))
        parts += _ask(translate, losses, delete, agreed=agreed, on_agree=on_agree, is_unknown=is_unknown)
    column = ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(translate("leaving.title"), [column], back="/settings", width=theme.READING_WIDTH)


def _retry(command: Command) -> Callable[..., Any]:
    async def again(_event: Any) -> None:
        await command()

    return again


def _losses(translate: Translator, losses: Leaving, currency: str) -> ft.Control:
    lines = [widgets.text(translate("leaving.points", count=losses.points), theme.STRONG_L)]
    if losses.vouchers:
        lines.append(widgets.text(translate("leaving.vouchers", count=len(losses.vouchers)), theme.STRONG_L))
        lines += [widgets.text(_voucher(translate, one, currency), color=theme.QUIET) for one in losses.vouchers]
    return ft.Column(lines, spacing=theme.S, horizontal_alignment=ft.CrossAxisAlignment.STRETCH, key="losses")


def _voucher(translate: Translator, voucher: LostVoucher, currency: str) -> str:
    title = voucher.title.in_language(translate.language)
    return (
        title
        if voucher.left_minor is None
        else widgets.parted(translate, title, translate.money(voucher.left_minor, currency))
    )


def _ask(
    translate: Translator,
    losses: Leaving,
    delete: Command,
    *,
    agreed: bool,
    on_agree: Callable[[bool], Any],
    is_unknown: bool,
) -> list[ft.Control]:
    if losses.obstacle is not None:
        return [widgets.error_card(translate, refusal_of(losses.obstacle))]
    parts: list[ft.Control] = [
        widgets.text(translate("leaving.erased")),
        widgets.text(translate("leaving.orders")),
        ft.Checkbox(
            label=translate("leaving.agree"),
            value=agreed,
            disabled=delete.running,
            on_change=lambda _event: on_agree(not agreed),
            key="agree",
        ),
        widgets.primary_button(
            translate("leaving.delete"),
            _retry(delete),
            busy=delete.running,
            disabled=not agreed,
            style=ft.ButtonStyle(bgcolor=ft.Colors.ERROR, color=ft.Colors.ON_ERROR) if agreed else None,
            key="delete",
        ),
        widgets.quiet_button(
            translate("leaving.stay"), lambda _event: go("/settings"), disabled=delete.running, key="stay"
        ),
    ]
    if delete.failed is not None:
        safe = translate("leaving.unknown_safe") if is_unknown else None
        parts.insert(2, widgets.error_card(translate, delete.failed, safe=safe))
    return parts
