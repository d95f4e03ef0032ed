"""The till at work: takes what is presented, has it judged, and holds the verdict until the next scan."""

import asyncio
from typing import TYPE_CHECKING

import flet as ft

from mirabelle.client.api import NoAnswer
from mirabelle.client.device.decode import CannotRead, Fault, read_code
from mirabelle.client.device.feedback import Feedback
from mirabelle.client.ui.till.state import Sight, Verdict, place_of, presented, verdict_of
from mirabelle.client.ui.till.verdict import spoken
from mirabelle.contract.messages import Scan

if TYPE_CHECKING:
    from mirabelle.client.app import App


@ft.observable
class Scanning:
    """One voucher at a time. `fault` says why no code was found in a picture; `watches` that the camera is in use."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._sight = Sight()
        self._feedback = Feedback()
        self._picker = ft.FilePicker()
        self.verdict: Verdict | None = None
        self.fault: Fault | None = None
        self.watches = False
        self.busy = False

    async def judge(self, entered: str) -> None:
        """Asks the server about a scanned frame or a typed code. While it asks, nothing else is taken."""
        if self.busy:
            return
        self.busy, self.fault = True, None
        try:
            verdict = await self._ask(entered)
        finally:
            self.busy = False
        self.verdict = verdict
        words = spoken(self._app.t, place_of(self._app), verdict)
        voice = self._feedback.accepted if verdict.outcome == "accepted" else self._feedback.refused
        await voice(words, self._app.t.rtl)

    async def _ask(self, entered: str) -> Verdict:
        app = self._app
        kind, content = presented(entered)
        try:
            answer = await (app.scan.code(content) if kind == "code" else app.scan.frame(content))
        except NoAnswer:
            return verdict_of(None, app.now())
        if isinstance(answer, Scan):
            self._sight.judged(content, app.now())
        return verdict_of(answer, app.now())

    async def seen(self, code: str) -> None:
        """Takes what the camera sees, unless it is what was judged last and still lies there, or a verdict is up."""
        if self.busy or self._sight.is_still_there(code, self._app.now()) or self.verdict is not None:
            return
        await self.judge(code)

    async def pick_picture(self) -> None:
        """Lets staff choose a picture and judges the code in it."""
        self.fault = None
        chosen = await self._picker.pick_files(with_data=True, file_type=ft.FilePickerFileType.IMAGE)
        if not chosen:
            return
        try:
            code = await asyncio.to_thread(read_code, chosen[0].bytes or b"")
        except CannotRead as found:
            self.fault = found.fault
        else:
            await self.judge(code)

    def watch(self) -> None:
        """Starts to use the camera, now and after each verdict."""
        self.watches = True

    def go_on(self) -> None:
        """Puts the verdict away for the next scan."""
        self._sight.look_again(self._app.now())
        self.verdict = None
