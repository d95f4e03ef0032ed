"""The till at work: takes what is presented, has it judged, and holds the verdict until the next scan."""

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary, ref

import flet as ft

from mirabelle.client.api import NoAnswer, Refusal
from mirabelle.client.device.decode import CannotRead, Fault, read_code
from mirabelle.client.device.feedback import Feedback
from mirabelle.client.ui.till.state import Sight, Verdict, place_of, presented, verdict_of
from mirabelle.client.ui.till.verdict import spoken
from mirabelle.contract.till_messages import Scan
from mirabelle.rules.challenge import Challenge
from mirabelle.rules.voucher_code import VoucherCode

if TYPE_CHECKING:
    from mirabelle.client.app import App


log = logging.getLogger(__name__)


@ft.observable
class Scanning:
    """One voucher at a time. `fault` says why no code was found in a picture; `watches` that the camera is in use.

    It outlives the page: a verdict stays until somebody puts it away, whatever happens to the screen meanwhile.
    """

    def __init__(self, app: "App") -> None:
        self._app_of_page = ref(app)  # a page that is gone must be let go of
        self._sight = Sight()
        self.verdict: Verdict | None = None
        self.fault: Fault | None = None
        self.watches = False
        self.busy = False
        self.challenge: Challenge | None = None
        self.amount = ""  # as it is typed

    @property
    def shown(self) -> Scan | None:
        """The voucher that carries money, while the till is to say how much it takes."""
        scan = self.verdict.scan if self.verdict else None
        return scan if scan is not None and scan.balance and scan.verdict == VoucherCode.AMOUNT_REQUIRED else None

    @property
    def _app(self) -> "App":
        app = self._app_of_page()
        assert app is not None, "a page's scanning is used after the page"
        return app

    def equip(self) -> "Scanning":
        """Makes the device's services anew: those from before a dropped web socket never answer (Flet 1.0.5)."""
        self._feedback, self._picker = Feedback(), ft.FilePicker()
        return self

    async def judge(self, entered: str) -> None:
        """Has a scanned frame or a typed code judged. Meanwhile nothing else is taken; nor is it while locked."""
        if self.busy or self._app.lock.is_closed:
            return
        # The last verdict goes first: it must never stand over a voucher that nobody has judged yet.
        self.busy, self.fault, self.verdict, self.amount = True, None, None, ""
        try:
            verdict = await self._ask(entered)
        finally:
            self.busy = False
        self.verdict = verdict
        if self.shown is None:  # else nothing is decided yet
            await self._say(verdict)

    async def _say(self, verdict: Verdict) -> None:
        words = spoken(self._app.t, place_of(self._app), verdict)
        voice = self._feedback.accepted if verdict.outcome == "accepted" else self._feedback.refused
        await voice(words, self._app.t.rtl)

    async def take(self, amount_minor: int) -> Scan | Refusal | None:
        """Takes an amount of the money on the voucher that was shown."""
        shown = self.shown
        if shown is None:
            return None
        answer = await self._app.take_amount(shown, amount_minor)
        if isinstance(answer, Scan) and self.shown is shown:
            await self._show(answer)
        return answer

    async def _show(self, scan: Scan) -> None:
        self.verdict = verdict_of(scan, self._app.now())
        await self._say(self.verdict)

    def type_amount(self, typed: str) -> None:
        """Keeps what is typed of an amount."""
        self.amount = typed

    async def let_go(self) -> None:
        """Goes on without taking an amount; what nobody knows of is let go of, or shown where it was taken."""
        shown, told = self.shown, None
        try:
            if shown is not None and shown.balance is not None:
                told = await self._app.take_amount.let_go(shown.balance.voucher)
        except NoAnswer as fault:
            log.info("an amount is settled later: %s", type(fault).__name__)
        if self.shown is not shown:
            return
        if isinstance(told, Scan):
            await self._show(told)
        else:
            self.go_on()

    async def _ask(self, entered: str) -> Verdict:
        app = self._app
        kind, content = presented(entered)
        try:
            answer = await (app.scan.code(content) if kind == "code" else app.scan.frame(content, self._nonce()))
        except NoAnswer:
            return verdict_of(None, app.now(), typed=kind == "code")
        except Exception:  # such as a full disk: staff must see that this voucher was not judged
            log.exception("a voucher could not be judged")
            return verdict_of(None, app.now())
        verdict = verdict_of(answer, app.now())
        if isinstance(answer, Scan) and verdict.code != VoucherCode.CHALLENGE_REQUIRED:
            self._sight.judged(content, app.now())
        self.challenge = app.challenge_holder() if verdict.code == VoucherCode.CHALLENGE_REQUIRED else None
        return verdict

    def _nonce(self) -> bytes | None:
        """The challenge that is on the screen, as long as its answer counts."""
        challenge = self.challenge
        return challenge.nonce if challenge and challenge.is_good(int(self._app.now().timestamp())) else None

    async def undo(self) -> Scan | Refusal | None:
        """Takes the scan back that the verdict is about."""
        if self.verdict is None or self.verdict.scan is None:
            return None
        answer = await self._app.undo_scan(self.verdict.scan.id)
        if isinstance(answer, Scan):
            self.verdict = replace(self.verdict, scan=answer)
        return answer

    async def seen(self, code: str) -> None:
        """Takes what the camera sees, unless it is what was judged last and still lies there, or a verdict is up."""
        if self.busy or self._sight.is_still_there(code, self._app.now()) or self.verdict is not None:
            return
        await self.judge(code)

    async def pick_picture(self) -> None:
        """Lets staff choose a picture and judges the code in it."""
        self.fault = None
        try:
            chosen = await self._picker.pick_files(with_data=True, file_type=ft.FilePickerFileType.IMAGE)
        except (RuntimeError, TimeoutError) as fault:
            log.info("no picture was chosen: %s", fault)
            return
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
        """Puts the verdict away for the next scan, which may be the answer to its challenge."""
        self._sight.look_again(self._app.now())
        self.verdict = None


_SCANNINGS: "Final[WeakKeyDictionary[App, Scanning]]" = WeakKeyDictionary()


def scanning_of(app: "App") -> Scanning:
    """The one scanning of this page's app."""
    if app not in _SCANNINGS:
        _SCANNINGS[app] = Scanning(app)
    return _SCANNINGS[app]
