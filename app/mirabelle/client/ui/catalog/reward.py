"""One reward: what it is, what it costs, and whether it can be had now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.catalog.filters import kind_name
from mirabelle.client.ui.catalog.state import FEW_LEFT, Standing, ends_in_days, standing
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import (
    badge,
    empty_state,
    heading,
    page_frame,
    parted,
    picture,
    points_text,
    primary_button,
    skeleton,
    text,
)
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator
from mirabelle.rules.refusals import RedemptionRefusal

_PICTURE: Final = {"phone": 260, "tablet": 320, "desktop": 460}
_NEEDS_ICONS: Final = {
    "address": ft.Icons.LOCAL_SHIPPING_OUTLINED,
    "recipient": ft.Icons.PERSON_OUTLINE,
    "date": ft.Icons.EVENT_OUTLINED,
    "charity": ft.Icons.VOLUNTEER_ACTIVISM_OUTLINED,
}


@dataclass(frozen=True)
class Offer:
    """A reward as one participant meets it; names are in the interface's language, empty where there is none."""

    reward: Reward
    standing: Standing
    available: int | None
    category: str
    store: str
    tier: str
    currency: str


@screen
def reward_screen(id: str) -> ft.View:
    """The reward `id` of this page's app."""
    app, window = use_app(), use_window()

    def read() -> Offer | None:
        reward = app.catalog.get(id)
        if reward is None:
            return None
        wallet, programme = app.wallet.current(), app.programme.current()
        return Offer(
            reward=reward,
            standing=standing(reward, wallet, programme, app.redemptions.list(), app.now()),
            available=wallet.available if wallet else None,
            category=app.programme.category_name(reward.category),
            store=app.programme.store_name(reward.store) if reward.store else "",
            tier=app.programme.tier_name(reward.from_tier) if reward.from_tier else "",
            currency=programme.currency if programme else "",
        )

    offer = use_live(app, ("catalog", "wallet", "programme", "redemptions"), read)
    if offer is None:
        is_known = app.programme.current() is not None
        return page_frame("", [_gone(app.t) if is_known else skeleton(320)], tab="rewards", back="/rewards")
    return reward_view(app.t, window, offer, app.now(), lambda: go(f"/checkout/{id}"))


def reward_view(
    translate: Translator, window: Window, offer: Offer, now: datetime, on_choose: Callable[[], Any]
) -> ft.View:
    """A reward as a page; on wide windows the picture stands beside the words."""
    shown = picture(offer.reward, dark=window.dark, height=_PICTURE[window.size], corner=theme.CORNER_XL, share=0.7)
    words: list[ft.Control] = [_names(translate, offer), _about(translate, offer), _facts(translate, offer, now)]
    terms = offer.reward.terms.in_language(translate.language)
    if terms:
        words.append(_terms(translate, terms))
    choose = _choice(translate, offer, on_choose)
    if window.size == "phone":
        return page_frame("", [shown, *words], tab="rewards", back="/rewards", footer=choose, spacing=20)
    beside = ft.Column([*words[:2], choose, *words[2:]], spacing=theme.XL, expand=5)
    row = ft.Row([ft.Container(shown, expand=4), beside], spacing=40, vertical_alignment=ft.CrossAxisAlignment.START)
    return page_frame("", [row], tab="rewards", back="/rewards")


def _names(translate: Translator, offer: Offer) -> ft.Control:
    reward = offer.reward
    above = parted(translate, reward.brand or "", offer.category)
    price = points_text(translate, reward.points, theme.TITLE)
    line: list[ft.Control] = [price]
    if reward.stock is not None and 0 < reward.stock <= FEW_LEFT:
        line.append(badge(translate("catalog.left", count=reward.stock)))
    return ft.Column(
        [
            text(above, theme.LABEL, theme.QUIET),
            heading(reward.title.in_language(translate.language), theme.PAGE_TITLE),
            ft.Row(line, spacing=theme.M),
        ],
        spacing=6,
    )


def _about(translate: Translator, offer: Offer) -> ft.Control:
    return text(offer.reward.summary.in_language(translate.language), theme.BODY_L)


def _facts(translate: Translator, offer: Offer, now: datetime) -> ft.Control:
    reward = offer.reward
    facts: list[tuple[ft.IconData, str]] = [(ft.Icons.CATEGORY_OUTLINED, kind_name(translate, reward.kind))]
    if reward.fulfilment == "voucher":
        facts.append((ft.Icons.QR_CODE_2, translate("catalog.fact_voucher", count=reward.valid_days)))
    else:
        facts.append((ft.Icons.TASK_ALT, translate("catalog.fact_order")))
    if reward.needs != "nothing":
        facts.append((_NEEDS_ICONS[reward.needs], translate(f"catalog.fact_needs_{reward.needs}")))
    if offer.store or reward.fulfilment == "voucher":
        facts.append((ft.Icons.STOREFRONT_OUTLINED, offer.store or translate("catalog.fact_any_store")))
    if reward.stock is not None:
        in_stock = (
            translate("catalog.fact_stock", count=reward.stock) if reward.stock else translate("catalog.sold_out")
        )
        facts.append((ft.Icons.INVENTORY_2_OUTLINED, in_stock))
    if reward.value_minor is not None and offer.currency:
        worth = translate.money(reward.value_minor, offer.currency)
        facts.append((ft.Icons.SELL_OUTLINED, translate("catalog.fact_worth", value=worth)))
    if offer.tier:
        facts.append((ft.Icons.WORKSPACE_PREMIUM_OUTLINED, translate("catalog.fact_tier", tier=offer.tier)))
    if reward.per_participant is not None:
        facts.append((ft.Icons.FILTER_1, translate("catalog.fact_limit", count=reward.per_participant)))
    if reward.available_from is not None and reward.available_from > now:
        start = translate("catalog.fact_from", date=translate.date(reward.available_from, "day"))
        facts.append((ft.Icons.EVENT_AVAILABLE_OUTLINED, start))
    if reward.available_until is not None:
        until = translate("catalog.fact_until", date=translate.date(last_moment(reward.available_until), "day"))
        soon = ends_in_days(reward, now) is not None
        facts.append((ft.Icons.HOURGLASS_BOTTOM if soon else ft.Icons.EVENT_OUTLINED, until))
    rows = [
        ft.Row(
            [ft.Icon(icon, size=20, color=theme.QUIET), text(words, expand=True)],
            spacing=theme.M,
            vertical_alignment=ft.CrossAxisAlignment.START,
        )
        for icon, words in facts
    ]
    return ft.Column(list(rows), spacing=theme.M)


def _terms(translate: Translator, terms: str) -> ft.Control:
    body = ft.Column(
        [heading(translate("catalog.terms"), theme.STRONG_S, 2), text(terms, theme.BODY, theme.QUIET)], spacing=theme.XS
    )
    return ft.Container(
        body, padding=16, bgcolor=ft.Colors.SURFACE_CONTAINER_LOW, border_radius=theme.CORNER, key="terms"
    )


def _choice(translate: Translator, offer: Offer, on_choose: Callable[[], Any]) -> ft.Control:
    """The button, and beside it why it cannot be pressed where it cannot."""
    refused = offer.standing.refused
    if refused is None:
        after = (
            ""
            if offer.available is None
            else translate("catalog.balance_after", count=offer.available - offer.reward.points)
        )
        return _button_with(translate("catalog.choose"), after, on_choose, disabled=offer.available is None)
    if refused is RedemptionRefusal.NOT_ENOUGH_POINTS:
        return _button_with(
            translate("catalog.missing", count=offer.standing.missing), translate("catalog.missing_hint"), on_choose
        )
    if refused is RedemptionRefusal.TIER_TOO_LOW:
        return _button_with(
            translate("catalog.for_tier", tier=offer.tier), translate("catalog.for_tier_hint"), on_choose
        )
    if refused is RedemptionRefusal.OUT_OF_STOCK:
        return _button_with(translate("catalog.sold_out"), translate("catalog.sold_out_hint"), on_choose)
    return _button_with(translate(f"reasons.{refused}"), translate(f"reasons.{refused}_do"), on_choose)


def _button_with(label: str, hint: str, on_choose: Callable[[], Any], disabled: bool = True) -> ft.Control:
    button = primary_button(label, on_choose, disabled=disabled, key="choose")
    lines: list[ft.Control] = [ft.Row([ft.Container(button, expand=True)])]
    if hint:
        lines.append(text(hint, theme.SMALL, theme.QUIET, text_align=ft.TextAlign.CENTER))
    return ft.Column(lines, spacing=6, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _gone(translate: Translator) -> ft.Control:
    return empty_state(
        ft.Icons.REDEEM, translate("catalog.gone"), translate("catalog.gone_hint"), translate("catalog.to_catalog"),
        lambda: go("/rewards"),
    )  # fmt: skip
