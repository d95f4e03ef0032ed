"""What people can do with their own data: take all of it along as a file, or have it deleted."""

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.device.files import Files
from mirabelle.client.ui.shared import theme, widgets
from mirabelle.client.ui.shared.command import Command, use_command
from mirabelle.client.ui.shared.context import go, use_app
from mirabelle.client.ui.shared.fixes import component
from mirabelle.contract.translation import Translator


@component
def own_data() -> ft.Control:
    """Connects the card to the app."""
    app = use_app()
    files, _ = ft.use_state(Files)

    async def save() -> Refusal | bool:
        answer = await app.take_data()
        if isinstance(answer, Refusal):
            return answer
        day = app.now().astimezone(app.programme.zone()).date()
        await files.hand_over(f"mirabelle-{day.isoformat()}.json", answer)
        return True

    return own_data_view(app.t, use_command(save))


def own_data_view(translate: Translator, save: Command) -> ft.Control:
    """The card from plain values."""

    async def press(_event: ft.Event) -> None:
        await save()

    parts: list[ft.Control] = [
        widgets.text(translate("settings.data_hint"), theme.BODY),
        widgets.quiet_button(
            translate("settings.data_saving" if save.running else "settings.data_save"),
            press,
            icon=ft.Icons.DOWNLOAD_OUTLINED,
            disabled=save.running,
            key="save-data",
        ),
    ]
    if save.running:
        parts.append(ft.ProgressBar())
    if save.failed is not None:
        parts.append(widgets.error_card(translate, save.failed))
    parts.append(
        widgets.text_button(
            translate("settings.delete_account"), lambda _event: go("/settings/delete"), key="delete-account"
        )
    )
    return ft.Column(parts, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
