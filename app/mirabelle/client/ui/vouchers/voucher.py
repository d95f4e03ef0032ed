"""One voucher, as the shop needs to see it: its code, live, and nothing that distracts from it."""

from collections.abc import Sequence

import flet as ft

from mirabelle.client.device.screen import Screen
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live, use_unlocked
from mirabelle.client.ui.shared.widgets import empty_state, error_card, icon_button, page_frame, skeleton, text
from mirabelle.client.ui.vouchers.balance import takings
from mirabelle.client.ui.vouchers.card import CARD_WIDTH, Held, voucher_card
from mirabelle.client.ui.vouchers.deeds import Deed, use_deeds
from mirabelle.client.ui.vouchers.state import left_of, showing
from mirabelle.contract.translation import Translator


@screen
def voucher_screen(id: str) -> ft.View:
    """The voucher `id`; while it is on the screen, that is bright and stays awake."""
    app, window, page = use_app(), use_window(), ft.context.page
    lamp, _ = ft.use_state(lambda: Screen(page))

    def read() -> Held | None:
        voucher = app.vouchers.get(id)
        if voucher is None:
            return None
        store = app.programme.store_name(voucher.store) if voucher.store else ""
        is_here, is_giving = app.show_voucher.is_here(voucher), app.give_voucher.is_open(id)
        state = showing(voucher, app.now(), is_here=is_here, is_giving=is_giving)
        left, programme = left_of(app.vouchers.list(), voucher), app.programme.current()
        ask_at = (programme.contact or programme.name) if programme else ""
        currency = programme.currency if programme else ""
        used_at = {taking.store for taking in voucher.balance.taken} if voucher.balance else ()
        stores = {id: app.programme.store_name(id) for id in used_at}
        return Held(voucher, app.catalog.get(voucher.reward), store, state, left, ask_at, currency, stores)

    held = use_live(app, ("vouchers", "catalog", "programme", "outbox"), read)
    is_unlocked = use_unlocked()
    is_lit = held is not None and held.state == "live" and is_unlocked

    async def light() -> None:
        await (lamp.brighten() if is_lit else lamp.restore())

    async def renew_now() -> None:
        await app.sync()

    async def restore() -> None:
        await lamp.restore()

    ft.use_effect(light, [is_lit], cleanup=restore)
    renew = use_command(renew_now)
    deeds, commands = use_deeds(app, held)
    if held is None:
        is_known = app.programme.current() is not None
        return page_frame("", [_unknown(app.t) if is_known else skeleton(320)], tab="vouchers", back="/vouchers")
    return voucher_view(app.t, window, held, lamp.can_brighten, renew, deeds, commands)


def voucher_view(
    translate: Translator, window: Window, held: Held, brightens: bool, renew: Command, deeds: Sequence[Deed],
    commands: Sequence[Command],
) -> ft.View:  # fmt: skip
    """The voucher as a page: a white card on plum."""
    parts: list[ft.Control] = [voucher_card(translate, window, held, renew)]
    parts += [
        ft.Container(error_card(translate, command.failed), width=CARD_WIDTH, padding=16)
        for command in commands
        if command.failed is not None
    ]
    balance = held.voucher.balance
    if balance is not None and (balance.taken or balance.held_minor):
        told = takings(translate, balance, held.currency, held.stores)
        parts.append(
            ft.Container(told, width=CARD_WIDTH, padding=ft.Padding.symmetric(horizontal=24, vertical=theme.L))
        )
    if held.state == "live":
        hint = translate("vouchers.hand_to_nobody" if brightens else "vouchers.hand_to_nobody_bright")
        parts.append(
            ft.Container(
                text(hint, theme.BODY, theme.ON_BAND, text_align=ft.TextAlign.CENTER),
                padding=ft.Padding.symmetric(horizontal=24, vertical=theme.L),
                width=CARD_WIDTH,
            )
        )
    in_hand = ft.Column(
        parts,
        spacing=0,
        scroll=ft.ScrollMode.AUTO,
        expand=True,
        alignment=ft.MainAxisAlignment.START if window.size == "phone" else ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    band = ft.Container(
        ft.Column(
            [_top(translate, window, deeds), in_hand],
            spacing=0,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        gradient=ft.LinearGradient(
            colors=[theme.BAND_START, theme.BAND_END], begin=ft.Alignment.TOP_CENTER, end=ft.Alignment.BOTTOM_CENTER
        ),
        expand=True,
    )
    return ft.View(route=ft.context.page.route, controls=[band], padding=0, spacing=0)


def _top(translate: Translator, window: Window, deeds: Sequence[Deed]) -> ft.Control:
    back = icon_button(
        ft.Icons.ARROW_BACK, translate("shared.back"), lambda: go("/vouchers"), color=theme.ON_BAND, key="back"
    )
    parts: list[ft.Control] = [back, ft.Container(expand=True)]
    items = [ft.PopupMenuItem(_item(translate, deed), on_click=deed.run, key=deed.name) for deed in deeds]
    if items:
        parts.append(
            ft.PopupMenuButton(
                items=items,
                icon=ft.Icon(ft.Icons.MORE_VERT, color=theme.ON_BAND, semantics_label=translate("vouchers.more")),
                tooltip=translate("vouchers.more"),
                key="more",
            )
        )
    above = window.inset_top + (8 if window.size == "phone" else 20)
    return ft.Container(ft.Row(parts), padding=ft.Padding.only(left=8, right=8, top=above, bottom=4))


def _item(translate: Translator, deed: Deed) -> ft.Control:
    """A line of the menu, which goes on below where a plain one would be cut off."""
    words = text(translate(f"vouchers.{deed.name}"), theme.BODY_L, expand=True)
    row = ft.Row([ft.Icon(deed.icon), words], spacing=theme.M)
    return ft.Container(row, padding=ft.Padding.symmetric(vertical=theme.XS))


def _unknown(translate: Translator) -> ft.Control:
    return empty_state(
        ft.Icons.QR_CODE_2, translate("vouchers.unknown"), translate("vouchers.unknown_hint"),
        translate("vouchers.to_vouchers"), lambda: go("/vouchers"),
    )  # fmt: skip
