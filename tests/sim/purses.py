"""What tills do with vouchers that carry money, in the model's words: hold some, take of it, let go, give back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mirabelle.rules import commands as c
from tests.sim.heaps import Bought, Held

if TYPE_CHECKING:
    from tests.sim.model import Model


class Purses:
    """Every voucher with money, and who holds how much of it."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def find(self, voucher: bytes | None) -> Bought | None:
        """The purse that a voucher is."""
        return next((b for b in self._model.bought.values() if b.worth and b.voucher and b.voucher == voucher), None)

    def pass_time(self, bought: Bought, now: datetime) -> int:
        """What was held too long goes back; how many times that happened."""
        late = [hold for hold in bought.holds if hold.state == "held" and hold.ends <= now]
        for hold in late:
            hold.state = "released"
        return len(late)

    def _tell(self, bought: Bought, state: str) -> str:
        return f"{state}: {bought.taken} taken, {bought.held} held of {bought.worth}, voucher {bought.voucher_state}"

    def _why_not(self, bought: Bought, at: datetime, store: int) -> str:
        assert bought.expires is not None
        if bought.voucher_state == "cancelled":
            return "voucher_cancelled"
        if bought.voucher_state == "lapsed" or bought.expires <= at:
            return "voucher_expired"
        return "" if bought.store in (0, store) else "wrong_store"

    def hold(self, asked: c.HoldAmount) -> str:
        bought = self.find(asked.voucher)
        if bought is None or bought.expires is None:
            return "not taken: not_found"
        self.pass_time(bought, asked.at)
        reason = self._why_not(bought, asked.at, asked.store)
        if not reason and asked.at - asked.shown_at > asked.within:
            reason = "present_again"
        if not reason and asked.amount_minor + bought.taken + bought.held > (bought.worth or 0):
            reason = "over_balance"
        if reason:
            return f"not taken: {reason}"
        bought.holds.append(Held(asked.hold, asked.till, asked.amount_minor, min(asked.ends_at, bought.expires)))
        return self._tell(bought, "hold")

    def _mine(self, bought: Bought | None, hold: str, till: str) -> Held | None:
        return next((one for one in bought.holds if (one.id, one.till) == (hold, till)), None) if bought else None

    def capture(self, asked: c.CaptureAmount) -> str:
        bought = self.find(asked.voucher)
        hold = self._mine(bought, asked.hold, asked.till)
        if bought is not None:
            self.pass_time(bought, asked.at)
        if bought is None or hold is None:
            return "not taken: not_found"
        reason = {"held": "", "released": "hold_ended"}.get(hold.state, "hold_captured")
        reason = reason or self._why_not(bought, asked.at, asked.store)
        if not reason and asked.amount_minor > hold.amount:
            reason = "over_balance"
        if reason:
            return f"not taken: {reason}"
        hold.state, hold.captured, hold.at = "captured", asked.amount_minor, asked.at
        if bought.taken == bought.worth:
            bought.voucher_state = "used"
        if bought.state == "held":
            bought.state = "captured"
            self._model.tills.move(bought, bought.returned - bought.points, max(asked.at, bought.at))
        return self._tell(bought, "capture")

    def release(self, asked: c.ReleaseHold) -> str:
        bought = self.find(asked.voucher)
        hold = self._mine(bought, asked.hold, asked.till)
        if bought is not None:
            self.pass_time(bought, asked.at)
        if bought is None or hold is None:
            return "not taken: not_found"
        if hold.state in ("captured", "undone"):
            return "not taken: hold_captured"
        hold.state = "released"
        return self._tell(bought, "release")

    def end(self, asked: c.EndHolds) -> str:
        bought = self.find(asked.voucher)
        return f"{self.pass_time(bought, asked.at) if bought else 0} holds ended"

    def undo(self, bought: Bought, asked: c.UndoScan) -> str:
        hold = self._mine(bought, asked.scan, asked.till)
        if hold is None or hold.at is None:
            return "not undone: not found"
        if hold.state == "captured":
            if bought.state == "released" or asked.at > hold.at + asked.within:
                return "not undone: too late"
            hold.state, bought.voucher_state = "undone", "ready"
            if not bought.taken and bought.state == "captured":
                bought.state = "held"
                self._model.tills.move(bought, bought.points - bought.returned, asked.at)
        return f"undone {hold.id}"
