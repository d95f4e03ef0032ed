"""Who asks for what: participants, tills, the importer of past events, the operator and the nightly worker."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mirabelle.rules import commands as c
from mirabelle.rules import fallback_code
from mirabelle.rules.redemption import NewVoucher
from tests.sim import frames
from tests.sim.calendar import day_end
from tests.sim.heaps import Bought
from tests.sim.model import Model
from tests.sim.plan import Plan

_MICROSECOND = timedelta(microseconds=1)
UNDO_WITHIN = timedelta(hours=12)
_HOLD, _SHOWN = timedelta(days=5), timedelta(days=3)


def _code(voucher: bytes) -> str:
    """The code that is typed for a voucher."""
    return fallback_code.make(voucher[-fallback_code.RANDOM_BYTES :].rjust(fallback_code.RANDOM_BYTES, b"\0"))


@dataclass(slots=True)
class Request:
    """What somebody asks for under a key until it is answered: `words` are the same each time it is asked."""

    actor: str
    key: str
    words: tuple[Any, ...]
    answer: str | None = None

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(repr(self.words).encode()).digest()


class People:
    """Makes requests at random; what is new in each gets a number of its own."""

    def __init__(self, random: Random, plan: Plan, model: Model) -> None:
        self._random = random
        self._plan = plan
        self._model = model
        self._numbers = 0
        self._busy = plan.people[0]
        self._craze = "mug"
        self._scans: list[tuple[str, int, Bought]] = []
        self._holds: list[tuple[str, int, Bought, int]] = []
        self._purchases: list[tuple[str, str, int, datetime]] = []

    def fresh(self) -> int:
        """A number that nothing else has."""
        self._numbers += 1
        return self._numbers

    def request(self, now: datetime) -> Request:
        """Something that somebody wants at `now`."""
        kinds, weights = zip(*_WEIGHTS.items(), strict=True)
        [kind] = self._random.choices(kinds, weights)
        who = self._busy if self._random.random() < 0.4 else self._random.choice(self._plan.people)
        if kind == "money":
            kind = self._with_money()
        words = getattr(self, f"_{kind}")(who, now)
        return Request(f"{kind} of {who}", f"key-{self.fresh()}", (kind, *words))

    def rush(self, now: datetime) -> list[Request]:
        """Somebody wants the prize of the day several times, at once."""
        words = ("redeem", *self._redeem(self._busy, now, self._craze))
        return [Request(f"redeem of {self._busy}", f"key-{self.fresh()}", words) for _ in range(4)]

    def _earlier(self, now: datetime) -> datetime:
        """When an event of the past was: some are told days later."""
        chance = self._random.random()
        if chance < 0.6:
            return now
        if chance < 0.63:
            return now - timedelta(days=365, minutes=self._random.randrange(-3 * 24 * 60, 24 * 60))
        return now - timedelta(minutes=self._random.randrange(14 * 24 * 60))

    def _earn(self, who: str, now: datetime) -> tuple[Any, ...]:
        purchase = (
            who,
            f"p{self.fresh()}",
            self._random.choice([0, 3, 10, 25, 25, 40, 40, 40, 90]),
            self._earlier(now),
        )
        self._purchases.append(purchase)
        return purchase

    def _refund(self, who: str, now: datetime) -> tuple[Any, ...]:
        if not self._purchases or self._random.random() < 0.05:
            return who, f"f{self.fresh()}", "p0", 10, now
        buyer, purchase, points, at = self._random.choice(self._purchases[-12:])
        share = self._random.choice([points, points, points // 2, points + 5])
        when = at + (now - at) * self._random.randint(0, 4) / 4
        return buyer, f"f{self.fresh()}", purchase, share, when - timedelta(days=self._random.random() < 0.1)

    def _past(self, who: str, now: datetime) -> tuple[Any, ...]:
        return who, f"r{self.fresh()}", self._prize(), self._earlier(now)

    def _prize(self) -> str:
        return (
            self._craze
            if self._random.random() < 0.4
            else self._random.choice([*self._model.prizes, "card", "no-such"])
        )

    def _redeem(self, who: str, now: datetime, wanted: str = "") -> tuple[Any, ...]:
        prize = self._model.prizes.get(wanted or self._prize())
        if prize is None:
            return who, "no-such", 1, ()
        wrong = self._random.random() < 0.05
        details = (("address", "1, Main Street"),) if self._random.random() < 0.8 else ()
        return who, prize.id, prize.points + wrong, details if prize.needs != "nothing" else ()

    def _some_bought(self, *states: str) -> Bought | None:
        """One of the last redemptions, mostly in one of `states`."""
        bought = list(self._model.bought.values())
        if self._random.random() < 0.9:
            bought = [one for one in bought if one.state in states]
        return self._random.choice(bought[-10:]) if bought else None

    def _redemption(self, who: str, *states: str) -> tuple[str, str]:
        bought = self._some_bought(*states)
        if bought is None:
            return who, "r0"
        return (bought.owner if self._random.random() < 0.97 else who), bought.id

    def _cancel(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._redemption(who, "held", "captured")

    def _lapse(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._redemption(who, "held")

    def _reverse(self, who: str, now: datetime) -> tuple[Any, ...]:
        return *self._redemption(who, "captured"), self._random.choice([None, None, 1, 2, 3, 5, 12])

    def _transfer(self, who: str, now: datetime) -> tuple[Any, ...]:
        recipient = self._random.choice([*self._plan.people, *self._plan.people, "nobody"])
        return who, recipient, self._random.choice([1, 3, 10, 25])

    def _extend(self, who: str, now: datetime) -> tuple[Any, ...]:
        return (who,)

    def _close(self, who: str, now: datetime) -> tuple[Any, ...]:
        return who, day_end(now, -self._random.choice([1, 1, 1, 2, 4]), self._plan.policy.zone)

    def _scan(self, who: str, now: datetime) -> tuple[Any, ...]:
        bought = self._some_bought("held", "captured")
        store, scan = self._random.choice([7, 8]), f"s{self.fresh()}"
        if bought and bought.voucher:
            self._scans.append((scan, store, bought))
        return scan, store, bought.voucher if bought else None

    def _upload(self, who: str, now: datetime) -> tuple[Any, ...]:
        """A till tells of what it was shown without network: something new, or what it had asked about in vain."""
        scan, store, bought = f"s{self.fresh()}", self._random.choice([7, 8]), self._some_bought("held", "captured")
        if self._scans and self._random.random() < 0.5:
            scan, store, bought = self._random.choice(self._scans[-6:])
        voucher = bought.voucher if bought and bought.voucher else b"sixteen letters."
        use = (bought.use if bought else 1) + (self._random.random() < 0.03)
        online_only = bought is not None and self._model.prizes[bought.prize].value_class == "C"
        # The lease begins with the redemption, or later.
        since = bought.at if bought else now
        at = since + (now - since) * self._random.random()
        shown = (voucher, use, bought.store if bought else 0, at, not online_only)
        undone = at + UNDO_WITHIN * self._random.random() * 1.2 if self._random.random() < 0.3 else None
        if bought and bought.voucher:
            self._scans.append((scan, store, bought))
        return scan, store, shown, undone

    def _with_money(self) -> str:
        """What is done with vouchers that carry money, as far as there are any."""
        if not any(one.worth for one in self._model.bought.values()):
            return "gift"
        held = ["capture", "capture", "capture", "release", "end", "giveback"] if self._holds else []
        return self._random.choice(["gift", "hold", "hold", *held])

    def _gift(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._redeem(who, now, "gift")

    def _hold(self, who: str, now: datetime) -> tuple[Any, ...]:
        """A till wants some of the money on a voucher that it was shown before."""
        purses = [one for one in self._model.bought.values() if one.worth]
        if self._random.random() < 0.9:
            purses = [one for one in purses if one.voucher_state == "ready" and one.expires and one.expires > now]
        hold, store = f"h{self.fresh()}", self._random.choice([7, 8])
        bought = self._random.choice(purses[-3:]) if purses else None
        amount = self._random.choice([1, 10, 25, 40, 60, 100])
        if bought is not None:
            store = bought.store if bought.store and self._random.random() < 0.9 else store
            self._holds.append((hold, store, bought, amount))
        shown = now - self._random.random() * _SHOWN * 1.1
        return hold, store, bought.voucher if bought else None, amount, shown

    def _some_hold(self) -> tuple[str, int, bytes | None, int]:
        """One of the last holds, and an amount: mostly all of it or a part."""
        if not self._holds or self._random.random() < 0.03:
            return "h0", 7, None, 1
        there = [one for one in self._holds if self._random.random() < 0.9 and one[2].holds_now(one[0])]
        hold, store, bought, amount = self._random.choice(there[-5:] or self._holds[-5:])
        store = store if self._random.random() < 0.95 else 15 - store
        return hold, store, bought.voucher, self._random.choice([amount, amount, max(1, amount // 2), amount + 1])

    def _capture(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._some_hold()

    def _release(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._some_hold()[:3]

    def _end(self, who: str, now: datetime) -> tuple[Any, ...]:
        return (self._some_hold()[2] or b"sixteen letters.",)

    def _giveback(self, who: str, now: datetime) -> tuple[Any, ...]:
        return self._some_hold()[:3]

    def _undo(self, who: str, now: datetime) -> tuple[Any, ...]:
        if not self._scans or self._random.random() < 0.05:
            return "s0", 7, None
        scan, store, bought = self._random.choice(self._scans[-6:])
        return scan, store if self._random.random() < 0.95 else 15 - store, bought.voucher

    def command(self, words: tuple[Any, ...], now: datetime) -> c.Command:
        """What a server makes of a request that reaches it at `now`: asked again, it is another command."""
        kind, *rest = words
        if kind in _WITH_THEIR_TIME:
            return _WITH_THEIR_TIME[kind](*rest)
        if kind in _NOW:
            return _NOW[kind](*rest, now)
        if kind in _WITH_MONEY:
            return _WITH_MONEY[kind](now, *rest)
        if kind == "transfer":
            giver, recipient, points = rest
            return c.Transfer(giver, recipient, f"t{self.fresh()}", points, now)
        if kind == "scan":
            scan, store, voucher = rest
            return c.Scan(scan, f"till-{store}", store, (), "", _code(voucher or b""), voucher, now)
        if kind == "upload":
            scan, store, (voucher, *lease), undone = rest
            frame, at = frames.shown(voucher, *lease), lease[2]
            return c.UploadScan(scan, f"till-{store}", store, (), frame, voucher, at, now, None, undone, UNDO_WITHIN)
        if kind in ("undo", "giveback"):
            scan, store, voucher = rest
            return c.UndoScan(scan, f"till-{store}", voucher, now, UNDO_WITHIN)
        who, prize, agreed, details = rest
        return self._redeem_command(who, prize, agreed, dict(details), now)

    def _redeem_command(self, who: str, prize: str, agreed: int, details: dict[str, str], now: datetime) -> c.Redeem:
        number = self.fresh()
        terms = self._model.prizes.get(prize)
        voucher = NewVoucher(id_ := number.to_bytes(16, "big"), _code(id_), b"k" * 32, "salt", 1)
        has_one = terms is not None and terms.has_voucher
        return c.Redeem(who, f"r{number}", prize, now, agreed, details, voucher if has_one else None)

    def next_moment(self, now: datetime) -> datetime:
        """How time goes on: minutes, days, or to a moment at which something ends. Who and what is busy changes."""
        self._busy = self._random.choice(self._plan.people)
        self._craze = self._random.choice(list(self._model.prizes))
        chance = self._random.random()
        if chance < 0.4:
            return now + timedelta(seconds=self._random.randrange(1, 3600))
        if chance < 0.65:
            return now + timedelta(minutes=self._random.randrange(60, 36 * 60))
        if chance < 0.72:
            return now + timedelta(days=self._random.randrange(2, 9))
        ends = [day_end(now, 0, self._plan.policy.zone)]
        heaps = [heap for person in self._model.people.values() for heap in person.heaps if heap.left]
        ends += [end for heap in heaps for end in (heap.arrives, heap.expires) if end]
        ends += [bought.expires for bought in self._model.bought.values() if bought.expires]
        later = sorted({end for end in ends if now < end < now + timedelta(days=20)})
        return self._random.choice(later[:3]) + self._random.choice([-_MICROSECOND, 0 * _MICROSECOND])


_WEIGHTS = {
    "earn": 26, "redeem": 22, "past": 6, "refund": 9, "cancel": 8, "lapse": 3, "reverse": 7, "transfer": 7,
    "extend": 5, "close": 4, "scan": 10, "upload": 9, "undo": 6, "money": 22,
}  # fmt: skip
_WITH_THEIR_TIME: dict[str, Callable[..., c.Command]] = {
    "earn": c.Earn,
    "refund": c.Refund,
    "past": c.Redeem,
    "close": c.Close,
}
_NOW: dict[str, Callable[..., c.Command]] = {
    "cancel": c.Cancel,
    "lapse": c.Lapse,
    "reverse": c.Reverse,
    "extend": c.Extend,
}


def _till(store: int) -> tuple[str, int, tuple[int, ...]]:
    return f"till-{store}", store, ()


_WITH_MONEY: dict[str, Callable[..., c.Command]] = {
    "hold": lambda now, hold, store, voucher, amount, shown: c.HoldAmount(
        hold, *_till(store), voucher, amount, shown, _SHOWN, now, now + _HOLD
    ),
    "capture": lambda now, hold, store, voucher, amount: c.CaptureAmount(hold, *_till(store), voucher, amount, now),
    "release": lambda now, hold, store, voucher: c.ReleaseHold(hold, f"till-{store}", voucher, now),
    "end": lambda now, voucher: c.EndHolds(voucher, now),
}
