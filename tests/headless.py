"""The app's screens without a browser: the real session and its real encoding on a connection that goes nowhere.

Every outgoing message is really encoded, because the encoder takes the snapshots that the next difference is made of.
"""

import asyncio
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import flet as ft
import msgpack
from flet.components.public_utils import unwrap_component
from flet.controls.base_control import BaseControl
from flet.controls.context import _context_page, context
from flet.controls.services.semantics_service import AccessibilityFeatures
from flet.messaging.connection import Connection
from flet.messaging.protocol import (
    Message,
    MessageAction,
    configure_encode_object_for_msgpack,
    decode_ext_from_msgpack,
)
from flet.messaging.session import Session
from flet.pubsub.pubsub_hub import PubSubHub

C = TypeVar("C", bound=BaseControl)
ENCODE = configure_encode_object_for_msgpack(BaseControl)
NO_INSETS = {"left": 0, "top": 0, "right": 0, "bottom": 0}
LONGEST_WAIT = 10  # seconds
POLL = 0.01  # seconds
CLOSING_SECONDS = 1


class ScreenCrash(AssertionError):
    """The session told its client that it crashed."""


class Window(Connection):
    """The far end of a session: keeps what was sent and answers what is asked of services."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.executor = ThreadPoolExecutor(2)
        self.pubsubhub = PubSubHub(loop=self.loop, executor=self.executor)
        self.page_url, self.page_name = "http://test", ""
        self.answers = answers  # {(control type or "*", method): value or function of the arguments}
        self.crashes: list[Any] = []
        self.last_sent = b""
        self.calls: list[tuple[str, str, Any]] = []
        self.session: Session | None = None

    def send_message(self, message: Message) -> None:
        self.last_sent = raw = msgpack.packb([message.action, message.body], default=ENCODE)
        if message.action == MessageAction.SESSION_CRASHED:
            self.crashes.append(msgpack.unpackb(raw, ext_hook=decode_ext_from_msgpack, strict_map_key=False)[1])
        if message.action == MessageAction.INVOKE_METHOD:
            kind = getattr(self.session.index.get(message.body.control_id), "_c", "?")
            self.calls.append((kind, message.body.name, message.body.args))
            answer = self.answers.get((kind, message.body.name), self.answers.get(("*", message.body.name)))
            self.loop.call_soon(self._answer, message.body, answer)

    def _answer(self, call: Any, answer: Any) -> None:
        value, fault = None, None
        try:
            value = answer(call.args) if callable(answer) else answer
        except Exception as raised:
            fault = repr(raised)
        self.session.handle_invoke_method_results(call.control_id, call.call_id, value, fault)

    def dispose(self) -> None:
        self.executor.shutdown(wait=False)


class Device:
    """A phone's memory, which outlives the app: start the app twice on the same one."""

    def __init__(self, *, calm: bool = False) -> None:
        self.secrets: dict[str, Any] = {}
        self.preferences: dict[str, Any] = {}
        self.calm = calm

    def answers(self) -> dict[tuple[str, str], Any]:
        """What the phone's services answer."""
        features = dataclasses.fields(AccessibilityFeatures)
        return {
            **_memory("SecureStorage", self.secrets),
            **_memory("SharedPreferences", self.preferences),
            ("SemanticsService", "get_accessibility_features"): {
                feature.name: feature.name == "reduce_motion" and self.calm for feature in features
            },
        }


def _memory(service: str, kept: dict[str, Any]) -> dict[tuple[str, str], Any]:
    def keep(arguments: dict[str, Any]) -> bool:
        kept[arguments["key"]] = arguments["value"]
        return True

    return {
        (service, "set"): keep,
        (service, "get"): lambda arguments: kept.get(arguments["key"]),
        (service, "remove"): lambda arguments: kept.pop(arguments["key"], None) is not None,
    }


class HeadlessApp:
    """One page of the app: `async with HeadlessApp(main) as app`, then find controls, tap, type, read texts."""

    def __init__(
        self,
        main: Callable[[ft.Page], Any],
        *,
        route: str = "/",
        width: int = 390,
        height: int = 844,
        device: Device | None = None,
        answers: dict[tuple[str, str], Any] | None = None,
        **page: Any,
    ) -> None:
        self.main, self.answers = main, {**(device or Device()).answers(), **(answers or {})}
        self.client = {  # what a real window says when it registers
            "route": route, "width": width, "height": height, "platform": "android", "web": False, "pwa": False,
            "wasm": False, "debug": False, "multi_view": False, "platform_brightness": "light",
            "media": {
                "padding": NO_INSETS, "view_padding": NO_INSETS, "view_insets": NO_INSETS, "device_pixel_ratio": 2.0,
                "orientation": "portrait", "always_use_24_hour_format": True,
            },
            **page,
        }  # fmt: skip

    async def __aenter__(self) -> "HeadlessApp":
        self._tasks_of_others = asyncio.all_tasks()
        self.answers.setdefault(("*", "push_route"), lambda arguments: self._pushed(arguments["route"]))
        self.window = Window(self.answers)
        self.session = self.window.session = Session(self.window)
        self.page: ft.Page = self.session.page
        _context_page.set(self.page)
        self.session.apply_page_patch(self.client)
        self.window.send_message(Message(MessageAction.REGISTER_CLIENT, {"page_patch": self.session.get_page_patch()}))
        context.reset_auto_update()
        started = self.main(self.page)
        if inspect.isawaitable(started):
            await started
        await self.session.after_event(self.page)
        await self.settle()
        return self

    async def __aexit__(self, *_fault: Any) -> None:
        self.session.close()
        await asyncio.sleep(0)
        # What hears of it closes its connections; what nobody ends is ended with the loop.
        if closing := asyncio.all_tasks() - self._tasks_of_others:
            await asyncio.wait(closing, timeout=CLOSING_SECONDS)
        self.window.executor.shutdown(wait=False, cancel_futures=True)

    def _pushed(self, route: str) -> None:
        self._going = self.window.loop.create_task(self.go(route))

    async def go(self, route: str) -> None:
        """A deep link, or the address bar of a browser."""
        self.session.apply_page_patch({"route": route})
        await self.session.dispatch_event(self.page._i, "route_change", {"route": route})
        await self.settle()

    async def back(self) -> None:
        """Android's back button, or a swipe."""
        await self.session.dispatch_event(self.page._i, "view_pop", {"route": self.views[-1].route})
        await self.settle()

    async def settle(self) -> None:
        """Lets everything that is ready to run do so: handlers, redraws, effects."""
        for _ in range(30):
            await asyncio.sleep(0)
        await asyncio.sleep(POLL)
        if self.window.crashes:
            raise ScreenCrash(self.window.crashes[0])

    async def until(self, true: Callable[[], Any], what: str = "") -> Any:
        """Waits for something that the network or a timer brings; fails after LONGEST_WAIT."""
        for _ in range(int(LONGEST_WAIT / POLL)):
            if answer := true():
                return answer
            await self.settle()
        raise AssertionError(f"never came true: {what or inspect.getsource(true).strip()}; on screen: {self.texts()}")

    @property
    def views(self) -> list[ft.View]:
        """The pages on the stack, lowest first."""
        return [unwrap_component(view) for view in unwrap_component(self.page.views)]

    @property
    def top(self) -> ft.View:
        """The page that is seen."""
        return self.views[-1]

    @property
    def dialog(self) -> ft.DialogControl | None:
        """The dialog that is open; one that was closed stays in the page until a real window has faded it out."""
        open_ones = [dialog for dialog in self.page._dialogs.controls if dialog.open]
        return open_ones[-1] if open_ones else None

    def walk(self, root: Any = None) -> Iterator[BaseControl]:
        """Every control below `root`, or of the page that is seen; what is not visible is not there."""
        seen: set[int] = set()
        waiting = [self.top if root is None else root]
        while waiting:
            value = waiting.pop()
            if isinstance(value, BaseControl):
                if id(value) in seen or getattr(value, "visible", True) is False:
                    continue
                seen.add(id(value))
                yield value
            waiting += reversed(_parts(value))

    def all(
        self,
        kind: type[C] = ft.Control,
        *,
        key: str | None = None,
        text: str | None = None,
        where: Callable[[C], Any] | None = None,
        root: Any = None,
    ) -> list[C]:
        """The controls of a kind, with a key, saying `text` (a value, label, tooltip or content)."""
        found = []
        for control in self.walk(root):
            own_key = getattr(control, "key", None)
            if not isinstance(control, kind) or (key is not None and getattr(own_key, "value", own_key) != key):
                continue
            if text is not None and text not in [
                getattr(control, name, None) for name in ("value", "content", "label", "tooltip", "title")
            ]:
                continue
            if where is None or where(control):
                found.append(control)
        return found

    def one(self, kind: type[C] = ft.Control, **which: Any) -> C:
        """The only one of these."""
        found = self.all(kind, **which)
        assert len(found) == 1, f"{len(found)} of {kind.__name__} {which}; on screen: {self.texts()}"
        return found[0]

    def texts(self, root: Any = None) -> list[str]:
        """All texts on the page that is seen, in order."""
        words = []
        for control in self.walk(root):
            if isinstance(control, ft.Text):
                words.append(control.value)
            elif isinstance(getattr(control, "content", None), str):
                words.append(control.content)
        return words

    def labels(self, root: Any = None) -> list[str]:
        """What a screen reader would say of the page that is seen, besides its texts."""
        names = ("label", "tooltip", "semantics_label")
        said = (getattr(control, name, None) for control in self.walk(root) for name in names)
        return [words for words in said if isinstance(words, str)]

    async def fire(self, control: BaseControl, event: str, data: Any = None) -> None:
        """Sends what a real window sends."""
        await self.session.dispatch_event(control._i, event, data)
        await self.settle()

    async def tap(self, control: BaseControl) -> None:
        """A tap, a click, or Enter on a focused control."""
        assert not getattr(control, "disabled", False), f"{control} is disabled"
        await self.fire(control, "click")

    async def type(self, field: ft.TextField, value: str, *, submit: bool = False) -> None:
        """Types into a field, and presses Enter if asked to."""
        self.session.apply_patch(field._i, {"value": value})
        await self.fire(field, "change", value)
        if submit:
            await self.fire(field, "submit", value)


def _parts(value: Any) -> list[Any]:
    """What a control, a list or a dictionary holds, in order."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    parts = (getattr(value, name, None) for name in _fields(type(value)))
    return [part for part in parts if part is not None and not isinstance(part, str | int | float)]


@functools.cache
def _fields(kind: type) -> list[str]:
    """Where a control, or what it is made of, may hold controls."""
    if not dataclasses.is_dataclass(kind):
        return []
    fields = [field for field in dataclasses.fields(kind) if not field.metadata.get("skip")]
    return [field.name for field in fields if field.name != "_parent"]
