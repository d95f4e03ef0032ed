"""From the browser to the phone: the link that opens the app at this very server, and its code."""

import io
from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.device.links import Links
from mirabelle.client.device.qr import code_of_text
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import use_app
from mirabelle.client.ui.shared.fixes import component
from mirabelle.contract.server_address import BadAddress, is_here, link_to, read_address
from mirabelle.contract.translation import Translator

SIDE = 220  # logical pixels


def address_of(page_url: str | None) -> str | None:
    """The address at which a browser has found its server; None where an app could not ask there."""
    url = (page_url or "").replace("ws://", "http://", 1).replace("wss://", "https://", 1)
    for tried in (url, url.replace("http://", "https://", 1)):  # a proxy with TLS may not have told of itself
        try:
            return read_address(tried)
        except BadAddress:
            continue
    return None


@component
def phone_card() -> ft.Control:
    """Connects the card to the app."""
    app, page = use_app(), ft.context.page
    links, _ = ft.use_state(Links)
    address = address_of(page.url)

    async def follow() -> None:
        if address is not None:
            await links.follow(link_to(address))

    follow_link = use_command(follow)

    async def press(_event: Any) -> None:
        await follow_link()

    return phone_view(app.t, address, press)


def phone_view(translate: Translator, address: str | None, on_open: Callable[..., Any]) -> ft.Control:
    """The card from plain values."""
    if address is None:
        return widgets.text(translate("accounts.phone_none"), color=theme.QUIET)
    code, file = code_of_text(link_to(address)), io.BytesIO()
    code.make_image().save(file, "PNG")
    picture = ft.Image(
        src=file.getvalue(), width=SIDE, height=SIDE, fit=ft.BoxFit.FILL, filter_quality=ft.FilterQuality.NONE,
        semantics_label=translate("accounts.phone_code"), key="phone-code",
    )  # fmt: skip
    parts: list[ft.Control] = [
        widgets.text(translate("accounts.phone_hint"), color=theme.QUIET),
        ft.Container(
            ft.Container(picture, bgcolor=ft.Colors.WHITE, border_radius=theme.CORNER, padding=theme.S),
            alignment=ft.Alignment.CENTER,
        ),
        widgets.text(address, theme.LABEL, rtl=False, selectable=True, text_align=ft.TextAlign.CENTER, key="address"),
        widgets.quiet_button(translate("accounts.phone_open"), on_open, icon=ft.Icons.OPEN_IN_NEW, key="phone-open"),
    ]
    if is_here(address):
        parts.append(widgets.banner(ft.Icons.INFO_OUTLINE, translate("accounts.phone_here")))
    return ft.Column(parts, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
