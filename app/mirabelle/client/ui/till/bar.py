"""The line that tells staff how their till stands: online or not, what waits, how long it goes on without network."""

import asyncio
from datetime import timedelta
from typing import Final

import flet as ft

from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.widgets import apart, banner, kept_together, text, text_button
from mirabelle.client.ui.till.standing import Standing, standing_of
from mirabelle.contract.translation import Translator

TICK_SECONDS: Final = 20  # what is told changes by the minute


@fixes.component
def till_bar() -> ft.Control:
    """How this page's till stands; told anew as time goes by."""
    app, page = use_app(), ft.context.page
    _, tick = ft.use_state(0)
    topics = ("connection", "trust", "offline_scans", "till")
    standing = use_live(app, topics, lambda: standing_of(app))

    async def keep_time() -> None:
        await asyncio.sleep(TICK_SECONDS)
        while fixes.is_connected(page):
            tick(lambda count: count + 1)
            await asyncio.sleep(TICK_SECONDS)

    ft.use_effect(keep_time, [])
    return bar_view(app.t, standing)


def bar_view(translate: Translator, standing: Standing) -> ft.Control:
    """The line from plain values, with what wants attention below it."""
    is_calm = standing.is_online and not standing.waiting and standing.stop is None
    color = ft.Colors.ON_SURFACE if is_calm else theme.ON_WARM_TINT
    state = translate("till.bar_online" if standing.is_online else "till.bar_offline")
    sent = translate("till.bar_waiting", count=standing.waiting) if standing.waiting else translate("till.bar_sent")
    words: list[ft.Control] = [
        text(translate.line(state, sent), theme.STRONG_S, color),
        text(_how_long(translate, standing), theme.SMALL, color),
    ]
    if standing.stop is None and not standing.is_online:
        words.append(text(room_told(translate, standing), theme.SMALL, color))
        if standing.as_of is not None:
            words.append(text(translate("till.as_of", time=translate.date_time(standing.as_of)), theme.SMALL, color))
    icon = ft.Icons.CLOUD_DONE_OUTLINED if standing.is_online else ft.Icons.CLOUD_OFF_OUTLINED
    line = ft.Semantics(
        live_region=True,
        container=True,
        content=ft.Container(
            ft.Row([ft.Icon(icon, size=22, color=color), ft.Column(words, spacing=2, expand=True)], spacing=theme.M),
            padding=ft.Padding.symmetric(horizontal=16, vertical=10),
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGH if is_calm else theme.WARM_TINT,
            border_radius=theme.CORNER,
            key="till-bar",
        ),
    )
    return ft.Column([line, *_warnings(translate, standing)], spacing=theme.S)


def _how_long(translate: Translator, standing: Standing) -> str:
    if standing.stop is not None:
        return translate(f"till.stop_{standing.stop}")
    assert standing.ends_at is not None
    until = translate("till.until", time=kept_together(translate.date_time(standing.ends_at)))
    return until if standing.is_online else translate.line(until, left_told(translate, standing.left))


def left_told(translate: Translator, left: timedelta) -> str:
    """How much time is left, to the minute."""
    minutes = int(left.total_seconds()) // 60
    return kept_together(translate("till.left", hours=minutes // 60, minutes=minutes % 60))


def room_told(translate: Translator, standing: Standing) -> str:
    """How many more vouchers of each class are taken without network."""
    return translate.line(
        *(
            kept_together(translate("till.room", name=apart(translate, name), count=left))
            for name, left in standing.room.items()
        )
    )


def _warnings(translate: Translator, standing: Standing) -> list[ft.Control]:
    found: list[ft.Control] = []
    if standing.refused:
        look = text_button(translate("till.look"), lambda: go("/till/scans"), key="look")
        words = translate("till.uploads_refused", count=standing.refused)
        found.append(
            banner(ft.Icons.REPORT_OUTLINED, words, translate("till.uploads_refused_do"), warm=True, action=look)
        )
    if standing.keys_end_at is not None and standing.stop != "keys":
        day = kept_together(translate.date(standing.keys_end_at, "day"))
        found.append(
            banner(
                ft.Icons.KEY_OFF_OUTLINED, translate("till.keys_end", date=day), translate("till.connect"), warm=True
            )
        )
    if standing.is_distrusted:
        found.append(
            banner(
                ft.Icons.GPP_MAYBE_OUTLINED, translate("till.distrusted"), translate("till.distrusted_do"), warm=True
            )
        )
    return found
