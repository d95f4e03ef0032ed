"""Sending points to somebody: to whom, how many, are you sure, done."""

from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.repositories.outbox import Entry
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.notices import late_card, seen_late
from mirabelle.client.ui.transfer.state import Sending
from mirabelle.contract import limits
from mirabelle.contract.translation import Translator

POINTS_DIGITS = 12


@screen
def transfer_screen() -> ft.View:
    """Connects the page to the app."""
    app = use_app()
    state, _ = ft.use_state(Sending)
    wallet, programme, last = use_live(
        app,
        ("wallet", "programme", "outbox"),
        lambda: (app.wallet.current(), app.programme.current(), app.send_points.last()),
    )

    async def send() -> Any:
        answer = await app.send_points(state.recipient.strip(), state.points)
        if not isinstance(answer, Refusal):
            state.sent = answer
        state.asked = False
        return answer

    command = use_command(send)
    at_least = programme.transfers_from if programme else None
    available = wallet.available if wallet else 0
    if state.sent is not None:
        controls = _done(app.t, state)
    elif at_least is None:
        controls = _not_here(app.t)
    elif last is not None and last.state != "refused" and not command.running:
        controls = _unknown(app.t, last)
    elif state.asked:
        controls = _confirm(app.t, state, command)
    else:
        controls = _form(app.t, state, available, at_least)
        if command.failed is not None:
            controls.append(widgets.error_card(app.t, command.failed))
    late = seen_late(last) if command.failed is None and not state.asked and state.sent is None else None
    if late is not None and last is not None:
        controls.append(late_card(app.t, late, lambda: app.outbox.drop(last.key)))
    column = ft.Column(controls, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(app.t("transfer.title"), [column], back="/wallet", width=theme.READING_WIDTH)


def _form(translate: Translator, state: Sending, available: int, at_least: int) -> list[ft.Control]:
    def recipient_typed(event: Any) -> None:
        state.recipient = event.control.value

    def points_typed(event: Any) -> None:
        state.typed_points = event.control.value

    def ask(_event: Any) -> None:
        if state.may_ask(available, at_least):
            state.asked = True

    obstacle = state.obstacle(available, at_least)
    error = None if obstacle is None else translate(f"transfer.{obstacle}", count=at_least)
    return [
        widgets.text(translate("transfer.hint"), theme.BODY_L, theme.QUIET),
        widgets.field(
            translate("transfer.recipient"),
            state.recipient,
            recipient_typed,
            keyboard_type=ft.KeyboardType.EMAIL,
            autocorrect=False,
            max_length=limits.EMAIL_CHARACTERS,
            counter="",
            key="recipient",
        ),
        widgets.field(
            translate("transfer.points"),
            state.typed_points,
            points_typed,
            keyboard_type=ft.KeyboardType.NUMBER,
            max_length=POINTS_DIGITS,
            counter="",
            helper=translate("transfer.you_have", count=available),
            error=error,
            on_submit=ask,
            key="points",
        ),
        widgets.primary_button(
            translate("shared.continue"), ask, disabled=not state.may_ask(available, at_least), key="continue"
        ),
    ]


def _confirm(translate: Translator, state: Sending, command: Command) -> list[ft.Control]:
    async def confirm(_event: Any) -> None:
        await command()

    def back(_event: Any) -> None:
        state.asked = False

    asked = translate(
        "transfer.ask", count=state.points, recipient=widgets.apart(translate, state.recipient.strip(), "\u2066")
    )
    return [
        widgets.heading(asked, theme.TITLE),
        widgets.text(translate("transfer.for_good"), theme.BODY_L, theme.QUIET),
        widgets.primary_button(
            translate("transfer.send", count=state.points), confirm, busy=command.running, key="confirm"
        ),
        widgets.quiet_button(translate("shared.back"), back, disabled=command.running, key="back-to-form"),
    ]


def _done(translate: Translator, state: Sending) -> list[ft.Control]:
    assert state.sent is not None
    return [
        widgets.empty_state(
            ft.Icons.CHECK,
            translate("transfer.sent", count=state.sent.points),
            translate("transfer.left", count=state.sent.available_after),
            translate("shared.tab_wallet"),
            lambda _event: go("/wallet"),
        )
    ]


def _unknown(translate: Translator, last: Entry) -> list[ft.Control]:
    recipient = widgets.apart(translate, last.subject, "\u2066")
    return [
        widgets.empty_state(
            ft.Icons.HOURGLASS_TOP,
            translate("transfer.unknown", recipient=recipient),
            translate("transfer.unknown_safe"),
            translate("shared.tab_wallet"),
            lambda _event: go("/wallet"),
        )
    ]


def _not_here(translate: Translator) -> list[ft.Control]:
    return [
        widgets.empty_state(
            ft.Icons.SEND_OUTLINED,
            translate("reasons.transfers_not_allowed"),
            translate("reasons.transfers_not_allowed_do"),
            translate("shared.tab_wallet"),
            lambda _event: go("/wallet"),
        )
    ]
