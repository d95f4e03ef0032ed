"""The app lock: which PINs are taken, how one is kept, what wrong tries cost, and when it closes by itself.

Times are seconds on a clock that only runs forward; it says which start of the device it counts from. What a wall clock
says of the waits is never asked: whoever holds the device can set it. A start that is not the same one makes a wait
begin again in full.
"""

import hmac
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

PIN_DIGITS: Final = 6
"""A PIN has at least so many."""

LONGEST_PIN: Final = 12

WAITS: Final = (0, 0, 0, 0, 0, 30, 60, 120, 300, 900)
"""Seconds to wait before the next try, by how many went wrong."""

MOST_TRIES: Final = len(WAITS)
"""After so many wrong tries the PIN opens nothing any more: one has to sign in again."""

AWAY_MINUTES: Final = (1, 5, 15, 60)
"""What there is to choose from: after how long away the app closes."""

PinFault = Literal["short", "easy"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What scrypt (RFC 7914) takes: `n` times `r` times 128 bytes of memory, `p` times over."""

    n: int
    r: int
    p: int


COST: Final = Cost(2**15, 8, 3)  # 32 MiB, as OWASP advises for so little memory


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock as it is kept: the PIN's hash, after how many minutes away it closes, and the wrong tries so far.

    `tried_at` is when the last one was, in the forward clock's reading under the device's `start`.
    """

    salt: bytes
    hash: bytes
    cost: Cost
    minutes: int
    biometrics: bool = False
    tries: int = 0
    tried_at: float = 0.0
    start: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks: what only runs forward may stand still while a device sleeps."""

    elapsed: float
    wall: float


SPENT: Final = Lock(b"", b"", COST, AWAY_MINUTES[0], tries=MOST_TRIES)
"""What stands in for a lock that cannot be read: it opens to nobody."""


def digits(typed: str) -> str:
    """The digits of what is typed, in ASCII: Arabic keyboards have their own."""
    return "".join(str(int(character)) for character in typed if character.isdecimal())


def pin_fault(pin: str) -> PinFault | None:
    """Why `pin` is not taken: anybody would try one digit over and over, and the row of the keys, first."""
    if len(pin) < PIN_DIGITS:
        return "short"
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return "easy" if steps <= {0} or steps <= {1} or steps <= {9} else None


def hash_pin(pin: str, salt: bytes, cost: Cost) -> bytes:
    """The slow hash of a PIN; takes a good part of a second, by intent."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(pin.encode())


def fits(lock: Lock, pin: str) -> bool:
    """Whether `pin` is the lock's."""
    return lock is not SPENT and hmac.compare_digest(hash_pin(pin, lock.salt, lock.cost), lock.hash)


def is_spent(lock: Lock) -> bool:
    """Whether too many tries went wrong."""
    return lock.tries >= MOST_TRIES


def tries_left(lock: Lock) -> int:
    """How many tries there are."""
    return max(0, MOST_TRIES - lock.tries)


def wait(lock: Lock, elapsed: float) -> float:
    """Seconds until the next try is taken."""
    whole = WAITS[min(lock.tries, MOST_TRIES - 1)]
    return min(float(whole), max(0.0, lock.tried_at + whole - elapsed))


def counted(lock: Lock, elapsed: float, start: str) -> Lock:
    """With one more try: written down before the PIN is looked at, so that ending the app takes none back."""
    return replace(lock, tries=lock.tries + 1, tried_at=elapsed, start=start)


def opened(lock: Lock) -> Lock:
    """After the right PIN."""
    return replace(lock, tries=0)


def resumed(lock: Lock, elapsed: float, start: str) -> Lock:
    """As the app finds it when it starts: nobody knows how long a device was off, so a wait begins again."""
    is_same = start != "" and lock.start == start
    return lock if is_same or not lock.tries else replace(lock, tried_at=elapsed, start=start)


def is_over(left: Moment, now: Moment, minutes: int) -> bool:
    """Whether whoever left the app then was away for `minutes`; one clock that says so is enough."""
    return max(now.elapsed - left.elapsed, now.wall - left.wall) >= minutes * 60
