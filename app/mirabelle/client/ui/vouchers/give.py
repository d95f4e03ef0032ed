"""Giving a voucher to somebody: to whom, are you sure, done."""

from dataclasses import dataclass
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.addresses import looks_like_an_address
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.notices import late_card, seen_late
from mirabelle.contract import limits
from mirabelle.contract.messages import Voucher
from mirabelle.contract.translation import Translator


@ft.observable
@dataclass
class Giving:
    """To whom; `asked` once the person wants it given and has to confirm."""

    recipient: str = ""
    asked: bool = False


@screen
def give_screen(id: str) -> ft.View:
    """Connects the page of the voucher `id` to the app."""
    app = use_app()
    state, _ = ft.use_state(Giving)
    voucher, last = use_live(app, ("vouchers", "outbox"), lambda: (app.vouchers.get(id), app.give_voucher.last(id)))

    async def give() -> Any:
        answer = await app.give_voucher(id, state.recipient.strip())
        state.asked = False
        return answer

    command = use_command(give)
    back = f"/vouchers/{id}"
    if voucher is None or voucher.state not in ("ready", "given"):
        controls = _not_here(app.t)
    elif voucher.state == "given":
        controls = _done(app.t, voucher)
    elif last is not None and last.state != "refused" and not command.running:
        controls = _unknown(app.t)
    elif state.asked:
        controls = _confirm(app.t, state, voucher, command)
    else:
        controls = _form(app.t, state)
        if command.failed is not None:
            controls.append(widgets.error_card(app.t, command.failed))
    # Of a voucher that is given the page itself says what came of it.
    is_given = voucher is not None and voucher.state == "given"
    late = seen_late(last) if not is_given and command.failed is None and not state.asked else None
    if late is not None and last is not None:
        controls.append(late_card(app.t, late, lambda: app.outbox.drop(last.key)))
    column = ft.Column(controls, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(app.t("vouchers.give"), [column], back=back, width=theme.READING_WIDTH)


def _form(translate: Translator, state: Giving) -> list[ft.Control]:
    def typed(event: Any) -> None:
        state.recipient = event.control.value

    def ask(_event: Any) -> None:
        if looks_like_an_address(state.recipient):
            state.asked = True

    return [
        widgets.text(translate("vouchers.give_hint"), theme.BODY_L, theme.QUIET),
        widgets.field(
            translate("transfer.recipient"),
            state.recipient,
            typed,
            keyboard_type=ft.KeyboardType.EMAIL,
            autocorrect=False,
            max_length=limits.EMAIL_CHARACTERS,
            counter="",
            on_submit=ask,
            key="recipient",
        ),
        widgets.primary_button(
            translate("shared.continue"), ask, disabled=not looks_like_an_address(state.recipient), key="continue"
        ),
    ]


def _confirm(translate: Translator, state: Giving, voucher: Voucher, command: Command) -> list[ft.Control]:
    async def confirm(_event: Any) -> None:
        await command()

    def back(_event: Any) -> None:
        state.asked = False

    recipient = widgets.apart(translate, state.recipient.strip(), "\u2066")
    title = voucher.title.in_language(translate.language)
    return [
        widgets.heading(translate("vouchers.give_ask", title=title, recipient=recipient), theme.TITLE),
        widgets.text(translate("vouchers.give_for_good"), theme.BODY_L, theme.QUIET),
        widgets.primary_button(translate("vouchers.give_confirm"), confirm, busy=command.running, key="confirm"),
        widgets.quiet_button(translate("shared.back"), back, disabled=command.running, key="back-to-form"),
    ]


def _done(translate: Translator, voucher: Voucher) -> list[ft.Control]:
    recipient = widgets.apart(translate, voucher.given_to or "", "\u2066")
    return [
        widgets.empty_state(
            ft.Icons.CARD_GIFTCARD, translate("vouchers.given_to", recipient=recipient),
            translate("vouchers.is_given_hint"), translate("vouchers.to_vouchers"), lambda _event: go("/vouchers"),
        )
    ]  # fmt: skip


def _unknown(translate: Translator) -> list[ft.Control]:
    return [
        widgets.empty_state(
            ft.Icons.HOURGLASS_TOP, translate("vouchers.is_giving"), translate("vouchers.is_giving_hint"),
            translate("vouchers.to_vouchers"), lambda _event: go("/vouchers"),
        )
    ]  # fmt: skip


def _not_here(translate: Translator) -> list[ft.Control]:
    return [
        widgets.empty_state(
            ft.Icons.CARD_GIFTCARD, translate("reasons.voucher_over"), translate("reasons.voucher_over_do"),
            translate("vouchers.to_vouchers"), lambda _event: go("/vouchers"),
        )
    ]  # fmt: skip
