"""Signing in with a code that comes by e-mail."""

from collections.abc import Sequence
from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.repositories.kept_tills import KeptTill
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.till.kept import kept_cards
from mirabelle.client.ui.welcome.poster import with_poster
from mirabelle.client.ui.welcome.state import SigningIn
from mirabelle.contract import limits
from mirabelle.contract.places import MAIL_FOLDER
from mirabelle.contract.reasons import Reason
from mirabelle.contract.translation import Translator


@screen
def sign_in_screen() -> ft.View:
    """Connects the page to the app."""
    app, window = use_app(), use_window()
    programme = use_live(app, ("programme",), app.programme.current)
    state, _ = ft.use_state(SigningIn)
    kept = use_live(app, ("session", "offline_scans"), app.kept_tills)

    async def send() -> Any:
        email = state.email.strip()
        answer = await app.sign_in.request_code(email)
        state.sent_to, state.code = email, ""
        return answer

    async def enter() -> Any:
        return await app.sign_in.with_code(state.sent_to, state.digits)

    return sign_in_view(
        app.t,
        window,
        state,
        use_command(send),
        use_command(enter),
        kept,
        name=programme.name if programme else "Mirabelle",
        is_demo=programme is not None and programme.demo,
    )


def sign_in_view(
    translate: Translator,
    window: Window,
    state: SigningIn,
    send: Command,
    enter: Command,
    kept: Sequence[KeptTill],
    *,
    name: str,
    is_demo: bool,
) -> ft.View:
    """The page from plain values: first the address, then the code."""
    if state.sent_to and send.failed is None:
        controls = _code_step(translate, state, send, enter, is_demo)
    else:
        controls = [*kept_cards(translate, kept), *_email_step(translate, state, send)]
    title = translate("welcome.sign_in_title")
    if window.size != "phone":
        back = widgets.icon_button(
            ft.Icons.ARROW_BACK, translate("shared.back"), lambda _event: go("/welcome"), key="back"
        )
        head = ft.Row([back, widgets.heading(title, theme.TITLE)], spacing=theme.S)
        body = with_poster(translate, window, name, [head, *controls])
        return ft.View(route="/sign-in", controls=[body], padding=0, spacing=0)
    column = ft.Column(controls, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return widgets.page_frame(title, [column], back="/welcome")


def _email_step(translate: Translator, state: SigningIn, send: Command) -> list[ft.Control]:
    async def submit(_event: Any) -> None:
        if state.email_looks_right:
            await send()

    def typed(event: Any) -> None:
        state.email = event.control.value

    field = widgets.field(
        translate("welcome.email"),
        state.email,
        typed,
        keyboard_type=ft.KeyboardType.EMAIL,
        autofocus=True,
        autofill_hints=ft.AutofillHint.EMAIL,
        on_submit=submit,
        autocorrect=False,
        key="email",
        text_align=ft.TextAlign.START,
        max_length=limits.EMAIL_CHARACTERS,
        counter="",
    )
    controls: list[ft.Control] = [
        widgets.text(translate("welcome.email_hint"), theme.BODY_L, theme.QUIET),
        field,
        widgets.primary_button(
            translate("welcome.send_code"), submit, busy=send.running, disabled=not state.email_looks_right, key="send"
        ),
    ]
    if send.failed is not None:
        controls.append(_no_code(translate, send.failed))
    controls.append(widgets.text_button(translate("till.enrol"), lambda _event: go("/enrol"), key="enrol"))
    return controls


def _no_code(translate: Translator, failed: Refusal | Exception) -> ft.Control:
    """Why no code was sent. Its limit is by the hour: the usual words for too many tries speak of a minute."""
    if isinstance(failed, Refusal) and failed.reason == Reason.RATE_LIMITED:
        hint = translate("welcome.too_many_codes_hint", count=limits.SIGN_IN_CODES_PER_HOUR)
        return widgets.banner(ft.Icons.HOURGLASS_TOP, translate("welcome.too_many_codes"), hint, warm=True)
    return widgets.error_card(translate, failed)


def _code_step(
    translate: Translator, state: SigningIn, send: Command, enter: Command, is_demo: bool
) -> list[ft.Control]:
    async def submit(_event: Any) -> None:
        if state.code_is_whole:
            await enter()

    async def typed(event: Any) -> None:
        enter.forget()
        state.code = event.control.value

    async def again(_event: Any) -> None:
        enter.forget()
        await send()

    def other_address(_event: Any) -> None:
        enter.forget()
        state.sent_to = ""

    sent = translate(
        "welcome.code_sent", email=widgets.apart(translate, state.sent_to), count=limits.SIGN_IN_CODE_MINUTES
    )
    controls: list[ft.Control] = [
        widgets.text(sent, theme.BODY_L, theme.QUIET),
        widgets.field(
            translate("welcome.code"),
            state.code,
            typed,
            keyboard_type=ft.KeyboardType.NUMBER,
            autofocus=True,
            autofill_hints=ft.AutofillHint.ONE_TIME_CODE,
            on_submit=submit,
            key="code",
            text_align=ft.TextAlign.CENTER,
            max_length=12,
            counter="",
            rtl=False,
            text_style=ft.TextStyle(size=26, letter_spacing=8, font_family=theme.family("en", "SemiBold")),
        ),
        widgets.primary_button(
            translate("welcome.enter"), submit, busy=enter.running, disabled=not state.code_is_whole, key="enter"
        ),
        ft.Row(
            [
                widgets.text_button(translate("welcome.send_again"), again, disabled=send.running),
                widgets.text_button(translate("welcome.other_email"), other_address),
            ],
            alignment=ft.MainAxisAlignment.SPACE_BETWEEN,
            wrap=True,
        ),
    ]
    if enter.failed is not None:
        controls.insert(2, widgets.error_card(translate, enter.failed))
    if is_demo:
        controls.append(
            widgets.banner(
                ft.Icons.MARK_EMAIL_UNREAD_OUTLINED,
                translate("welcome.outbox"),
                translate("welcome.outbox_hint", folder=MAIL_FOLDER),
            )
        )
    return controls
