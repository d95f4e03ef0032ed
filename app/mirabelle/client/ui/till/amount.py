"""How much is taken of a voucher that carries money: what is left of it, an amount, and one button."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import flet as ft

from mirabelle.client.api import LostAnswer, NoAnswer
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.till.state import Place, amount_in
from mirabelle.contract.till_messages import CardBalance, Scan
from mirabelle.contract.translation import Translator
from mirabelle.rules.programme import minor_digits

_DIGITS = 14  # of an amount, with its decimal sign


@dataclass(frozen=True)
class Asking:
    """What is asked: the voucher that was `shown`, what is `typed`, and the amount that is `waiting` for its answer.

    `leave` goes on to the next voucher, and learns first what became of the amount that is waiting.
    """

    shown: Scan
    typed: str
    waiting: int | None
    take: Command
    leave: Command


def amount_view(
    translate: Translator,
    place: Place,
    asking: Asking,
    on_typed: Callable[[str], Any],
) -> ft.View:
    """The question as a page."""
    balance = asking.shown.balance
    assert balance is not None, "only what carries money has amounts"
    amount = asking.waiting or amount_in(asking.typed, place.currency)
    is_good = amount is not None and 0 < amount <= (asking.waiting or balance.left_minor)

    async def take(_event: Any = None) -> None:
        if is_good:
            await asking.take(amount)

    async def leave(_event: Any) -> None:
        await asking.leave()

    label = translate("till.amount_take_some")
    if asking.waiting is not None:
        label = translate("till.amount_again")
    elif is_good and amount is not None:
        label = translate("till.amount_take", amount=translate.money(amount, place.currency))
    parts: list[ft.Control] = [_left(translate, place, asking.shown, balance)]
    if asking.take.failed is not None or asking.waiting is not None:
        parts.append(_failed(translate, place, asking))
    if asking.waiting is None:
        parts.append(_entry(translate, place, balance, asking, on_typed, take))
    parts += [
        widgets.primary_button(
            label, take, busy=asking.take.running, disabled=not is_good or asking.leave.running, key="take"
        ),
        widgets.quiet_button(
            translate("till.next"), leave, busy=asking.leave.running, disabled=asking.take.running, key="next"
        ),
    ]
    column = ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    title = translate("till.amount_title")
    return widgets.page_frame(title, [column], tab="scan", width=theme.READING_WIDTH, tells_offline=False)


def _left(translate: Translator, place: Place, shown: Scan, balance: CardBalance) -> ft.Control:
    whole, left = (translate.money(minor, place.currency) for minor in (balance.value_minor, balance.left_minor))
    until = translate("till.amount_until", date=translate.date(last_moment(balance.expires_at)))
    number = widgets.apart(translate, balance.number, "\u2066")
    card = translate("till.amount_card", number=number) if balance.number else ""
    words = [
        widgets.text(shown.title.in_language(translate.language), theme.STRONG_L),
        widgets.text(left, theme.NUMBER, key="left"),
        widgets.text(translate("till.amount_left", whole=whole), theme.BODY, theme.QUIET),
        widgets.text(translate.line(card, until), theme.SMALL, theme.QUIET),
    ]
    if balance.held_minor:
        held = translate("till.amount_held", amount=translate.money(balance.held_minor, place.currency))
        words.append(widgets.text(held, theme.SMALL, theme.QUIET))
    content = ft.Column(words, spacing=theme.XS, horizontal_alignment=ft.CrossAxisAlignment.START)
    return ft.Semantics(live_region=True, container=True, content=widgets.card(content, key="balance"))


def _entry(
    translate: Translator,
    place: Place,
    balance: CardBalance,
    asking: Asking,
    on_typed: Callable[[str], Any],
    on_submit: Callable[..., Any],
) -> ft.Control:
    amount = amount_in(asking.typed, place.currency)
    error = None
    if asking.typed.strip() and not amount:
        error = translate("till.amount_invalid")
    elif amount is not None and amount > balance.left_minor:
        error = translate("till.amount_over")
    field = widgets.field(
        translate("till.amount_field"),
        asking.typed,
        lambda event: on_typed(event.control.value),
        keyboard_type=ft.KeyboardType.NUMBER,
        max_length=_DIGITS,
        counter="",
        autofocus=True,
        disabled=asking.take.running,
        suffix=place.currency,
        error=error,
        on_submit=on_submit,
        key="amount",
    )
    every = widgets.text_button(
        translate("till.amount_all"),
        lambda _event: on_typed(_as_typed(translate, balance.left_minor, place.currency)),
        key="all-of-it",
    )
    return ft.Column([field, ft.Row([every])], spacing=theme.XS, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _as_typed(translate: Translator, minor: int, currency: str) -> str:
    """An amount as staff would type it, in their own digits."""
    digits = minor_digits(currency)
    told = f"{Decimal(minor).scaleb(-digits):.{digits}f}"
    sign = {"fr": ",", "ar": "٫"}.get(translate.language, ".")
    return "".join(translate.number(int(each)) if each.isdecimal() else sign for each in told)


def _failed(translate: Translator, place: Place, asking: Asking) -> ft.Control:
    if asking.waiting is not None:
        amount = translate.money(asking.waiting, place.currency)
        unknown = translate("till.amount_unknown", amount=amount)
        return widgets.error_card(translate, asking.take.failed or LostAnswer(), safe=unknown)
    assert asking.take.failed is not None
    nothing = translate("till.amount_not_taken") if isinstance(asking.take.failed, NoAnswer) else None
    return widgets.error_card(translate, asking.take.failed, safe=nothing)
