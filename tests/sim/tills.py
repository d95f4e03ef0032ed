"""What tills do with vouchers, in the model's words: scans, scans that they tell of later, and scans they take back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mirabelle.rules import commands as c
from tests.sim.heaps import Bought, Used

if TYPE_CHECKING:
    from tests.sim.model import Model

_LOST_BEFORE = timedelta(minutes=6)


class Tills:
    """Who used which voucher, what was lost because two did, and what was undone before anybody was told of it.

    What was doubtful about a scan, or bad about its proof, is known by the scan.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.scans: set[str] = set()
        self.undone: set[str] = set()
        self.lost: dict[str, tuple[int, str | None]] = {}
        self.doubts: dict[str, str] = {}
        self.bad: dict[str, str] = {}

    def _find(self, voucher: bytes | None) -> Bought | None:
        found = (b for b in self._model.bought.values() if b.voucher is not None and b.voucher == voucher)
        return next(found, None)

    def scan(self, asked: c.Scan) -> str:
        bought = self._find(asked.voucher)
        mine = next((used for used in bought.uses if used.scan == asked.scan), None) if bought else None
        if mine or (bought and asked.scan in self.undone):
            return f"already_used, first by {mine.scan}" if mine else "already_used"
        self.scans.add(asked.scan)
        over = bought is None or (bought.expires is not None and bought.expires <= asked.at)
        if bought is not None and bought.worth:
            self._model.purses.pass_time(bought, asked.at)
        if bought is None or over or bought.store not in (0, asked.store) or bought.voucher_state != "ready":
            return "not_a_voucher"
        if bought.worth:
            return "amount_required"
        self._use(bought, asked.scan, asked.till, asked.at)
        return f"accepted, first by {asked.scan}"

    def _use(self, bought: Bought, scan: str, till: str, at: datetime) -> None:
        bought.voucher_state, bought.used_by = "used", scan
        bought.uses.append(Used(scan, till, bought.use, at))
        if bought.state == "held":
            bought.state = "captured"
            self.move(bought, bought.returned - bought.points, max(at, bought.at))

    def move(self, bought: Bought, points: int, at: datetime) -> None:
        """Hold more points of what was bought, or fewer: what is not held is spent."""
        self._model.at(bought.owner, at).held += points
        self._model.books["burned"] -= points

    def upload(self, asked: c.UploadScan, use: int, scope: int, offline: bool) -> str:
        bought = self._find(asked.voucher)
        if bought is None:
            self.bad[asked.scan] = "revoked"
            return "bad proof: revoked"
        if bought.worth:
            self.bad[asked.scan] = "offline_not_allowed"
            return "bad proof: offline_not_allowed"
        doubt = "revoked" if use > bought.use else ""
        if scope not in (0, asked.store):
            doubt = "wrong_store"
        elif not offline:
            doubt = "offline_not_allowed"
        return self._recorded(asked, bought, doubt)

    def _recorded(self, asked: c.UploadScan, bought: Bought, doubt: str) -> str:
        mine = next((used for used in bought.uses if used.scan == asked.scan), None)
        if mine:
            in_time = (
                asked.undone_at is not None and asked.undone_at <= min(asked.at, mine.at + _LOST_BEFORE) + asked.within
            )
            if in_time and not mine.undone and self._may_take_back(bought, mine):
                self._take_back(bought, mine, asked.received_at)
            return "undone" if mine.undone else f"recorded, use {mine.use}"
        if asked.scan in self.lost:
            points, first = self.lost[asked.scan]
            return f"conflict with {first}, {points} lost"
        if asked.scan in self.undone:
            return "undone"
        self.scans.add(asked.scan)
        if asked.undone_at is not None and asked.undone_at <= asked.at + asked.within:
            self.undone.add(asked.scan)
            return "undone"
        if bought.voucher_state == "ready":
            self._use(bought, asked.scan, asked.till, asked.at)
            self.doubts |= {asked.scan: doubt} if doubt else {}
            return f"recorded, use {bought.use}"
        first = bought.used_by if bought.voucher_state == "used" else None
        self.lost[asked.scan] = (bought.points, first)
        self.doubts |= {asked.scan: doubt} if doubt else {}
        self._model.at(bought.owner, asked.received_at)
        self._model.books["issued"] -= bought.points
        self._model.books["offline_loss"] += bought.points
        return f"conflict with {first}, {bought.points} lost"

    def undo(self, asked: c.UndoScan) -> str:
        bought = self._find(asked.voucher)
        if bought is not None and bought.worth:
            return self._model.purses.undo(bought, asked)
        uses = bought.uses if bought else []
        mine = next((used for used in uses if (used.scan, used.till) == (asked.scan, asked.till)), None)
        if bought is None or mine is None:
            return "not undone: not found"
        if not mine.undone:
            if asked.at > mine.at + asked.within or not self._may_take_back(bought, mine):
                return "not undone: too late"
            self._take_back(bought, mine, asked.at)
        return f"undone {mine.scan}"

    def _may_take_back(self, bought: Bought, mine: Used) -> bool:
        return bought.state != "released" and all(first != mine.scan for _, first in self.lost.values())

    def _take_back(self, bought: Bought, mine: Used, at: datetime) -> None:
        mine.undone = True
        bought.voucher_state, bought.used_by = "ready", ""
        bought.use += 1
        if self._model.prizes[bought.prize].value_class == "C":
            bought.state = "held"
            self.move(bought, bought.points - bought.returned, at)
