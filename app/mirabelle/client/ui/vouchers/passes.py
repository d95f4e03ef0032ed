"""Putting a voucher into a phone's wallet app: which of them this device has, and what that means, asked first."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.device.files import Files
from mirabelle.client.device.links import Links
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.widgets import text
from mirabelle.contract.fields import PassKind
from mirabelle.contract.messages import Voucher
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.app import App

# A phone has its own wallet app only; what a computer makes may be for either phone.
_ON_PHONES: Final[dict[ft.PagePlatform, PassKind]] = {ft.PagePlatform.IOS: "apple", ft.PagePlatform.ANDROID: "google"}


def use_passes(app: "App", voucher: Voucher | None, on_start: Callable[[], Any]) -> tuple[Sequence[PassKind], Command]:
    """The wallet apps that `voucher` can be put into from this device, and the command that puts it there."""
    (files, links), _ = ft.use_state(lambda: (Files(), Links()))

    async def put_now(kind: PassKind) -> Refusal | None:
        on_start()
        answer = await app.put_in_wallet(voucher, kind)
        if isinstance(answer, Refusal):
            return answer
        if answer.pkpass is not None:
            await files.hand_over(f"{voucher.reward}.pkpass", answer.pkpass)
        elif answer.link is not None:
            await links.follow(answer.link)
        return None

    put, programme, platform = use_command(put_now), app.programme.current(), ft.context.page.platform
    if voucher is None or programme is None or not voucher.paper:
        return (), put
    own = _ON_PHONES.get(platform) if platform else None
    return [kind for kind in programme.passes if own in (None, kind)], put


def pass_dialog(
    translate: Translator, kinds: Sequence[PassKind], on_chosen: Callable[[PassKind], Callable[[], Any]],
    on_close: Callable[[], Any],
) -> ft.AlertDialog:  # fmt: skip
    """Says what a pass is worth, and asks for which wallet app it shall be."""
    buttons = [
        ft.FilledButton(translate(f"vouchers.wallet_{kind}"), on_click=on_chosen(kind), key=f"wallet-{kind}")
        for kind in kinds
    ]
    return ft.AlertDialog(
        title=translate("vouchers.wallet"),
        content=ft.Column(
            [text(translate("vouchers.wallet_hint")), ft.Row(buttons, spacing=theme.S, run_spacing=theme.S, wrap=True)],
            spacing=theme.L,
            tight=True,
        ),
        actions=[ft.TextButton(translate("shared.cancel"), on_click=on_close, key="keep")],
        on_dismiss=on_close,
        scrollable=True,
    )
