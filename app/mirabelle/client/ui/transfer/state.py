"""What is being sent to whom, and how far that has come."""

from dataclasses import dataclass
from typing import Literal

import flet as ft

from mirabelle.client.ui.shared.addresses import looks_like_an_address
from mirabelle.contract.messages import Transfer

Obstacle = Literal["too_few", "too_many"]


@ft.observable
@dataclass
class Sending:
    """What is typed; `asked` once the person wants it sent and has to confirm, `sent` once it is done."""

    recipient: str = ""
    typed_points: str = ""
    asked: bool = False
    sent: Transfer | None = None

    @property
    def points(self) -> int:
        """The number that is typed, in whatever digits; 0 where it is none."""
        digits = "".join(str(int(character)) for character in self.typed_points if character.isdecimal())
        return int(digits or "0")

    @property
    def recipient_looks_right(self) -> bool:
        """Whether what is typed can be an address; the server has the last word."""
        return looks_like_an_address(self.recipient)

    def obstacle(self, available: int, at_least: int) -> Obstacle | None:
        """What stands against sending so many points."""
        if not self.typed_points.strip():
            return None
        if self.points < at_least:
            return "too_few"
        return "too_many" if self.points > available else None

    def may_ask(self, available: int, at_least: int) -> bool:
        """Whether it is time to ask for confirmation."""
        return self.recipient_looks_right and at_least <= self.points <= available
