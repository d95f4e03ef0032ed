"""The vouchers one holds: ready, used, expired, and what was ordered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import flet as ft

from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.times import last_moment
from mirabelle.client.ui.shared.widgets import (
    apart,
    badge,
    banner,
    card,
    chip,
    columns,
    empty_state,
    page_frame,
    picture,
    text,
    text_button,
)
from mirabelle.client.ui.vouchers.balance import is_spent, left_told
from mirabelle.client.ui.vouchers.state import TABS, Tab, expires_in_days, left_of, on_tab, order_state, orders
from mirabelle.contract.messages import Redemption, Reward, Voucher
from mirabelle.contract.translation import Translator

_EMPTY_ICONS: Final = {
    "ready": ft.Icons.QR_CODE_2,
    "used": ft.Icons.TASK_ALT,
    "expired": ft.Icons.HOURGLASS_DISABLED,
    "orders": ft.Icons.LOCAL_SHIPPING_OUTLINED,
}


@dataclass(frozen=True)
class Drawer:
    """All that was redeemed: `on_the_way` are rewards whose redemption has not been answered yet."""

    vouchers: list[Voucher]
    redemptions: list[Redemption]
    rewards: dict[str, Reward | None]
    stores: dict[str, str]
    on_the_way: list[tuple[str, str]]
    currency: str = ""


@screen
def vouchers_screen() -> ft.View:
    """The vouchers of this page's app; `/vouchers?tab=orders` opens on the orders."""
    app, window = use_app(), use_window()
    asked = ft.context.page.route.partition("tab=")[2]
    tab, set_tab = ft.use_state(asked if asked in TABS else "ready")

    def read() -> Drawer:
        vouchers, redemptions = app.vouchers.list(), app.redemptions.list()
        ids = {voucher.reward for voucher in vouchers} | {redemption.reward for redemption in redemptions}
        programme = app.programme.current()
        return Drawer(
            vouchers=vouchers,
            redemptions=redemptions,
            rewards={id: app.catalog.get(id) for id in ids},
            stores={voucher.store: app.programme.store_name(voucher.store) for voucher in vouchers if voucher.store},
            on_the_way=[(reward.id, reward.title.in_language(app.language)) for reward in app.redeem.on_the_way()],
            currency=programme.currency if programme else "",
        )

    drawer = use_live(app, ("vouchers", "redemptions", "catalog", "programme", "outbox"), read)
    return vouchers_view(app.t, window, drawer, tab, app.now(), set_tab)


def vouchers_view(
    translate: Translator, window: Window, drawer: Drawer, tab: Tab, now: datetime, on_tab_chosen: Callable[[Tab], Any]
) -> ft.View:
    """The vouchers as a page."""
    ordered = orders(drawer.redemptions)
    counts = {name: len(ordered if name == "orders" else on_tab(drawer.vouchers, name)) for name in TABS}
    chips = ft.Row(
        [
            chip(
                _tab_label(translate, name, counts[name]),
                lambda _event, name=name: on_tab_chosen(name),
                selected=name == tab,
            )
            for name in TABS
        ],
        spacing=theme.S,
        run_spacing=theme.S,
        wrap=True,
    )
    if tab == "orders":
        shown = [_order(translate, window, one, drawer.rewards.get(one.reward)) for one in ordered]
    else:
        shown = [
            _ticket(
                translate,
                window,
                one,
                drawer.rewards.get(one.reward),
                drawer.stores.get(one.store or "", ""),
                now,
                _left(translate, drawer, one),
            )
            for one in on_tab(drawer.vouchers, tab)
        ]
    on_the_way = [_on_the_way(translate, id, title) for id, title in drawer.on_the_way] if tab == "ready" else []
    body = [columns(shown, 1 if window.size == "phone" else 2)] if shown else [_empty(translate, tab)]
    return page_frame(translate("vouchers.title"), [chips, *on_the_way, *body], tab="vouchers", spacing=20)


def _tab_label(translate: Translator, tab: Tab, count: int) -> str:
    name = translate(f"vouchers.tab_{tab}")
    return f"{name} {translate.number(count)}" if count and tab == "ready" else name


def _empty(translate: Translator, tab: Tab) -> ft.Control:
    return empty_state(
        _EMPTY_ICONS[tab], translate(f"vouchers.no_{tab}"), translate(f"vouchers.no_{tab}_hint"),
        translate("catalog.to_catalog"), lambda: go("/rewards"),
    )  # fmt: skip


def _on_the_way(translate: Translator, reward: str, title: str) -> ft.Control:
    look = text_button(translate("vouchers.look"), lambda: go(f"/checkout/{reward}"))
    return banner(
        ft.Icons.HOURGLASS_TOP, translate("vouchers.on_the_way", title=title), translate("vouchers.on_the_way_hint"),
        warm=True, action=look,
    )  # fmt: skip


def _ticket(
    translate: Translator,
    window: Window,
    voucher: Voucher,
    reward: Reward | None,
    store: str,
    now: datetime,
    left: str,
) -> ft.Control:
    is_ready = voucher.state == "ready" and not voucher.blocked
    lines: list[ft.Control] = [
        text(
            voucher.title.in_language(translate.language), theme.STRONG, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS
        ),
        text(store or translate("vouchers.any_store"), theme.SMALL, theme.QUIET),
        _when(translate, voucher, now),
        *([text(left, theme.SMALL, theme.QUIET)] if left else []),
    ]
    if voucher.given_by is not None:
        giver = apart(translate, voucher.given_by)
        lines.append(text(translate("vouchers.given_by", giver=giver), theme.SMALL, theme.QUIET))
    return _entry(window, reward, lines, is_ready, lambda: go(f"/vouchers/{voucher.id}"), f"voucher-{voucher.id}")


def _left(translate: Translator, drawer: Drawer, voucher: Voucher) -> str:
    """How much of a voucher that can be used can still be: of its uses, or of its money."""
    if voucher.state != "ready" or voucher.blocked:
        return ""
    if voucher.balance is not None:
        return left_told(translate, voucher.balance, drawer.currency)
    left = len(left_of(drawer.vouchers, voucher))
    return translate("vouchers.left", left=left, of=voucher.out_of) if voucher.out_of > 1 else ""


def _when(translate: Translator, voucher: Voucher, now: datetime) -> ft.Control:
    if voucher.use is not None:
        return text(translate("vouchers.used_at", time=translate.date_time(voucher.use.at)), theme.SMALL, theme.QUIET)
    if is_spent(voucher):
        return text(translate("vouchers.is_spent"), theme.SMALL, theme.QUIET)
    if voucher.state == "given":
        recipient = apart(translate, voucher.given_to or "", "\u2066")
        return text(translate("vouchers.given_to", recipient=recipient), theme.SMALL, theme.QUIET)
    if voucher.state == "cancelled":
        return text(translate("vouchers.cancelled"), theme.SMALL, theme.QUIET)
    if voucher.state == "ready" and voucher.blocked:
        return ft.Row([badge(translate("vouchers.is_blocked"))])
    day = translate.date(last_moment(voucher.expires_at), "day")
    if voucher.state == "expired":
        return text(translate("vouchers.expired_on", date=day), theme.SMALL, theme.QUIET)
    if expires_in_days(voucher, now) is not None:
        return ft.Row([badge(translate("vouchers.until", date=day))])
    return text(translate("vouchers.until", date=day), theme.SMALL, theme.QUIET)


def _order(translate: Translator, window: Window, order: Redemption, reward: Reward | None) -> ft.Control:
    lines: list[ft.Control] = [
        text(order.title.in_language(translate.language), theme.STRONG, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS),
        text(translate("vouchers.ordered_on", date=translate.date(order.created_at, "day")), theme.SMALL, theme.QUIET),
        ft.Row([badge(translate(f"vouchers.order_{order_state(order, reward)}"), warm=order.state == "held")]),
    ]
    return _entry(window, reward, lines, order.state != "released", None, f"order-{order.id}")


def _entry(
    window: Window, reward: Reward | None, lines: Sequence[ft.Control], is_live: bool,
    on_click: Callable[[], Any] | None, key: str,
) -> ft.Control:  # fmt: skip
    if reward is not None:
        shown = picture(reward, dark=window.dark, height=96, corner=theme.CORNER, width=96, share=0.7)
    else:
        shown = ft.Container(
            ft.Icon(ft.Icons.REDEEM, color=theme.OURS), width=96, height=96, border_radius=theme.CORNER,
            bgcolor=theme.OURS_TINT, alignment=ft.Alignment.CENTER,
        )  # fmt: skip
    shown.opacity = 1 if is_live else 0.55
    row = [shown, ft.Column(list(lines), spacing=theme.XS, expand=True)]
    if on_click is not None:
        row.append(ft.Icon(ft.Icons.QR_CODE_2 if is_live else ft.Icons.CHEVRON_RIGHT, color=theme.OURS, size=28))
    body = ft.Row(row, spacing=theme.L, vertical_alignment=ft.CrossAxisAlignment.CENTER)
    return card(body, on_click=on_click, padding=12, key=key)
