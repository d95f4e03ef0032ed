"""The steps of a checkout, as views of plain values."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import flet as ft
import msgspec

from mirabelle.client.ui.checkout.state import Step, merged
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.context import Window
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import (
    card,
    field,
    heading,
    kept_together,
    picture,
    points_text,
    signed,
    text,
)
from mirabelle.contract import limits
from mirabelle.contract.messages import Details, LotShare, Reward
from mirabelle.contract.translation import Translator

_FARTHEST_DAYS: Final = 365  # a date is booked at most a year ahead

Change = Callable[[Details], Any]


def step_line(translate: Translator, steps: Sequence[Step], at: int) -> ft.Control:
    """Where in the checkout one is: a bar a step, and the step's name in words."""
    bars = [
        ft.Container(height=4, expand=1, border_radius=2, bgcolor=theme.OURS if index <= at else theme.LINE)
        for index in range(len(steps))
    ]
    words = translate("checkout.step", at=translate.number(at + 1), of=translate.number(len(steps)))
    return ft.Semantics(
        label=f"{words}: {translate(f'checkout.step_{steps[at]}')}",
        exclude_semantics=True,
        live_region=True,
        content=ft.Column(
            [ft.Row(list(bars), spacing=6), text(words, theme.SMALL, theme.QUIET)],
            spacing=theme.S,
        ),
    )


def reward_line(translate: Translator, window: Window, reward: Reward) -> ft.Control:
    """The reward in one line: picture, name, price."""
    shown = picture(reward, dark=window.dark, height=76, corner=theme.CORNER, width=76, share=0.72)
    words = ft.Column(
        [
            heading(reward.title.in_language(translate.language), theme.STRONG_L, 2),
            points_text(translate, reward.points, theme.STRONG),
        ],
        spacing=2,
        expand=True,
    )
    return ft.Row([shown, words], spacing=theme.L)


def reward_card(translate: Translator, window: Window, reward: Reward) -> ft.Control:
    """The reward beside the steps, where the window is wide enough for its picture."""
    words = ft.Column(
        [
            heading(reward.title.in_language(translate.language), theme.SECTION, 2),
            points_text(translate, reward.points, theme.STRONG_L),
        ],
        spacing=2,
    )
    shown = picture(reward, dark=window.dark, height=280, corner=theme.CORNER_XL, share=0.7)
    return ft.Column([shown, words], spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def cost_step(translate: Translator, reward: Reward, available: int, shares: Sequence[LotShare]) -> list[ft.Control]:
    """What it costs: the balance before and after, and which points go."""
    balance = _balance(translate, available, reward.points)
    return [balance, _paying(translate, shares)] if shares else [balance]


def _balance(translate: Translator, available: int, points: int) -> ft.Control:
    after = available - points

    def line(words: str, amount: str, style: ft.TextThemeStyle, color: ft.ColorValue | None = None) -> ft.Control:
        return ft.Row([text(words, theme.BODY, theme.QUIET, expand=True), text(amount, style, color)])

    bar = ft.Row(
        [
            ft.Container(height=10, expand=max(after, 1), bgcolor=theme.OURS, border_radius=5),
            ft.Container(height=10, expand=max(points, 1), bgcolor=theme.WARM, border_radius=5),
        ],
        spacing=3,
    )
    rows = [
        line(translate("checkout.balance_now"), translate.number(available), theme.STRONG),
        line(translate("checkout.this_reward"), signed(translate, -points), theme.STRONG, theme.ON_WARM_TINT),
    ]
    if after < 0:
        return card(ft.Column(rows, spacing=theme.M), key="balance")
    rows += [
        ft.Divider(),
        line(translate("checkout.balance_after"), translate.number(after), theme.TITLE, theme.OURS),
    ]
    return card(ft.Column([bar, *rows], spacing=theme.M), key="balance")


def _paying(translate: Translator, shares: Sequence[LotShare]) -> ft.Control:
    rows: list[ft.Control] = [
        heading(translate("checkout.paying"), theme.STRONG, 2),
        text(translate("checkout.paying_hint"), theme.SMALL, theme.QUIET),
    ]
    for place, (expires_at, points) in enumerate(merged(shares)):
        if expires_at is None:
            when = translate("checkout.lot_never")
        else:
            day = kept_together(translate.date(last_moment(expires_at)))
            when = translate("checkout.lot_expires", date=day)
        dot = ft.Container(width=10, height=10, border_radius=5, bgcolor=theme.WARM if place == 0 else theme.BAR)
        rows.append(ft.Row([dot, text(when, theme.BODY, expand=True), points_text(translate, points)], spacing=theme.M))
    return card(ft.Column(rows, spacing=theme.M), key="paying")


def details_step(
    translate: Translator, reward: Reward, details: Details, charities: Sequence[tuple[str, str]], change: Change,
    on_date: Callable[[], Any],
) -> list[ft.Control]:  # fmt: skip
    """What is needed for this reward; every change is kept as it is made."""
    if reward.needs == "charity":
        asked = _charity(details, charities, change)
    elif reward.needs == "date":
        asked = _date(translate, details, on_date)
    elif reward.needs == "recipient":
        asked = _field(
            translate("checkout.recipient"), details.recipient, limits.NAME_CHARACTERS,
            lambda typed: change(msgspec.structs.replace(details, recipient=typed)),
            autofill_hints=[ft.AutofillHint.NAME], capitalization=ft.TextCapitalization.WORDS,
        )  # fmt: skip
    else:
        asked = _field(
            translate("checkout.address"), details.address, limits.ADDRESS_CHARACTERS,
            lambda typed: change(msgspec.structs.replace(details, address=typed)),
            multiline=True, min_lines=4, max_lines=6, autofill_hints=[ft.AutofillHint.FULL_STREET_ADDRESS],
        )  # fmt: skip
    return [
        heading(translate(f"checkout.needs_{reward.needs}"), theme.SECTION, 2),
        text(translate(f"checkout.needs_{reward.needs}_hint"), theme.BODY, theme.QUIET),
        asked,
    ]


def _field(label: str, value: str, longest: int, change: Callable[[str], Any], **more: Any) -> ft.Control:
    return field(
        label,
        value,
        lambda event: change(event.control.value),
        max_length=longest,
        counter="",
        autofocus=True,
        key="detail",
        **more,
    )


def _charity(details: Details, charities: Sequence[tuple[str, str]], change: Change) -> ft.Control:
    options = [
        ft.Container(ft.Radio(value=id, label=name, expand=True), padding=ft.Padding.symmetric(vertical=6))
        for id, name in charities
    ]
    return ft.RadioGroup(
        ft.Column(list(options), spacing=0),
        value=details.charity,
        on_change=lambda event: change(msgspec.structs.replace(details, charity=event.control.value)),
        key="detail",
    )


def _date(translate: Translator, details: Details, on_date: Callable[[], Any]) -> ft.Control:
    chosen = date.fromisoformat(details.date) if details.date else None
    words = day_of(translate, chosen) if chosen else translate("checkout.choose_date")
    row = ft.Row(
        [ft.Icon(ft.Icons.EVENT_OUTLINED, color=theme.OURS), text(words, theme.STRONG, expand=True)], spacing=theme.M
    )
    return card(row, on_click=on_date, key="detail", padding=18)


def date_picker(
    translate: Translator, details: Details, now: datetime, change: Change, on_close: Callable[[], Any]
) -> ft.DatePicker:
    """The calendar for a reward that is booked for a day, from tomorrow on."""

    def picked(event: ft.Event[ft.DatePicker]) -> None:
        value = event.control.value
        if value is not None:
            change(msgspec.structs.replace(details, date=_local_day(value).isoformat()))
        on_close()

    first = now.astimezone().date() + timedelta(days=1)
    return ft.DatePicker(
        value=date.fromisoformat(details.date) if details.date else first,
        first_date=first,
        last_date=first + timedelta(days=_FARTHEST_DAYS),
        help_text=translate("checkout.choose_date"),
        on_change=picked,
        on_dismiss=on_close,
    )


def day_of(translate: Translator, day: date) -> str:
    """A day as one speaks of it: "Tuesday 24 November"."""
    return f"{translate.date(day, 'weekday')} {translate.date(day, 'day')}"


def _local_day(value: datetime | date) -> date:
    """Flet hands a picked day over as midnight in the device's zone, told in UTC."""
    return value.astimezone().date() if isinstance(value, datetime) else value


def confirm_step(
    translate: Translator, reward: Reward, available: int, details: Details, charities: Sequence[tuple[str, str]]
) -> list[ft.Control]:
    """All of it once more, and the terms."""
    lines = [(translate("checkout.balance_after"), translate("shared.points", count=available - reward.points))]
    given = _given(translate, reward, details, charities)
    if given:
        lines.append((translate(f"checkout.recap_{reward.needs}"), given))
    rows: list[ft.Control] = [
        ft.Column([text(name, theme.SMALL, theme.QUIET), text(value, theme.STRONG)], spacing=2) for name, value in lines
    ]
    parts: list[ft.Control] = [card(ft.Column(rows, spacing=theme.L), key="recap")]
    terms = reward.terms.in_language(translate.language)
    if terms:
        words = [heading(translate("catalog.terms"), theme.STRONG, 2), text(terms, theme.BODY)]
        parts.append(card(ft.Column(words, spacing=theme.XS), key="terms"))
    cancel = translate("checkout.can_cancel" if reward.fulfilment == "voucher" else "checkout.is_ordered")
    parts.append(text(cancel, theme.SMALL, theme.QUIET))
    return parts


def _given(translate: Translator, reward: Reward, details: Details, charities: Sequence[tuple[str, str]]) -> str:
    if reward.needs == "nothing":
        return ""
    if reward.needs == "charity":
        return dict(charities).get(details.charity, "")
    if reward.needs == "date":
        return day_of(translate, date.fromisoformat(details.date)) if details.date else ""
    return details.address if reward.needs == "address" else details.recipient
