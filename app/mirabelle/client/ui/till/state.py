"""What the till knows: what was presented, what was answered, and what a camera has just seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from mirabelle.client.api import Refusal
from mirabelle.client.repositories.till import known_verdict
from mirabelle.client.ui.shared.widgets import parted
from mirabelle.contract.reasons import Reason
from mirabelle.contract.till_messages import Scan
from mirabelle.rules import fallback_code
from mirabelle.rules.frame import PREFIX, Frame, parse
from mirabelle.rules.programme import minor_units
from mirabelle.rules.trusted_time import ClockRefusal
from mirabelle.rules.voucher_code import VoucherCode

if TYPE_CHECKING:
    from mirabelle.client.app import App

Outcome = Literal["accepted", "refused", "asked", "unchecked"]
NO_ANSWER: Final = "no_answer"
CODE_NEEDS_NETWORK: Final = "code_needs_network"
_IN_WORDS: Final = (Reason.RATE_LIMITED, Reason.SESSION_ENDED)  # what the till says of its own; the rest is a fault
_OUTCOMES: Final[dict[str, Outcome]] = {
    VoucherCode.ACCEPTED: "accepted",
    VoucherCode.CHALLENGE_REQUIRED: "asked",
    VoucherCode.AMOUNT_REQUIRED: "asked",
}
_DECIMAL_SIGNS: Final = str.maketrans(",٫", "..")
_GONE_AFTER: Final = timedelta(seconds=3)  # out of the camera's sight for so long, a voucher was taken away


@dataclass(frozen=True)
class Verdict:
    """What fills the till's screen: `code` is a key of the verdicts' words, `scan` what the server said, if it did."""

    outcome: Outcome
    code: str
    scan: Scan | None
    at: datetime


@dataclass(frozen=True)
class Place:
    """Where this till stands: its id, its name in words, the names of all stores by their ids, and the currency."""

    till: str
    name: str
    stores: Mapping[str, str]
    currency: str = ""


def place_of(app: "App") -> Place:
    """The place of this page's till."""
    till, programme = app.till.current(), app.programme.current()
    name = "" if till is None else parted(app.t, till.name, till.store_name.in_language(app.language))
    stores = programme.stores if programme else ()
    return Place(
        till=till.id if till else "",
        name=name,
        stores={store.id: store.name.in_language(app.language) for store in stores},
        currency=programme.currency if programme else "",
    )


def verdict_of(answer: Scan | Refusal | ClockRefusal | None, now: datetime, *, typed: bool = False) -> Verdict:
    """The verdict for what came of a scan, or of a typed code; None stands for no answer at all."""
    if isinstance(answer, Scan):
        return Verdict(_OUTCOMES.get(answer.verdict, "refused"), known_verdict(answer.verdict), answer, answer.at)
    if isinstance(answer, ClockRefusal):
        return Verdict("unchecked", answer.value, None, now)
    if answer is None:
        return Verdict("unchecked", CODE_NEEDS_NETWORK if typed else NO_ANSWER, None, now)
    return Verdict("unchecked", answer.reason if answer.reason in _IN_WORDS else Reason.FAULT.value, None, now)


def presented(entered: str) -> tuple[Literal["frame", "code"], str]:
    """Tells a typed code from a scanned frame. Frames contain spaces: nothing but a scanner's last newline is cut."""
    text = entered.removesuffix("\n").removesuffix("\r")
    if not text.startswith(PREFIX):
        code = fallback_code.normalise(text)
        if code is not None:
            return "code", code
    return "frame", text


def amount_in(typed: str, currency: str) -> int | None:
    """The amount that is typed, in whatever digits and with either decimal sign, in minor units; None for none."""
    told = "".join(str(int(each)) if each.isdecimal() else each for each in typed.strip())
    try:
        return minor_units(told.translate(_DECIMAL_SIGNS), currency)
    except ValueError:
        return None


class Sight:
    """What the camera has seen judged: a voucher still lying before it is not judged a second time."""

    def __init__(self) -> None:
        self._judged: bytes | str | None = None
        self._seen_at: datetime | None = None

    def judged(self, text: str, now: datetime) -> None:
        """Remembers what has just been judged."""
        self._judged, self._seen_at = _subject(text), now

    def look_again(self, now: datetime) -> None:
        """The camera opens its eye anew: what was judged may have lain there all the while."""
        if self._seen_at is not None:
            self._seen_at = now

    def is_still_there(self, text: str, now: datetime) -> bool:
        """Whether this is what was judged last and has not been taken away since."""
        if self._seen_at is None or _subject(text) != self._judged or now - self._seen_at > _GONE_AFTER:
            return False
        self._seen_at = now
        return True


def _subject(text: str) -> bytes | str:
    """What a text presents: a voucher shows another text every 30 seconds and stays the same voucher."""
    frame = parse(text)
    return frame.voucher if isinstance(frame, Frame) else text
