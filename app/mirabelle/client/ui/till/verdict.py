"""A verdict: it fills the screen in colour, shape and words, and says what to do next."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.context import Window
from mirabelle.client.ui.shared.widgets import error_card, heading, text
from mirabelle.client.ui.till.bar import left_told, room_told
from mirabelle.client.ui.till.letters import LARGE, ruler, whole
from mirabelle.client.ui.till.standing import Standing
from mirabelle.client.ui.till.state import Outcome, Place, Verdict
from mirabelle.client.ui.vouchers.qr import code_picture
from mirabelle.contract.fields import Text
from mirabelle.contract.messages import Use
from mirabelle.contract.till_messages import CardBalance, Scan
from mirabelle.contract.translation import Translator
from mirabelle.rules.challenge import Challenge, text_of
from mirabelle.rules.voucher_code import VoucherCode

UNCHECKED: Final = "#7A4F00"
_COLORS: Final[dict[Outcome, str]] = {
    "accepted": theme.ACCEPTED,
    "refused": theme.REFUSED,
    "asked": UNCHECKED,
    "unchecked": UNCHECKED,
}
# A disc, an octagon, a padlock, a triangle: told apart without colour, from two metres.
SHAPES: Final[dict[Outcome, ft.IconData]] = {
    "accepted": ft.Icons.CHECK_CIRCLE,
    "refused": ft.Icons.DANGEROUS,
    "asked": ft.Icons.PHONELINK_LOCK,
    "unchecked": ft.Icons.WARNING_ROUNDED,
}
_BESIDE: Final = 280  # logical pixels that two buttons need, where letters have the app's own size
_WHITE: Final = ft.Colors.WHITE
_SHADE: Final = ft.Colors.with_opacity(0.28, ft.Colors.BLACK)


@dataclass(frozen=True)
class Deeds:
    """What can be done about a verdict. `on_entered` takes the next scan of a keyboard-wedge scanner without a touch;
    None where a field in focus would raise an on-screen keyboard. `on_undo` is None where nothing can be undone."""

    on_next: Callable[[], Any]
    on_entered: Callable[[str], Awaitable[Any]] | None
    on_undo: Callable[[], Any] | None


def verdict_view(
    translate: Translator, window: Window, place: Place, verdict: Verdict, deeds: Deeds, standing: Standing,
    challenge: Challenge | None = None, failed: Refusal | Exception | None = None, *, scale: float = 1.0,
    on_scale: Callable[[float], Any] = lambda _scale: None,
) -> ft.View:  # fmt: skip
    """The verdict as a page; with a `challenge` to be scanned by whoever shows the voucher. `failed` is what came of
    an undo; `scale` is how large letters are, see `ruler`."""
    color = _COLORS[verdict.outcome]
    side = 20 if window.size == "phone" else 40
    room = window.width - 2 * side
    top = ft.Row(
        [
            text(place.name, theme.STRONG_S, _WHITE, expand=True),
            text(translate.time(verdict.at), theme.STRONG_S, _WHITE),
        ]
    )
    to_do = _to_do(translate, verdict)
    # Beside a code to be scanned, which must be seen whole however large the letters are, it goes where one can scroll;
    # and so it does where large letters would leave no room for the verdict itself.
    is_below = challenge is not None or (window.size == "phone" and scale >= LARGE)
    middle = ft.Column(
        [
            *_said(translate, place, verdict, challenge, int(window.height * 0.5), room, scale),
            *([ft.Container(to_do, width=theme.READING_WIDTH, padding=ft.Padding.only(top=theme.M))] * is_below),
        ],
        spacing=theme.S,
        alignment=ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        scroll=ft.ScrollMode.AUTO,
        expand=True,
    )
    bottom = ft.Container(
        ft.Column(
            [
                *([_offline(translate, standing)] if verdict.scan is not None and verdict.scan.offline else []),
                *([error_card(translate, failed)] if failed is not None else []),
                *([to_do] if not is_below else []),
                _next(translate, verdict, deeds, stacked=room / scale < _BESIDE),
            ],
            spacing=theme.M,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        width=theme.READING_WIDTH,
    )
    page = ft.Container(
        ft.Column([top, middle, bottom], horizontal_alignment=ft.CrossAxisAlignment.CENTER, expand=True),
        bgcolor=color,
        padding=ft.Padding.only(left=side, right=side, top=20 + window.inset_top, bottom=20 + window.inset_bottom),
        expand=True,
        key=f"verdict-{verdict.outcome}",
    )
    measured = ft.Stack([page, ruler(on_scale)], fit=ft.StackFit.EXPAND, expand=True)
    return ft.View(route=ft.context.page.route, controls=[measured], padding=0, spacing=0, bgcolor=color)


def spoken(translate: Translator, place: Place, verdict: Verdict) -> str:
    """The whole verdict as one sentence, for screen readers."""
    parts = [translate(f"till.{verdict.outcome}"), *_words(translate, place, verdict), _what_to_do(translate, verdict)]
    return ". ".join(parts)


def _said(
    translate: Translator, place: Place, verdict: Verdict, challenge: Challenge | None, height: int, room: float,
    scale: float,
) -> list[ft.Control]:  # fmt: skip
    lines, headline = _words(translate, place, verdict), _headline(translate, verdict)
    shown: list[ft.Control] = [
        ft.Icon(SHAPES[verdict.outcome], size=168 / max(1, scale), color=_WHITE)
        if challenge is None
        else _challenge(translate, challenge, height),
        heading(
            headline,
            theme.BIG,
            1,
            color=_WHITE,
            text_align=ft.TextAlign.CENTER,
            key="verdict",
            **whole(headline, theme.BIG_SIZE, room, scale),
        ),
    ]
    for place, line in enumerate(lines):
        style, fitting = theme.BODY_L, {}
        if place == 0:
            style, fitting = theme.TITLE, whole(line, theme.TITLE_SIZE, room, scale)
        shown.append(text(line, style, _WHITE, text_align=ft.TextAlign.CENTER, **fitting))
    return shown


def _headline(translate: Translator, verdict: Verdict) -> str:
    if verdict.scan is not None and verdict.scan.undone_at is not None:
        return translate("till.undone")
    return translate(f"till.{verdict.outcome}")


def _challenge(translate: Translator, challenge: Challenge, room: int) -> ft.Control:
    ratio = ft.context.page.media.device_pixel_ratio if ft.context.page.media else 1.0
    picture = code_picture(text_of(challenge), min(room, 300), ratio, translate("till.challenge"))
    return ft.Container(picture, bgcolor=_WHITE, border_radius=theme.CORNER, padding=8, key="challenge")


def _offline(translate: Translator, standing: Standing) -> ft.Control:
    """That it was judged without network, how long that goes on, and what will become of the scan."""
    words: list[ft.Control] = [text(translate("till.bar_offline"), theme.LABEL_S, _WHITE)]
    if standing.stop is None:
        left = translate.line(left_told(translate, standing.left), room_told(translate, standing))
        words.append(text(left, theme.BODY, _WHITE))
    if standing.waiting:
        words.append(text(translate("till.bar_waiting", count=standing.waiting), theme.BODY, _WHITE))
    return ft.Container(
        ft.Column(words, spacing=theme.XS), bgcolor=_SHADE, padding=18, border_radius=theme.CORNER, key="offline"
    )


def _words(translate: Translator, place: Place, verdict: Verdict) -> list[str]:
    """Under the verdict: the reward when accepted, else why not; then what belongs to it."""
    scan = verdict.scan
    title = _text(translate, scan.title) if scan else ""
    if verdict.outcome == "accepted" and scan is not None and scan.balance is not None:
        return [_taken(translate, place, scan, scan.balance), title]
    if verdict.outcome == "accepted":
        return [title]
    words = [translate(f"reasons.verdict_{verdict.code}")]
    if scan is not None:
        words += [line for line in (title, _particulars(translate, place, verdict.code, scan)) if line]
    return words


def _taken(translate: Translator, place: Place, scan: Scan, balance: CardBalance) -> str:
    amount, left = (translate.money(minor, place.currency) for minor in (scan.value_minor or 0, balance.left_minor))
    return translate("till.taken", amount=amount, left=left)


def _particulars(translate: Translator, place: Place, code: str, scan: Scan) -> str:
    if code == "already_used" and scan.first_use is not None:
        return _first_use(translate, place, scan.first_use)
    if code == "not_yet_valid" and scan.valid_from is not None:
        return translate("till.valid_from", time=translate.date_time(scan.valid_from))
    if code == "lease_expired" and scan.valid_until is not None:
        return translate("till.valid_until", time=translate.date_time(scan.valid_until))
    if code == "wrong_store" and scan.right_store is not None:
        return translate("till.right_store", store=_text(translate, scan.right_store))
    return ""


def _first_use(translate: Translator, place: Place, use: Use) -> str:
    time = translate.date_time(use.at)
    if use.till == place.till:
        return translate("till.first_use_here", time=time)
    return translate("till.first_use", time=time, store=place.stores.get(use.store, use.store))


def _text(translate: Translator, words: Text) -> str:
    return words.in_language(translate.language)


def _what_to_do(translate: Translator, verdict: Verdict) -> str:
    if verdict.outcome == "accepted" and verdict.scan is not None and verdict.scan.balance is not None:
        return translate("till.taken_do")
    return translate(f"reasons.verdict_{verdict.code}_do")


def _to_do(translate: Translator, verdict: Verdict) -> ft.Control:
    words = [
        text(translate("till.what_to_do"), theme.LABEL_S, _WHITE),
        text(_what_to_do(translate, verdict), theme.BODY_L, _WHITE),
    ]
    return ft.Container(
        ft.Column(words, spacing=theme.XS), bgcolor=_SHADE, padding=18, border_radius=theme.CORNER, key="to-do"
    )


def _next(translate: Translator, verdict: Verdict, deeds: Deeds, *, stacked: bool) -> ft.Control:
    on_next, on_entered = deeds.on_next, deeds.on_entered
    color = _COLORS[verdict.outcome]
    style = ft.ButtonStyle(bgcolor=_WHITE, color=color, padding=ft.Padding.symmetric(horizontal=28, vertical=20))
    answers = verdict.code == VoucherCode.CHALLENGE_REQUIRED
    button = ft.FilledButton(
        translate("till.scan_answer" if answers else "till.next"), on_click=on_next, style=style,
        autofocus=on_entered is None, key="next",
    )  # fmt: skip
    undo = _undo(translate, deeds)
    buttons: ft.Control = ft.Row([ft.Container(button, expand=True), *undo], spacing=theme.M)
    if stacked and undo:
        stretched = ft.CrossAxisAlignment.STRETCH
        buttons = ft.Column([button, *undo], spacing=theme.S, horizontal_alignment=stretched)
    if on_entered is None:
        return buttons

    async def entered(event: ft.Event[ft.TextField]) -> None:
        # Enter alone goes on; a button in focus would take the first space of a scanned frame for a press.
        if event.control.value:
            await on_entered(event.control.value)
        else:
            on_next()

    field = ft.TextField(
        label=translate("till.scan_next"),
        autofocus=True,
        on_submit=entered,
        autocorrect=False,
        enable_suggestions=False,
        smart_dashes_type=False,
        smart_quotes_type=False,
        color=_WHITE,
        cursor_color=_WHITE,
        label_style=ft.TextStyle(color=_WHITE),
        border={
            ft.ControlState.DEFAULT: ft.OutlineInputBorder(side=ft.BorderSide(1, _WHITE), border_radius=28),
            ft.ControlState.FOCUSED: ft.OutlineInputBorder(side=ft.BorderSide(2, _WHITE), border_radius=28),
        },
        content_padding=ft.Padding.symmetric(horizontal=20, vertical=16),
        expand=True,
        key="wedge",
    )
    return ft.Column(
        # Enter takes the focus from a field; each verdict has a field of its own, so that each begins in focus.
        [buttons, ft.Row([field], key=f"field-{verdict.at.isoformat()}")],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _undo(translate: Translator, deeds: Deeds) -> list[ft.Control]:
    if deeds.on_undo is None:
        return []
    style = ft.ButtonStyle(
        color=_WHITE, side=ft.BorderSide(1.5, _WHITE), padding=ft.Padding.symmetric(horizontal=28, vertical=20)
    )
    return [ft.OutlinedButton(translate("till.undo"), on_click=deeds.on_undo, style=style, key="undo")]
