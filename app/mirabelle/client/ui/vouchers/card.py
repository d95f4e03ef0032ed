"""The white card of a voucher: its code, live, or what stands in the code's place."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.command import Command
from mirabelle.client.ui.shared.context import Window, go, use_app
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import apart, kept_together, parted, picture, text
from mirabelle.client.ui.vouchers.balance import is_spent, left_told
from mirabelle.client.ui.vouchers.challenge import challenge_part
from mirabelle.client.ui.vouchers.qr import code_picture
from mirabelle.client.ui.vouchers.state import Showing, showing, works_offline
from mirabelle.contract.messages import Reward, Voucher
from mirabelle.contract.translation import Translator
from mirabelle.rules.frame import WINDOW_SECONDS

# The card is white in both themes, since the code on it must be.
_INK: Final = theme.INK
_QUIET: Final = "#675562"
_LINE: Final = "#EADFE7"
_GOOD: Final = "#1A5A33"
_GOOD_TINT: Final = "#E2F2E7"
_WARM: Final = "#6B4300"
_WARM_TINT: Final = "#FFEFD0"
CARD_WIDTH: Final = 520


@dataclass(frozen=True)
class Held:
    """A voucher in the hand: `store` is empty where any will do; `left` are those to be used of several uses;
    `ask_at` is where to ask about it. Money on it is in `currency`, and `stores` names those that took some."""

    voucher: Voucher
    reward: Reward | None
    store: str
    state: Showing
    left: Sequence[Voucher] = ()
    ask_at: str = ""
    currency: str = ""
    stores: Mapping[str, str] = field(default_factory=dict)


def voucher_card(translate: Translator, window: Window, held: Held, renew: Command) -> ft.Control:
    """The voucher: what it is for, and its code or why there is none."""
    width = ft.context.page.width or window.width
    inside = _live_parts(translate, held, width) if held.state == "live" else [_instead(translate, held, renew)]
    column = ft.Column(
        [_title(translate, held), ft.Divider(color=_LINE), *inside],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    return ft.Container(
        column,
        bgcolor=ft.Colors.WHITE,
        border_radius=theme.CORNER_XL,
        padding=ft.Padding.symmetric(vertical=20),
        width=min(width, CARD_WIDTH),
        key="card",
    )


def _title(translate: Translator, held: Held) -> ft.Control:
    voucher = held.voucher
    parts: list[ft.Control] = []
    if held.reward is not None:
        parts.append(picture(held.reward, dark=False, height=60, corner=theme.CORNER, width=60, share=0.8))
    where = held.store or translate("vouchers.any_store")
    until = translate("vouchers.until", date=translate.date(last_moment(voucher.expires_at), "day"))
    words = [
        text(voucher.title.in_language(translate.language), theme.STRONG_L, _INK),
        text(parted(translate, where, until), theme.SMALL, _QUIET),
    ]
    if voucher.out_of > 1:
        left = translate("vouchers.left", left=len(held.left), of=voucher.out_of)
        words.append(text(left, theme.SMALL, _QUIET, key="left"))
    if voucher.balance is not None:
        words.append(text(left_told(translate, voucher.balance, held.currency), theme.STRONG, _INK, key="balance"))
    if voucher.given_by is not None:
        words.append(
            text(translate("vouchers.given_by", giver=apart(translate, voucher.given_by)), theme.SMALL, _QUIET)
        )
    parts.append(ft.Column(words, spacing=2, expand=True))
    return ft.Container(ft.Row(parts, spacing=theme.L), padding=ft.Padding.symmetric(horizontal=20))


def _live_parts(translate: Translator, held: Held, room: float) -> list[ft.Control]:
    voucher = held.voucher
    if works_offline(voucher):
        until = kept_together(translate.weekday_time(min(voucher.lease_ends_at, voucher.expires_at)))
        note = _note(ft.Icons.CLOUD_OFF_OUTLINED, translate("vouchers.offline_until", time=until), _GOOD, _GOOD_TINT)
    else:
        note = _note(ft.Icons.CLOUD_OUTLINED, translate("vouchers.needs_network"), _WARM, _WARM_TINT)
    return [
        live_code(voucher, int(min(room, CARD_WIDTH))),
        *(_said(translate, voucher.code) if voucher.code else []),
        ft.Container(note, padding=ft.Padding.symmetric(horizontal=20)),
    ]


def _said(translate: Translator, code: str) -> list[ft.Control]:
    """What can be said where no scanner works."""
    spelled = " ".join(code.replace("-", " "))
    typed = ft.Semantics(
        label=translate("vouchers.code", code=spelled),
        exclude_semantics=True,
        # An isolate: `rtl=False` is never sent (Flet 1.0.5), and right-to-left text would turn 1234-ABCD around.
        content=ft.Text(
            apart(translate, code, "\u2066"),
            theme_style=theme.TITLE,
            color=_INK,
            selectable=True,
            text_align=ft.TextAlign.CENTER,
            key="typed",
        ),
    )
    return [text(translate("vouchers.or_say"), theme.SMALL, _QUIET), typed]


def _note(icon: ft.IconData, words: str, color: str, tint: str) -> ft.Control:
    row = ft.Row([ft.Icon(icon, size=20, color=color), text(words, theme.LABEL, color, expand=True)], spacing=theme.M)
    return ft.Container(row, bgcolor=tint, border_radius=theme.CORNER, padding=14)


@fixes.component
def live_code(voucher: Voucher, room: int) -> ft.Control:
    """The code and the ring that runs out with it. The ring moves once a second, the code once a window."""
    app, page = use_app(), ft.context.page
    challenge, set_challenge = ft.use_state(None)
    frame, set_frame = ft.use_state(lambda: app.show_voucher.frame(voucher, app.now()))
    left, set_left = ft.use_state(lambda: app.show_voucher.seconds_left(app.now()))

    async def keep_live() -> None:
        while fixes.is_connected(page):  # a page that comes back is drawn anew, and this with it
            now = app.now()
            if showing(voucher, now, is_here=True) != "live":
                app.store.tell("vouchers")  # its time is over: the page says so instead
                return
            if challenge is not None and not challenge.is_good(int(now.timestamp())):
                set_challenge(None)  # the till waits no longer
                return
            set_frame(app.show_voucher.frame(voucher, now, challenge))
            set_left(app.show_voucher.seconds_left(now))
            await asyncio.sleep(1 - now.microsecond / 1_000_000)

    ft.use_effect(keep_live, [voucher.issued, challenge], cleanup=lambda: None)
    ring = ft.ProgressRing(
        value=left / WINDOW_SECONDS, width=18, height=18, stroke_width=3, color=theme.PLUM, bgcolor=_LINE
    )
    words = text(app.t("vouchers.live"), theme.BODY, _QUIET, expand=True, expand_loose=True)
    return ft.Column(
        [
            _still_code(frame, room),
            ft.Container(
                ft.Row([ring, words], spacing=theme.S, alignment=ft.MainAxisAlignment.CENTER),
                padding=ft.Padding.symmetric(horizontal=20),
            ),
            *([challenge_part(voucher, challenge, set_challenge)] if app.show_voucher.takes_challenge(voucher) else []),
        ],
        spacing=theme.XS,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )


@ft.memo
@fixes.component
def _still_code(frame: str, room: int) -> ft.Control:
    """Drawn once a frame, not once a second."""
    app, page = use_app(), ft.context.page
    ratio = page.media.device_pixel_ratio if page.media else 1
    return code_picture(frame, room, ratio, app.t("vouchers.code_picture"))


def _instead(translate: Translator, held: Held, renew: Command) -> ft.Control:
    """In the code's place when there is none to show: used, expired, cancelled, or due for a moment of network."""
    icons = {
        "used": ft.Icons.TASK_ALT, "expired": ft.Icons.HOURGLASS_DISABLED, "cancelled": ft.Icons.UNDO,
        "renew": ft.Icons.CLOUD_SYNC_OUTLINED, "elsewhere": ft.Icons.MOBILE_SCREEN_SHARE,
        "given": ft.Icons.CARD_GIFTCARD, "giving": ft.Icons.HOURGLASS_TOP, "blocked": ft.Icons.BLOCK,
    }  # fmt: skip
    use = held.voucher.use
    if use is not None:
        hint = translate("vouchers.used_at", time=translate.date_time(use.at))
    elif is_spent(held.voucher) and held.voucher.balance is not None:
        whole = translate.money(held.voucher.balance.value_minor, held.currency)
        hint = translate("vouchers.is_spent_hint", whole=whole)
    else:
        day = translate.date(last_moment(held.voucher.expires_at), "day")
        hint = translate(f"vouchers.is_{held.state}_hint", date=day, ask_at=apart(translate, held.ask_at))
    if held.state == "given":
        recipient = apart(translate, held.voucher.given_to or "", "\u2066")
        words = translate("vouchers.given_to", recipient=recipient)
    else:
        words = translate("vouchers.is_spent" if is_spent(held.voucher) else f"vouchers.is_{held.state}")
    parts: list[ft.Control] = [
        ft.Icon(icons[held.state], size=72, color=_QUIET),
        text(words, theme.SECTION, _INK, text_align=ft.TextAlign.CENTER),
        text(hint, theme.BODY, _QUIET, text_align=ft.TextAlign.CENTER),
    ]
    following = next((each for each in held.left if each.id != held.voucher.id), None)
    if held.state in ("used", "blocked") and following is not None:
        parts.append(
            _button(translate("vouchers.next"), lambda: go(f"/vouchers/{following.id}"), disabled=False, key="next")
        )
    if held.state == "renew":

        async def on_renew() -> None:
            await renew()

        parts.append(_button(translate("vouchers.renew"), on_renew, disabled=renew.running, key="renew"))
    column = ft.Column(parts, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.CENTER)
    return ft.Container(column, padding=ft.Padding.symmetric(horizontal=28, vertical=48), key=f"is-{held.state}")


def _button(words: str, on_click: Callable[..., Any], *, disabled: bool, key: str) -> ft.Control:
    style = ft.ButtonStyle(bgcolor=theme.PLUM, color=ft.Colors.WHITE)
    return ft.FilledButton(words, on_click=on_click, disabled=disabled, style=style, key=key)
