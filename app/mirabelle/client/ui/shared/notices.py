"""What is said when something is not as usual: nothing here yet, offline, refused, lost."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import flet as ft

from mirabelle.client.api import LostAnswer, NoAnswer, Refusal, WrongServer
from mirabelle.client.device.store_keys import KeyGone
from mirabelle.client.repositories.outbox import Entry
from mirabelle.client.store.opening import Mishap, TooNew
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.icons import icon_button
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.contract.translation import Translator

Handler = Callable[..., Any]

_REFUSED = 400


def empty_state(
    icon: ft.IconData, title: str, hint: str, action: str = "", on_action: Handler | None = None
) -> ft.Control:
    """Nothing here yet, and what to do about it."""
    parts: list[ft.Control] = [
        ft.Container(
            ft.Icon(icon, size=40, color=theme.ON_OURS_TINT),
            width=88,
            height=88,
            bgcolor=theme.OURS_TINT,
            border_radius=44,
            alignment=ft.Alignment.CENTER,
        ),
        ft.Text(title, theme_style=theme.SECTION, text_align=ft.TextAlign.CENTER),
        ft.Text(hint, theme_style=theme.BODY, color=theme.QUIET, text_align=ft.TextAlign.CENTER),
    ]
    if on_action is not None:
        parts.append(ft.Container(ft.FilledButton(action, on_click=on_action), padding=ft.Padding.only(top=theme.S)))
    column = ft.Column(parts, spacing=theme.M, horizontal_alignment=ft.CrossAxisAlignment.CENTER)
    return ft.Container(
        ft.Container(column, width=360), padding=ft.Padding.symmetric(vertical=48), alignment=ft.Alignment.CENTER
    )


def banner(
    icon: ft.IconData, title: str, hint: str = "", *, warm: bool = False, action: ft.Control | None = None
) -> ft.Control:
    """A line across the page that is there while something lasts."""
    color = theme.ON_WARM_TINT if warm else ft.Colors.ON_SURFACE
    words: list[ft.Control] = [ft.Text(title, theme_style=theme.STRONG_S, color=color)]
    if hint:
        words.append(ft.Text(hint, theme_style=theme.SMALL, color=color))
    parts: list[ft.Control] = [ft.Icon(icon, size=22, color=color), ft.Column(words, spacing=2, expand=True)]
    if action is not None:
        parts.append(action)
    return ft.Semantics(
        live_region=True,
        container=True,
        content=ft.Container(
            ft.Row(parts, spacing=theme.M, vertical_alignment=ft.CrossAxisAlignment.CENTER),
            padding=ft.Padding.symmetric(horizontal=16, vertical=12),
            bgcolor=theme.WARM_TINT if warm else ft.Colors.SURFACE_CONTAINER_HIGH,
            border_radius=theme.CORNER,
        ),
    )


def what_to_say(translate: Translator, failed: Refusal | Exception) -> tuple[str, str, str]:
    """Of a failure: what happened, what is safe, what to do."""
    if isinstance(failed, Refusal):
        if failed.reason not in STATUS:  # of a newer server
            return translate("shared.refused"), translate("shared.refused_safe"), translate("shared.refused_do")
        code = failed.reason
        return translate(f"reasons.{code}"), translate(f"reasons.{code}_safe"), translate(f"reasons.{code}_do")
    if isinstance(failed, WrongServer):
        return (
            translate("reasons.wrong_server"),
            translate("reasons.wrong_server_safe"),
            translate("reasons.wrong_server_do"),
        )
    if isinstance(failed, TooNew):
        return translate("shared.mishap_too_new"), "", translate("shared.mishap_too_new_hint")
    if isinstance(failed, KeyGone):
        return translate("shared.mishap_out_of_reach"), "", translate("shared.mishap_out_of_reach_hint")
    if isinstance(failed, LostAnswer):
        return translate("shared.lost"), translate("shared.lost_safe"), translate("shared.lost_do")
    if isinstance(failed, NoAnswer):
        return translate("shared.not_sent"), translate("shared.not_sent_safe"), translate("shared.not_sent_do")
    return translate("shared.fault"), translate("shared.fault_safe"), translate("shared.fault_do")


def error_card(
    translate: Translator, failed: Refusal | Exception, on_retry: Handler | None = None, *, safe: str | None = None
) -> ft.Control:
    """What happened, what is safe, what to do; `safe` replaces the usual middle where a screen knows better."""
    happened, usual, to_do = what_to_say(translate, failed)
    middle = usual if safe is None else safe
    words = [ft.Text(happened, theme_style=theme.STRONG, color=theme.ON_BAD_TINT)]
    words += [ft.Text(line, theme_style=theme.BODY, color=theme.ON_BAD_TINT) for line in (middle, to_do) if line]
    if on_retry is not None:
        words.append(
            ft.Container(
                ft.OutlinedButton(
                    translate("shared.try_again"),
                    on_click=on_retry,
                    style=ft.ButtonStyle(color=theme.ON_BAD_TINT, side=ft.BorderSide(1, theme.ON_BAD_TINT)),
                ),
                padding=ft.Padding.only(top=theme.XS),
            )
        )
    body = ft.Row(
        [ft.Icon(ft.Icons.ERROR_OUTLINE, color=theme.ON_BAD_TINT), ft.Column(words, spacing=theme.XS, expand=True)],
        spacing=theme.M,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
    return ft.Semantics(
        live_region=True,
        container=True,
        content=ft.Container(body, padding=16, bgcolor=theme.BAD_TINT, border_radius=theme.CORNER, key="error"),
    )


def seen_late(last: Entry | None) -> Refusal | None:
    """The refusal of what was decided while nobody looked."""
    return refusal_of(last.reason) if last is not None and last.reason is not None else None


def refusal_of(code: str) -> Refusal:
    """A refusal by its code, whether or not this version knows it."""
    return Refusal(code, STATUS[Reason(code)] if code in STATUS else _REFUSED, "", None)


def late_card(translate: Translator, late: Refusal, on_seen: Handler) -> ft.Control:
    """What was refused while nobody looked, and the way to put it away."""
    away = ft.TextButton(translate("alerts.dismiss"), on_click=lambda _event: on_seen(), key="seen")
    return ft.Column([error_card(translate, late), ft.Row([away])], spacing=theme.S)


def mishap_banner(translate: Translator, mishap: Mishap, on_seen: Handler | None = None) -> ft.Control:
    """What befell what this device keeps of the person, and what to do; `on_seen` puts it away."""
    seen = None
    if on_seen is not None:
        label = translate("alerts.dismiss")
        seen = icon_button(ft.Icons.CLOSE, label, lambda _event: on_seen(), key="mishap-seen")
    words = translate(f"shared.mishap_{mishap}"), translate(f"shared.mishap_{mishap}_hint")
    return banner(ft.Icons.HEALING_OUTLINED, *words, warm=True, action=seen)


def clock_banner(translate: Translator) -> ft.Control:
    """This device's clock is wrong: whoever checks a code may take it for an old one."""
    words = translate("shared.clock_off"), translate("shared.clock_off_hint")
    return banner(ft.Icons.HISTORY_TOGGLE_OFF, *words, warm=True)


def strange_banner(translate: Translator, count: int) -> ft.Control:
    """What is kept here and only another version of the app can read."""
    words = translate("shared.strange", count=count), translate("shared.strange_hint")
    return banner(ft.Icons.SYSTEM_UPDATE_OUTLINED, *words, warm=True)


def offline_banner(translate: Translator, last_contact: datetime | None, *, is_staff: bool) -> ft.Control:
    """Says since when what is shown was true, and staff what their till cannot do. `page_frame` puts it there while
    there is no contact."""
    if is_staff:
        return banner(ft.Icons.CLOUD_OFF_OUTLINED, translate("till.offline"), translate("till.offline_hint"), warm=True)
    if last_contact is None:
        hint = translate("shared.offline_never")
    else:
        hint = translate("shared.offline_since", time=translate.date_time(last_contact))
    return banner(ft.Icons.CLOUD_OFF_OUTLINED, translate("shared.offline"), hint)
