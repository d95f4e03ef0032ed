"""What is quicker than Flet's own sends browsers the same bytes, and tells the same faults."""

import itertools
from typing import Any

import flet as ft
import msgpack
import pytest
from flet.controls import base_control
from flet.controls.base_control import ControlId
from flet.controls.object_patch import DiffBuilder
from flet.messaging import protocol

from mirabelle.client.ui.shared import faster
from tests.headless import ENCODE, HeadlessApp, Window

REPLACED = [
    (DiffBuilder, "_configure_dataclass"),
    (DiffBuilder, "_removed_controls"),
    (base_control, "validate"),
    (protocol, "_get_root_dataclass_field"),
]


@pytest.fixture
def flet_itself(monkeypatch):
    """Does as Flet itself does, for as long as it is entered."""
    faster.apply()

    def enter() -> None:
        for owner, name in REPLACED:
            monkeypatch.setattr(owner, name, getattr(owner, name).__wrapped__)

    return enter


@ft.observable
class Story:
    step = 0


@ft.memo
@ft.component
def _line(name: str, price: int) -> ft.Control:
    more, _ = ft.use_state(0)
    words = [ft.TextSpan("points", style=ft.TextStyle(size=13, color=ft.Colors.OUTLINE))]
    said = ft.Text(str(price + more), spans=words, semantics_label=f"{price} points")
    return ft.Row([ft.Text(name, max_lines=2), said])


def _body(step: int) -> list[ft.Control]:
    """Something of everything: values, lists, what is in words or a control, and fields that a kind sets anew."""
    shadow = ft.BoxShadow(blur_radius=step, color=ft.Colors.BLACK, offset=ft.Offset(0, 2))
    choices = [ft.DropdownOption(key=str(one), text=f"{one}. choice") for one in range(2 + step % 2)]
    return [
        ft.Container(
            ft.Image(src=b"RIFF", placeholder_src="/x", fit=ft.BoxFit.COVER) if step % 2 else ft.Icon(ft.Icons.REDEEM),
            image=ft.DecorationImage(src="/y", fit=ft.BoxFit.FILL) if step else None,
            border=ft.Border.all(step, ft.Colors.RED),
            padding=ft.Padding.only(left=step),
            shadow=[shadow, shadow] if step > 1 else shadow,
            gradient=ft.LinearGradient([ft.Colors.RED, "#112233"]),
            ink=True,
            on_click=(lambda _event: None) if step != 2 else None,
            badge=ft.Badge(label=ft.Text(str(step))),
            tooltip=ft.Tooltip(message="More", wait_duration=ft.Duration(milliseconds=step)),
        ),
        ft.FilledButton("Go", icon=ft.Icons.ADD, style=ft.ButtonStyle(padding={"hovered": ft.Padding.all(step)})),
        ft.TextField(label="Name", value="a" * step, prefix=ft.Text("+"), border=ft.OutlineInputBorder()),
        ft.Dropdown(options=choices, value="0"),
        ft.Checkbox(label="Yes", value=bool(step % 2)),
        ft.Semantics(label="Said", header=True, heading_level=2, content=ft.Text("Seen", opacity=0.5)),
        ft.NavigationBar([ft.NavigationBarDestination(icon=ft.Icons.HOME, label=str(one)) for one in range(2)]),
        ft.ExpansionTile(title="All", controls=[ft.ListTile(title=ft.Text("One")), ft.Divider()] if step else []),
        ft.Stack([ft.ProgressRing(width=9), ft.Card(ft.Text("Card")), ft.CupertinoSwitch(value=True)][: step + 1]),
    ]  # fmt: skip


@ft.component
def _root(story: Story) -> list[ft.View]:
    step = story.step
    names = ["tea", "coffee", "cinema", "cake"][step % 3 :]
    rows = [ft.Container(_line(name, len(name)), key=name) for name in (reversed(names) if step % 2 else names)]
    seen = ft.Column([*_body(step), ft.ListView(rows, key=f"list-{step // 2}")], visible=step != 3)
    return [ft.View(controls=[seen], route="/", appbar=ft.AppBar(title=ft.Text("Top")) if step else None)]


async def _told(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that a browser is sent while the story is told."""
    sent = list[bytes]()
    send = Window.send_message

    def keep(window: Window, message: Any) -> None:
        sent.append(msgpack.packb([message.action, message.body], default=ENCODE))
        send(window, message)

    story = Story()
    with monkeypatch.context() as kept:
        kept.setattr(ControlId, "_counter", itertools.count(1000))
        kept.setattr("secrets.choice", lambda letters: letters[0])  # for the names of what a session has
        kept.setattr(Window, "send_message", keep)
        async with HeadlessApp(lambda page: page.render_views(_root, story)) as app:
            for story.step in (1, 2, 3, 4, 1, 0):
                await app.settle()
        async with HeadlessApp(_drawn_by_hand) as app:
            await app.tap(app.one(key="change"))
            await app.tap(app.one(key="change"))
    return sent


def _drawn_by_hand(page: ft.Page) -> None:
    """A page that is changed in place."""
    shown = ft.Column(_body(0))

    def change(_event: Any) -> None:
        shown.controls[0].border.top.width += 3
        shown.controls[2].value = "typed"
        shown.controls.append(ft.Row(_body(2)[:3]))
        del shown.controls[3]
        page.update()

    page.add(ft.FilledButton("Change", on_click=change, key="change"), shown)
    page.show_dialog(ft.AlertDialog(title=ft.Text("Sure?"), actions=[ft.TextButton("Yes")]))


async def test_a_browser_is_sent_the_same_bytes_as_by_flet_itself(flet_itself, monkeypatch):
    quick = await _told(monkeypatch)
    flet_itself()
    assert quick == await _told(monkeypatch)
    assert len(quick) > 10 and max(map(len, quick)) > 1000


def test_a_value_that_is_not_allowed_is_told_once_as_by_flet_itself(flet_itself):
    def faults() -> list[str]:
        told = []
        text = ft.Text("Pale", opacity=2)
        for _ in range(2):
            try:
                text._before_update_safe()
            except ValueError as fault:
                told.append(str(fault))
        text.opacity = 1
        text._before_update_safe()
        text.opacity = 2
        with pytest.raises(ValueError, match="opacity"):
            text._before_update_safe()
        return told

    quick = faults()
    flet_itself()
    assert len(quick) == 1 and quick == faults()
