"""The wallet: how many points, until when, and what they can do now."""

from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.ui.accounts.cards import account_switch
from mirabelle.client.ui.activity.rows import activity_row
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.navigation import bell, settings_button
from mirabelle.client.ui.wallet.expiry import expiry_card
from mirabelle.client.ui.wallet.state import WalletPage, read_wallet
from mirabelle.contract.messages import Reward
from mirabelle.contract.translation import Translator

TOPICS = ("wallet", "activity", "catalog", "alerts", "outbox", "programme")


@screen
def wallet_screen() -> ft.View:
    """Connects the wallet to the app."""
    app, window = use_app(), use_window()
    rewards, rows = {"phone": (4, 4), "tablet": (3, 5), "desktop": (4, 8)}[window.size]
    page = use_live(app, TOPICS, lambda: read_wallet(app, rewards=rewards, rows=rows))
    buttons: list[ft.Control] = [account_switch(theme.ON_BAND)]
    if window.size == "phone":
        buttons += [
            bell(app, app.alerts.count, color=theme.ON_BAND),
            settings_button(app, color=theme.ON_BAND),
        ]
    return wallet_view(app.t, window, page, buttons)


def wallet_view(translate: Translator, window: Window, page: WalletPage, buttons: list[ft.Control]) -> ft.View:
    """The wallet from plain values."""
    if page.wallet is None:
        waiting = [widgets.skeleton(190), widgets.skeleton(240), widgets.skeleton(160)]
        return widgets.page_frame(translate("shared.tab_wallet"), waiting, tab="wallet")
    expiry = expiry_card(
        translate, window, page.bars, page.next_expiry, page.days_left, lambda _event: go("/rewards?affordable=1")
    )
    within_reach = _within_reach(translate, window, page.rewards)
    recent = _recent(translate, page, in_card=window.size == "desktop")
    if window.size == "phone":
        return widgets.page_frame(
            "",
            [expiry, within_reach, recent],
            tab="wallet",
            band=_band(translate, window, page, buttons, ft.BorderRadius.only(bottom_left=28, bottom_right=28)),
        )
    band = _band(translate, window, page, buttons, theme.CORNER_XL)
    if window.size == "tablet":
        return widgets.page_frame("", [band, expiry, within_reach, recent], tab="wallet")
    sides = ft.Row(
        [
            ft.Column(
                [band, expiry, within_reach],
                spacing=theme.XL,
                expand=7,
                horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
            ),
            ft.Container(recent, expand=5),
        ],
        spacing=theme.XL,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
    return widgets.page_frame("", [sides], tab="wallet", width=1180)


def _band(
    translate: Translator, window: Window, page: WalletPage, buttons: list[ft.Control], corners: ft.BorderRadiusValue
) -> ft.Control:
    assert page.wallet is not None
    is_phone = window.size == "phone"
    greeting = translate.to_somebody(f"wallet.greeting_{page.part_of_day}", page.first_name)
    number = ft.Semantics(
        label=translate("shared.points", count=page.wallet.available),
        exclude_semantics=True,
        header=True,
        content=ft.Row(
            [
                widgets.text(translate.number(page.wallet.available), theme.NUMBER, theme.ON_BAND, key="balance"),
                ft.Container(
                    widgets.text(
                        translate("shared.points_word", count=page.wallet.available), theme.BODY_L, theme.ON_BAND_QUIET
                    ),
                    padding=ft.Padding.only(bottom=10),
                ),
            ],
            spacing=10,
            vertical_alignment=ft.CrossAxisAlignment.END,
            wrap=True,
        ),
    )
    parts: list[ft.Control] = [
        ft.Row(
            [ft.Container(widgets.text(greeting, theme.BODY_L, theme.ON_BAND), expand=True), *buttons],
            vertical_alignment=ft.CrossAxisAlignment.CENTER,
            spacing=0,
        ),
        ft.Column(
            [
                number,
                widgets.text(
                    widgets.parted(translate, *_quiet_line(translate, page)),
                    theme.BODY,
                    theme.ON_BAND_QUIET,
                ),
            ],
            spacing=4,
        ),
    ]
    tier = _tier(translate, page)
    if tier is not None:
        parts.append(tier)
    if page.can_send:
        outlined = ft.ButtonStyle(color=theme.ON_BAND, side=ft.BorderSide(1, theme.ON_BAND_QUIET))
        send = ft.OutlinedButton(
            translate("transfer.title"),
            icon=ft.Icons.SEND_OUTLINED,
            style=outlined,
            on_click=lambda _event: go("/send"),
            key="send",
        )
        parts.append(ft.Row([send]))
    return ft.Container(
        ft.Column(parts, spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
        padding=ft.Padding.only(left=20, right=20, top=12 + window.inset_top, bottom=24)
        if is_phone
        else ft.Padding.symmetric(horizontal=32, vertical=26),
        gradient=ft.LinearGradient(
            begin=ft.Alignment.TOP_LEFT, end=ft.Alignment.BOTTOM_RIGHT, colors=[theme.BAND_START, theme.BAND_END]
        ),
        border_radius=corners,
    )


def _quiet_line(translate: Translator, page: WalletPage) -> list[str]:
    """When the number was true, what is held, what is on its way."""
    assert page.wallet is not None
    as_of = translate.time(page.wallet.as_of) if page.is_from_today else translate.date_time(page.wallet.as_of)
    line = [translate("wallet.as_of", time=as_of)]
    if page.wallet.held:
        line.append(translate("wallet.held", count=page.wallet.held))
    if page.arrives_at is not None:
        day = translate.date(page.arrives_at, form="weekday" if page.arrives_within_a_week else "short")
        line.append(translate("wallet.arriving", count=page.wallet.pending, day=day))
    elif page.wallet.pending:
        line.append(translate("wallet.on_its_way", count=page.wallet.pending))
    return line


def _tier(translate: Translator, page: WalletPage) -> ft.Control | None:
    if page.tier is None:
        return None
    if page.next_tier is None:
        way = translate("wallet.highest_tier")
    else:
        way = translate("wallet.to_next_tier", count=page.points_to_next, tier=page.next_tier)
    labels = ft.Row(
        [
            widgets.text(page.tier, theme.STRONG_S, theme.ON_BAND),
            ft.Container(widgets.text(way, theme.SMALL, theme.ON_BAND_QUIET, text_align=ft.TextAlign.END), expand=True),
        ],
        vertical_alignment=ft.CrossAxisAlignment.END,
        spacing=theme.M,
    )
    bar = ft.ProgressBar(
        value=page.tier_progress,
        bar_height=8,
        border_radius=4,
        color=theme.WARM,
        bgcolor=ft.Colors.with_opacity(0.24, theme.ON_BAND),
        semantics_label=way,
    )
    return ft.Column([labels, bar], spacing=theme.S)


def _within_reach(translate: Translator, window: Window, rewards: list[Reward]) -> ft.Control:
    title = widgets.section(
        translate("wallet.yours_now"), translate("shared.see_all"), lambda _event: go("/rewards?affordable=1")
    )
    if not rewards:
        hint = widgets.card(widgets.text(translate("wallet.nothing_yet"), color=theme.QUIET))
        return ft.Column([title, hint], spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)

    def opener(reward: Reward) -> Callable[..., Any]:
        return lambda _event: go(f"/rewards/{reward.id}")

    cards = [widgets.reward_card(translate, reward, opener(reward), dark=window.dark) for reward in rewards]
    count = {"phone": 2, "tablet": 3, "desktop": 4}[window.size]
    return ft.Column(
        [title, widgets.columns(cards, count)], spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH
    )


def _recent(translate: Translator, page: WalletPage, *, in_card: bool) -> ft.Control:
    title = widgets.section(translate("wallet.lately"), translate("shared.see_all"), lambda _event: go("/activity"))
    if not page.activity:
        rows: list[ft.Control] = [ft.Container(widgets.text(translate("activity.empty"), color=theme.QUIET), padding=8)]
    else:
        rows = [activity_row(row, page.now, key=f"activity-{row.sequence}") for row in page.activity]
    if in_card:  # beside the other cards, as tall as it needs to be
        head = ft.Container(title, padding=ft.Padding.symmetric(horizontal=8))
        stretched = ft.CrossAxisAlignment.STRETCH
        return widgets.card(ft.Column([head, *rows], spacing=0, horizontal_alignment=stretched), padding=12)
    return ft.Column(
        [title, widgets.card(ft.Column(rows, spacing=0), padding=8)],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
