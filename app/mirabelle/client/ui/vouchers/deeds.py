"""What can be done with a voucher besides showing it, each asked about first where it cannot be taken back."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.device.files import Files
from mirabelle.client.device.pdf import PAPERS, Paper
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go
from mirabelle.client.ui.shared.live import use_dialog
from mirabelle.client.ui.shared.widgets import text
from mirabelle.client.ui.vouchers.card import Held
from mirabelle.client.ui.vouchers.passes import pass_dialog, use_passes
from mirabelle.client.use_cases.remind import calendar_file
from mirabelle.contract.messages import Redemption
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.app import App

OnClose = Callable[[], Any]


class Deed(NamedTuple):
    """Something that can be done with a voucher: the name of its text, its picture, and what a tap does."""

    name: str
    icon: ft.IconData
    run: Callable[..., Any]


def use_deeds(app: "App", held: Held | None) -> tuple[Sequence[Deed], Sequence[Command]]:
    """What can be done with the voucher in the hand, and the commands that do it: their failures are to be shown."""
    files, _ = ft.use_state(Files)
    asking, ask = ft.use_state("")

    async def cancel_now() -> Redemption | Refusal:
        ask("")
        return await app.cancel(held.voucher.redemption)

    async def remind_now() -> None:
        where = held.store or app.t("vouchers.any_store")
        content = calendar_file(app.t, held.voucher, where, app.programme.zone(), app.now())
        await files.hand_over(f"{held.voucher.reward}.ics", content)

    async def print_now(paper: Paper) -> Refusal | None:
        ask("")
        answer = await app.print_voucher(held.voucher, paper, app.t)
        if isinstance(answer, Refusal):
            return answer
        await files.hand_over(f"{held.voucher.reward}.pdf", answer)
        return None

    cancel, remind, printing = use_command(cancel_now), use_command(remind_now), use_command(print_now)
    kinds, passing = use_passes(app, held.voucher if held is not None else None, lambda: ask(""))
    dialogs = {
        "cancel": lambda: _cancel_dialog(app.t, cancel, lambda: ask("")),
        "paper": lambda: _paper_dialog(app.t, printing, lambda: ask("")),
        "wallet": lambda: pass_dialog(app.t, kinds, lambda kind: _runs(passing, kind), lambda: ask("")),
    }
    use_dialog(dialogs[asking]() if asking else None)
    deeds = [
        Deed("calendar", ft.Icons.EDIT_CALENDAR, _runs(remind)),
        Deed("paper", ft.Icons.PRINT_OUTLINED, lambda: ask("paper")),
        Deed("wallet", ft.Icons.WALLET, lambda: ask("wallet")),
        Deed("give", ft.Icons.CARD_GIFTCARD, lambda: go(f"/vouchers/{held.voucher.id}/give")),
        Deed("cancel", ft.Icons.UNDO, lambda: ask("cancel")),
    ]
    possible = _possible(held, has_wallet=bool(kinds)) if held is not None else ()
    return [deed for deed in deeds if deed.name in possible], (cancel, remind, printing, passing)


def _possible(held: Held, *, has_wallet: bool) -> Sequence[str]:
    """The deeds that this voucher allows: a gift belongs to whoever got it, for good."""
    if held.voucher.state != "ready" or held.state in ("giving", "blocked"):
        return ()
    own = ("give", "cancel") if held.voucher.given_by is None else ()
    static = (*(("paper",) if held.voucher.paper else ()), *(("wallet",) if has_wallet else ()))
    return ("calendar", *static, *own)


def _runs(command: Command, *arguments: Any) -> Callable[[], Any]:
    async def run() -> None:
        await command(*arguments)

    return run


def _cancel_dialog(translate: Translator, cancel: Command, on_close: OnClose) -> ft.AlertDialog:
    return ft.AlertDialog(
        title=translate("vouchers.cancel"),
        content=text(translate("vouchers.cancel_hint")),
        actions=[
            ft.TextButton(translate("vouchers.keep"), on_click=on_close, key="keep"),
            ft.FilledButton(translate("vouchers.cancel_confirm"), on_click=_runs(cancel), key="cancel-confirm"),
        ],
        on_dismiss=on_close,
    )


def _paper_dialog(translate: Translator, printing: Command, on_close: OnClose) -> ft.AlertDialog:
    sizes = [
        ft.FilledButton(
            translate(f"vouchers.paper_{size.lower()}"), on_click=_runs(printing, size), key=f"paper-{size}"
        )
        for size in PAPERS
    ]
    return ft.AlertDialog(
        title=translate("vouchers.paper"),
        content=ft.Column(
            [text(translate("vouchers.paper_hint")), ft.Row(sizes, spacing=theme.S, run_spacing=theme.S, wrap=True)],
            spacing=theme.L,
            tight=True,
        ),
        actions=[ft.TextButton(translate("shared.cancel"), on_click=on_close, key="keep")],
        on_dismiss=on_close,
        scrollable=True,
    )
