"""The frame around every page: navigation at the bottom or at the side, the title, the scrolling body."""

from collections.abc import Callable, Sequence
from typing import Any

import flet as ft

from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import Window, go, use_app, use_route, use_window
from mirabelle.client.ui.shared.icons import icon_button
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.navigation import bottom_bar, side_rail
from mirabelle.client.ui.shared.notices import (
    clock_banner,
    empty_state,
    mishap_banner,
    offline_banner,
    strange_banner,
)

_WHERE_TIME_COUNTS = ("/wallet", "/vouchers")
TAB_VIEW = "/tabs"  # all tabs share one view, so that changing tabs does not slide pages over each other


def page_frame(
    title: str,
    controls: Sequence[ft.Control],
    *,
    tab: str | None = None,
    back: str | None = None,
    actions: Sequence[ft.Control] = (),
    band: ft.Control | None = None,
    footer: ft.Control | None = None,
    scroll: bool = True,
    in_middle: bool = False,
    width: int = theme.CONTENT_WIDTH,
    spacing: int = theme.XL,
    bgcolor: ft.ColorValue | None = None,
    on_scroll: Callable[..., Any] | None = None,
    tells_offline: bool = True,
) -> ft.View:
    """The view of one page. Call it inside a component.

    `tab`: the navigation entry to mark; None: no navigation. `back`: the route behind the back arrow; phones leave the
    navigation out then. `band`: goes across the top in place of the title. `footer`: stays at the bottom above the
    navigation. `scroll=False`: the last of `controls` expands and scrolls by itself. `in_middle`: what is less than the
    window stands in the middle of its height. `tells_offline=False`: the page itself says that there is no contact.
    """
    app, window, route = use_app(), use_window(), use_route()
    connection, last_contact, clock_is_off = use_live(
        app, ("connection", "wallet"), lambda: (app.connection, app.last_contact, app.wallet.clock_is_off)
    )
    mishap, strange = use_live(app, ("mishap", "outbox", "scans"), lambda: (app.mishap, app.strange))
    if mishap is not None:
        controls = [mishap_banner(app.t, mishap, app.mishap_seen), *controls]
    if strange:
        controls = [strange_banner(app.t, strange), *controls]
    if clock_is_off and route.startswith(_WHERE_TIME_COUNTS):
        controls = [clock_banner(app.t), *controls]
    if connection == "offline" and tells_offline:
        is_staff = app.session is not None and app.session.role == "staff"
        controls = [offline_banner(app.t, last_contact, is_staff=is_staff), *controls]
    body = _body(
        window,
        _title_row(app.t, title, back, actions) if band is None else None,
        controls,
        scroll,
        width,
        spacing,
        on_scroll,
        band,
    )
    if in_middle:
        body.alignment = ft.MainAxisAlignment.CENTER
    column: list[ft.Control] = [body]
    if footer is not None:
        column.append(_footer(window, footer, width))
    stretched = ft.CrossAxisAlignment.STRETCH
    content: ft.Control = ft.Column(column, spacing=0, expand=True, horizontal_alignment=stretched)
    if tab is not None and window.size != "phone":
        content = ft.Row([side_rail(tab), content], spacing=0, expand=True, vertical_alignment=stretched)
    elif tab is not None and back is None:  # on a phone, what has a way back needs the room more
        content = ft.Column([content, bottom_bar(tab)], spacing=0, expand=True, horizontal_alignment=stretched)
    is_tab_itself = tab is not None and back is None
    return ft.View(
        route=TAB_VIEW if is_tab_itself else route,
        controls=[content],
        padding=0,
        spacing=0,
        bgcolor=bgcolor,
    )


def margin(window: Window) -> int:
    """The space at the sides of a page, in logical pixels."""
    return {"phone": 16, "tablet": 28, "desktop": 40}[window.size]


def _title_row(translate: Any, title: str, back: str | None, actions: Sequence[ft.Control]) -> ft.Control | None:
    if not title and back is None and not actions:
        return None
    parts: list[ft.Control] = []
    if back is not None:
        parts.append(
            icon_button(
                ft.Icons.ARROW_BACK,
                translate("shared.back"),
                lambda _event: go(back),
                key="back",
                offset=ft.Offset(0.2 if translate.rtl else -0.2, 0),  # its arrow, not its halo, on the margin
            )
        )
    heading = ft.Semantics(
        header=True,
        heading_level=1,
        content=ft.Text(title, theme_style=theme.PAGE_TITLE if back is None else theme.TITLE),
    )
    parts.append(ft.Container(heading, expand=True))
    return ft.Row([*parts, *actions], spacing=theme.S, vertical_alignment=ft.CrossAxisAlignment.CENTER)


def _body(
    window: Window,
    head: ft.Control | None,
    controls: Sequence[ft.Control],
    scroll: bool,
    width: int,
    spacing: int,
    on_scroll: Callable[..., Any] | None,
    band: ft.Control | None,
) -> ft.Column:
    side = margin(window)
    inner = ft.Column(
        [*([head] if head is not None else []), *controls],
        spacing=spacing,
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        expand=not scroll,
    )
    top = (16 if window.size == "phone" else 28) + (window.inset_top if band is None else 0)
    padded = ft.Container(
        inner,
        padding=ft.Padding.only(left=side, right=side, top=top, bottom=theme.XL if scroll else 0),
        width=width + 2 * side,
        expand=not scroll,
    )
    whole = [*([band] if band is not None else []), padded]
    return ft.Column(
        whole,
        spacing=0,
        expand=True,
        scroll=ft.ScrollMode.AUTO if scroll else None,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        on_scroll=on_scroll,
        scroll_interval=100,
    )


def _footer(window: Window, footer: ft.Control, width: int) -> ft.Control:
    side = margin(window)
    return ft.Container(
        ft.Container(footer, width=width),
        padding=ft.Padding.only(left=side, right=side, top=theme.M, bottom=theme.M + window.inset_bottom),
        alignment=ft.Alignment.CENTER,
        bgcolor=theme.CARD,
        border=ft.Border.only(top=ft.BorderSide(1, theme.LINE)),
    )


def screen(draw: Callable[..., ft.View]) -> Callable[..., Any]:
    """Makes `draw` a page: a component that returns a view, and whose faults show a page that says so."""
    return fixes.component(draw, instead=_broken)


def fault() -> ft.Control:
    """Stands for what could not be drawn, and says what is safe and what to do."""
    app = use_app()
    return empty_state(
        ft.Icons.HEALING_OUTLINED,
        app.t("shared.fault"),
        f"{app.t('shared.fault_safe')} {app.t('shared.fault_do')}",
        app.t("shared.home"),
        lambda: go("/"),
    )


def _broken() -> ft.View:
    return ft.View(
        route=use_route(),
        controls=[fault()],
        vertical_alignment=ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
