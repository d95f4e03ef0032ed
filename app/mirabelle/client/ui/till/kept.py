"""Scans of a till that this device was, as they are told where somebody signs in."""

from collections.abc import Sequence

import flet as ft

from mirabelle.client.repositories.kept_tills import KeptTill
from mirabelle.client.ui.shared import widgets
from mirabelle.contract.translation import Translator


def kept_cards(translate: Translator, kept: Sequence[KeptTill]) -> list[ft.Control]:
    """A banner for each till: how many scans wait here, and what brings them to the programme."""
    return [
        widgets.banner(
            ft.Icons.SAVE_OUTLINED,
            translate("till.kept", count=till.scans, name=widgets.apart(translate, till.name)),
            translate("till.kept_do", command=_command(translate, till)),
            warm=True,
        )
        for till in kept
    ]


def _command(translate: Translator, till: KeptTill) -> str:
    return widgets.apart(translate, f"mirabelle till enrol --again {till.id}", "\u2066")
