"""How the till stands: whether it is online, what waits, and for how long and how much it could do without network."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from mirabelle.client.repositories.trust import WARN_BEFORE_END, Held
from mirabelle.contract.trust import VALUE_CLASSES
from mirabelle.rules.trust import Cap
from mirabelle.rules.trusted_time import ClockRefusal

if TYPE_CHECKING:
    from mirabelle.client.app import App

Stop = Literal["never_heard", "clock", "too_long", "keys"]
_NONE: Final = Cap(0, 0)


@dataclass(frozen=True)
class Standing:
    """`left` is for how long vouchers are accepted without network, `room` how many more of each class; `stop` says
    why none is, `as_of` since when only this device's own clock vouches for the time."""

    is_online: bool
    waiting: int
    refused: int
    stop: Stop | None
    left: timedelta
    ends_at: datetime | None
    room: Mapping[str, int]
    as_of: datetime | None
    keys_end_at: datetime | None
    is_distrusted: bool


def standing_of(app: "App") -> Standing:
    """How this page's till stands now."""
    held, time = app.trust.held(), app.till_time.read()
    is_wrong = isinstance(time, ClockRefusal)
    now = app.now() if isinstance(time, ClockRefusal) else datetime.fromtimestamp(time.now, UTC)
    as_of = None if isinstance(time, ClockRefusal) or time.as_of is None else datetime.fromtimestamp(time.as_of, UTC)
    keys_end = held.keys_end_at if held else None
    return Standing(
        is_online=app.connection != "offline",
        waiting=len(app.offline_scans.unsent()),
        refused=len(app.offline_scans.list("refused")),
        stop=_stop(held, now, is_wrong=is_wrong),
        left=max(timedelta(), held.ends_at - now) if held else timedelta(),
        ends_at=held.ends_at if held else None,
        room=_room(held, app.offline_scans.taken()) if held else {},
        as_of=as_of,
        keys_end_at=keys_end if keys_end and keys_end - now <= WARN_BEFORE_END else None,
        is_distrusted=bool(held and held.refused),
    )


def _stop(held: Held | None, now: datetime, *, is_wrong: bool) -> Stop | None:
    if held is None:
        return "never_heard"
    if is_wrong:
        return "clock"
    if now >= held.keys_end_at:
        return "keys"
    return "too_long" if now >= held.ends_at else None


def _room(held: Held, taken: Mapping[int, Cap]) -> dict[str, int]:
    """How many more of each class go by count; what they are worth may end it sooner."""
    return {
        name: max(0, held.trust.caps[number].count - taken.get(number, _NONE).count)
        for name, number in VALUE_CLASSES.items()
        if number in held.trust.caps
    }
