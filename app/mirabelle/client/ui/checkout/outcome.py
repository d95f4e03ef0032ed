"""How a confirmation went: thanks, or what happened, what is safe and what to do."""

from collections.abc import Callable
from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.ui.checkout.state import SIGN_IN_FIRST, WORTH_ANOTHER_TRY, Waiting
from mirabelle.client.ui.shared import fixes, theme
from mirabelle.client.ui.shared.context import Window
from mirabelle.client.ui.shared.notices import what_to_say
from mirabelle.client.ui.shared.widgets import (
    error_card,
    heading,
    icon_disc,
    picture,
    primary_button,
    quiet_button,
    text,
)
from mirabelle.contract.messages import Redemption, Reward
from mirabelle.contract.reasons import Reason
from mirabelle.contract.translation import Translator

Handler = Callable[[], Any]


def refused(
    translate: Translator, failed: Refusal | Exception, on_retry: Handler, on_sign_in: Handler, on_catalog: Handler
) -> ft.Control:
    """Nothing was spent, why not, and the way on that fits."""
    if not isinstance(failed, Refusal):
        return error_card(translate, failed, on_retry)
    _, safe, _ = what_to_say(translate, failed)
    if failed.reason in SIGN_IN_FIRST:
        way_on = primary_button(translate("checkout.sign_in"), on_sign_in, key="sign-in")
    elif failed.reason in WORTH_ANOTHER_TRY:
        return error_card(translate, failed, on_retry, safe=safe)
    elif failed.reason == Reason.PRICE_CHANGED:
        way_on = primary_button(translate("checkout.see_price"), on_retry, key="see-price")
    else:
        way_on = quiet_button(translate("catalog.to_catalog"), on_catalog, key="to-catalog")
    card = error_card(translate, failed, safe=safe)
    return ft.Column([card, ft.Row([way_on])], spacing=theme.L, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def waiting(
    translate: Translator, kind: Waiting, busy: bool, on_retry: Handler, on_discard: Handler | None
) -> list[ft.Control]:
    """Sent or not, nobody knows yet: what that means, and that it cannot cost twice."""
    icon = ft.Icons.CLOUD_OFF_OUTLINED if kind == "not_sent" else ft.Icons.HOURGLASS_TOP
    disc = icon_disc(icon, bgcolor=theme.WARM_TINT, color=theme.ON_WARM_TINT, size=72)
    words = [
        heading(translate(f"checkout.{kind}"), theme.TITLE, 1, text_align=ft.TextAlign.CENTER),
        text(translate(f"checkout.{kind}_safe"), theme.BODY_L, text_align=ft.TextAlign.CENTER),
        text(translate(f"checkout.{kind}_do"), theme.BODY, theme.QUIET, text_align=ft.TextAlign.CENTER),
    ]
    buttons: list[ft.Control] = [primary_button(translate(f"checkout.{kind}_retry"), on_retry, busy=busy, key="retry")]
    if on_discard is not None:
        buttons.append(quiet_button(translate("checkout.discard"), on_discard, disabled=busy, key="discard"))
    column = ft.Column(
        [disc, *words, ft.Container(height=theme.S), *buttons],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
    return [
        ft.Semantics(
            live_region=True,
            container=True,
            content=ft.Container(column, padding=ft.Padding.symmetric(vertical=48), key=f"waiting-{kind}"),
        )
    ]


@fixes.component
def thanks(
    translate: Translator, window: Window, name: str, redemption: Redemption, reward: Reward | None,
    on_show: Handler, on_more: Handler,
) -> ft.Control:  # fmt: skip
    """Thanks by name; the picture arrives with a small bounce, unless less motion was asked for."""
    has_landed, land = ft.use_state(window.calm)
    ft.use_effect(lambda: land(True), [])
    title = redemption.title.in_language(translate.language)
    shown: list[ft.Control] = []
    if reward is not None:
        disc = picture(reward, dark=False, height=208, corner=104, width=208, share=0.62)
        disc.scale = 1 if has_landed else 0.4
        disc.animate_scale = ft.Animation(700, ft.AnimationCurve.ELASTIC_OUT)
        shown.append(disc)
    words = [
        heading(translate.to_somebody("checkout.thanks", name), theme.PAGE_TITLE, 1, color=theme.ON_BAND),
        text(translate("checkout.is_yours", title=title), theme.BODY_L, theme.ON_BAND, text_align=ft.TextAlign.CENTER),
        text(translate("catalog.balance_after", count=redemption.available_after), theme.BODY, theme.ON_BAND_QUIET),
    ]
    show = translate("checkout.show_voucher" if redemption.voucher else "checkout.show_orders")
    white = ft.ButtonStyle(bgcolor=ft.Colors.WHITE, color=theme.PLUM_DARK)
    plain = ft.ButtonStyle(color=theme.ON_BAND)
    buttons = [
        ft.FilledButton(show, on_click=on_show, style=white, width=300, key="show"),
        ft.TextButton(translate("checkout.more_rewards"), on_click=on_more, style=plain, key="more"),
    ]
    column = ft.Column(
        [*shown, ft.Container(height=theme.S), *words, ft.Container(height=theme.L), *buttons],
        spacing=theme.M,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        alignment=ft.MainAxisAlignment.CENTER,
        scroll=ft.ScrollMode.AUTO,
    )
    return ft.Semantics(
        live_region=True,
        container=True,
        content=ft.Container(column, padding=24, alignment=ft.Alignment.CENTER, key="thanks"),
        expand=True,
    )
