"""What the lock's pages know: what is typed, what came of it, and what waits unsent behind them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import flet as ft

from mirabelle.client.store.opening import MEMORY
from mirabelle.contract.translation import Translator
from mirabelle.rules.lock import PIN_DIGITS, digits, pin_fault

if TYPE_CHECKING:
    from mirabelle.client.app import App
    from mirabelle.client.use_cases.app_lock import Answer


@ft.observable
@dataclass
class Typed:
    """The PINs as they are typed; `told` is what came of the last try."""

    pin: str = ""
    new: str = ""
    again: str = ""
    told: "Answer | None" = None

    @property
    def is_whole(self) -> bool:
        """Whether it is worth a try."""
        return len(digits(self.pin)) >= PIN_DIGITS and not self.is_no_pin

    @property
    def is_no_pin(self) -> bool:
        """Whether letters are in it: a till's scanner types what it reads wherever it can."""
        return any(character.isalpha() for character in self.pin)

    @property
    def fault(self) -> str | None:
        """Why the new PIN cannot be chosen: "short", "easy" or "differ"."""
        fault = pin_fault(digits(self.new))
        return fault or ("differ" if digits(self.new) != digits(self.again) else None)

    def clear(self) -> None:
        """Forget what was typed."""
        self.pin = self.new = self.again = ""


@dataclass(frozen=True)
class Waiting:
    """What is not with the programme yet: how much, and whether this device can keep it until somebody signs in."""

    count: int
    is_kept: bool
    is_staff: bool


def read_waiting(app: "App") -> Waiting:
    """What ending the session would leave unsent."""
    waits = sum(entry.state != "refused" for entry in app.outbox.entries())
    is_staff = app.session is not None and app.session.role == "staff"
    return Waiting(waits + app.outbox.strange + app.sign_in.kept_scans, app.store.path != MEMORY, is_staff)


def wait_in_words(translate: Translator, seconds: float) -> str:
    """How long until the next try, never less than it takes."""
    whole = int(-(-seconds // 1))
    if whole < 120:
        return translate("lock.wait", count=whole)
    return translate("lock.wait_minutes", count=-(-whole // 60))
