"""The ways between the main pages: a bar at the bottom of phones, a rail at the side of wider windows."""

from typing import TYPE_CHECKING, Final

import flet as ft
import msgspec

from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import go, use_app, use_window
from mirabelle.client.ui.shared.icons import icon_button
from mirabelle.client.ui.shared.live import use_live

if TYPE_CHECKING:
    from mirabelle.client.app import App


class Tab(msgspec.Struct, frozen=True):
    """One entry of the navigation; its label is the text `shared.tab_<id>`."""

    id: str
    route: str
    icon: ft.IconData
    chosen: ft.IconData


PARTICIPANT_TABS: Final = (
    Tab("wallet", "/wallet", ft.Icons.ACCOUNT_BALANCE_WALLET_OUTLINED, ft.Icons.ACCOUNT_BALANCE_WALLET),
    Tab("rewards", "/rewards", ft.Icons.CARD_GIFTCARD_OUTLINED, ft.Icons.CARD_GIFTCARD),
    Tab("vouchers", "/vouchers", ft.Icons.QR_CODE_2_OUTLINED, ft.Icons.QR_CODE_2),
    Tab("activity", "/activity", ft.Icons.RECEIPT_LONG_OUTLINED, ft.Icons.RECEIPT_LONG),
)
STAFF_TABS: Final = (
    Tab("scan", "/till", ft.Icons.QR_CODE_SCANNER_OUTLINED, ft.Icons.QR_CODE_SCANNER),
    Tab("history", "/till/scans", ft.Icons.HISTORY_OUTLINED, ft.Icons.HISTORY),
    Tab("settings", "/settings", ft.Icons.SETTINGS_OUTLINED, ft.Icons.SETTINGS),
)


RAIL_WIDTH: Final = 224  # logical pixels, with the words beside the icons


def tabs_of(app: "App") -> tuple[Tab, ...]:
    """The main pages of whoever is signed in; none for those who are not."""
    if app.session is None:
        return ()
    return STAFF_TABS if app.session.role == "staff" else PARTICIPANT_TABS


def index_of(tabs: tuple[Tab, ...], tab: str) -> int | None:
    """Where `tab` is among `tabs`; None for a page that is none of them."""
    return next((index for index, entry in enumerate(tabs) if entry.id == tab), None)


@fixes.component
def bottom_bar(tab: str) -> ft.Control:
    """The navigation of phones."""
    app = use_app()
    tabs = tabs_of(app)
    alerts = use_live(app, ("alerts", "wallet", "vouchers", "outbox"), lambda: app.alerts.count)

    def destination(entry: Tab) -> ft.NavigationBarDestination:
        label = app.t(f"shared.tab_{entry.id}")
        if entry.id != "wallet" or not alerts or tab == "wallet":
            return ft.NavigationBarDestination(icon=entry.icon, selected_icon=entry.chosen, label=label)
        news = app.t("alerts.bell", count=alerts)  # a dot says nothing to those who hear the screen
        dot = ft.Badge(small_size=8, bgcolor=theme.WARM)
        icon = ft.Icon(entry.icon, badge=dot, semantics_label=news)
        return ft.NavigationBarDestination(icon=icon, label=label, tooltip=app.t.line(label, news))

    return ft.NavigationBar(
        destinations=[destination(entry) for entry in tabs],
        selected_index=index_of(tabs, tab) or 0,
        indicator_color=theme.OURS_TINT,
        bgcolor=theme.CARD,
        elevation=0,
        on_change=lambda event: go(tabs[event.control.selected_index].route),
    )


@fixes.component
def side_rail(tab: str) -> ft.Control:
    """The navigation of tablets and desktops; wide windows have room for the words beside the icons."""
    app, window = use_app(), use_window()
    tabs = tabs_of(app)
    is_wide = window.size == "desktop"
    rail = ft.NavigationRail(
        destinations=[
            ft.NavigationRailDestination(
                icon=entry.icon,
                selected_icon=entry.chosen,
                label=ft.Text(app.t(f"shared.tab_{entry.id}"), theme_style=theme.LABEL if is_wide else theme.LABEL_S),
                padding=ft.Padding.symmetric(vertical=4),
            )
            for entry in tabs
        ],
        selected_index=index_of(tabs, tab),
        extended=is_wide,
        label_type=ft.NavigationRailLabelType.NONE if is_wide else ft.NavigationRailLabelType.ALL,
        min_width=104,
        min_extended_width=RAIL_WIDTH,
        bgcolor=theme.CARD,
        indicator_color=theme.OURS_TINT,
        group_alignment=-1,
        leading=_mark(app, is_wide),
        trailing=_rail_end(app, tab, is_wide) if app.session and app.session.role == "participant" else None,
        pin_trailing_to_bottom=True,
        on_change=lambda event: go(tabs[event.control.selected_index].route),
    )
    return ft.Row(
        [rail, ft.VerticalDivider(width=1, color=theme.LINE)],
        spacing=0,
        vertical_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def mark(size: int = 40) -> ft.Control:
    """The fruit that gave its name."""
    return ft.Image(src="/icons/mirabelle.svg", width=size, height=size, exclude_from_semantics=True)


def _mark(app: "App", is_wide: bool) -> ft.Control:
    if not is_wide:
        return ft.Container(mark(), padding=ft.Padding.symmetric(vertical=20))
    programme = app.programme.current()
    name = ft.Text(programme.name if programme else "", theme_style=theme.STRONG_L, color=theme.OURS)
    return ft.Container(
        ft.Row([mark(), name], spacing=theme.M),
        width=RAIL_WIDTH,
        padding=ft.Padding.symmetric(horizontal=20, vertical=24),
    )


@fixes.component
def _rail_end(app: "App", tab: str, is_wide: bool) -> ft.Control:
    alerts = use_live(app, ("alerts", "wallet", "vouchers", "outbox"), lambda: app.alerts.count)
    entries = [bell(app, alerts, selected=tab == "alerts"), settings_button(app, selected=tab == "settings")]
    if is_wide:
        labels = (app.t("alerts.title"), app.t("shared.tab_settings"))
        entries = [_beside(entry, label) for entry, label in zip(entries, labels, strict=True)]
    return ft.Container(
        ft.Column(entries, spacing=theme.XS, tight=True),
        width=RAIL_WIDTH if is_wide else None,
        padding=ft.Padding.only(left=20, right=20, bottom=20) if is_wide else ft.Padding.only(bottom=20),
    )


def _beside(button: ft.Control, label: str) -> ft.Control:
    words = ft.Text(label, theme_style=theme.LABEL)
    return ft.Container(ft.Row([button, words], spacing=theme.M), border_radius=28, ink=True, on_click=button.on_click)


def bell(app: "App", alerts: int, *, color: ft.ColorValue | None = None, selected: bool = False) -> ft.IconButton:
    """The way to the alerts, with how many there are."""
    badge = ft.Badge(
        label=ft.Text(app.t.number(alerts), theme_style=theme.TINY, color=ft.Colors.ON_TERTIARY),
        bgcolor=theme.WARM,
        offset=ft.Offset(4 if app.t.rtl else -4, 4),
    )
    return icon_button(
        ft.Icons.NOTIFICATIONS if selected else ft.Icons.NOTIFICATIONS_OUTLINED,
        app.t("alerts.bell", count=alerts),
        lambda _event: go("/alerts"),
        color=color,
        badge=badge if alerts else None,
        key="bell",
    )


def settings_button(app: "App", *, color: ft.ColorValue | None = None, selected: bool = False) -> ft.IconButton:
    """The way to the settings."""
    return icon_button(
        ft.Icons.SETTINGS if selected else ft.Icons.SETTINGS_OUTLINED,
        app.t("shared.tab_settings"),
        lambda _event: go("/settings"),
        color=color,
        key="settings",
    )
