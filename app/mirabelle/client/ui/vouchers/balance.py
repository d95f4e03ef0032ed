"""The money on a voucher, as its holder sees it: what is left, and where some of it was taken."""

from collections.abc import Mapping

import flet as ft

from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.widgets import text
from mirabelle.contract.messages import Balance, Voucher
from mirabelle.contract.translation import Translator


def is_spent(voucher: Voucher) -> bool:
    """Whether it carried money, of which nothing is left."""
    return voucher.state == "used" and voucher.balance is not None


def left_told(translate: Translator, balance: Balance, currency: str) -> str:
    """What is left of how much."""
    left, whole = (translate.money(minor, currency) for minor in (balance.left_minor, balance.value_minor))
    return translate("vouchers.balance_left", left=left, whole=whole)


def takings(translate: Translator, balance: Balance, currency: str, stores: Mapping[str, str]) -> ft.Control:
    """Where and when how much was taken, and what a till holds now; nothing where neither is."""
    lines: list[ft.Control] = []
    if balance.held_minor:
        held = translate("vouchers.balance_held", amount=translate.money(balance.held_minor, currency))
        lines.append(text(held, theme.BODY, theme.ON_BAND))
    if balance.taken:
        lines.append(text(translate("vouchers.balance_taken"), theme.STRONG, theme.ON_BAND))
    for taking in balance.taken:
        when = translate.line(stores.get(taking.store, taking.store), translate.date_time(taking.at))
        amount = text(translate.money(taking.amount_minor, currency), theme.STRONG_S, theme.ON_BAND)
        where = text(when, theme.BODY, theme.ON_BAND_QUIET, expand=True)
        lines.append(ft.Row([where, amount], spacing=theme.M))
    return ft.Column(lines, spacing=theme.S, key="takings")
