"""The ledger once more, in the simplest words: people with heaps of points, and a list of what was bought with which.

Written from what the programme promises; of the rules it knows the commands alone.
"""

from collections import Counter
from datetime import datetime, timedelta

from mirabelle.rules import commands as c
from tests.sim.calendar import day_end, local_day, period_end
from tests.sim.frames import read
from tests.sim.heaps import Bought, Heap, Person
from tests.sim.plan import Policy, Prize
from tests.sim.purses import Purses
from tests.sim.tills import Tills


class Model:
    """What the ledger should answer and hold."""

    def __init__(self, policy: Policy, prizes: tuple[Prize, ...], people: tuple[str, ...]) -> None:
        self.policy = policy
        self.prizes = {prize.id: prize for prize in prizes}
        self.stock = {prize.id: sum(prize.slices.values()) for prize in prizes if prize.slices is not None}
        self.people = {name: Person(name) for name in people}
        self.bought: dict[str, Bought] = {}
        self.books: Counter[str] = Counter()
        self.tills, self.purses = Tills(self), Purses(self)
        self.answers: dict[tuple[str, str], tuple[bytes, str]] = {}

    def ask(self, actor: str, key: str, request: bytes, command: c.Command) -> str:
        """The answer to a request: the first one again where it was answered before."""
        before = self.answers.get((actor, key))
        if before is None:
            self.answers[actor, key] = before = (request, self.do(command))
        return before[1] if before[0] == request else "key reused"

    def do(self, command: c.Command) -> str:
        """Do what is asked, and say what came of it."""
        return getattr(self, f"_{type(command).__name__.lower()}")(command)

    def at(self, name: str, now: datetime) -> Person:
        """The person, with all that time alone does by `now` done."""
        person = self.people[name]
        for heap in person.heaps:
            self._pass_time(heap, now)
        return person

    def _pass_time(self, heap: Heap, now: datetime) -> tuple[int, int]:
        arrived = expired = 0
        if heap.left and not heap.here and heap.arrives <= now and not (heap.expires and heap.expires < heap.arrives):
            heap.here, arrived = True, heap.left
        if heap.left and heap.is_over(now):
            expired, heap.left = heap.left, 0
            heap.ended += expired
            self.books["expired"] += expired
        return arrived, expired

    def _take(self, heap: Heap, points: int) -> None:
        """Take points that may have ended later than the taking."""
        missing = max(0, points - heap.left)
        heap.left += missing - points
        heap.ended -= missing
        self.books["expired"] -= missing

    def _claw_back(self, heap: Heap, points: int) -> int:
        self._take(heap, points)
        self.books["adjusted"] += points
        return points

    def _collect(self, person: Person, heap: Heap) -> None:
        """What is owed is taken from points that come: first what these very points owe."""
        own = min(heap.owed, heap.left)
        other = min(person.owed, heap.left - own)
        heap.owed -= own
        person.owed -= other
        self._claw_back(heap, own + other)

    def _was_active(self, person: Person, at: datetime) -> None:
        for heap in person.heaps:
            until = self._renewed(person, heap, at)
            there = heap.left + heap.ended_after(at)
            if until and there:
                self._take(heap, there)
                heap.left, heap.expires = there, until
        person.active = max(at, person.active or at)

    def _renewed(self, person: Person, heap: Heap, at: datetime) -> datetime | None:
        """Until when points live longer because somebody was active at `at`, and perhaps later."""
        if heap.renew_days is None or heap.expires is None or heap.earned > at or heap.is_over(at):
            return None
        until = day_end(at, heap.renew_days, self.policy.zone)
        if person.active and at < person.active < until:
            until = day_end(person.active, heap.renew_days, self.policy.zone)
        return until if until > heap.expires else None

    def _earn(self, asked: c.Earn) -> str:
        person, policy, at = self.at(asked.participant, asked.at), self.policy, asked.at
        if not asked.points:
            return "earned nothing"
        heap = Heap(
            number=len(person.heaps) + 1,
            source=asked.source,
            earned=at,
            arrives=day_end(at, policy.arrive_days - 1, policy.zone) if policy.arrive_days else at,
            expires=self._expiry(at),
            points=asked.points,
            left=asked.points,
            here=not policy.arrive_days,
            renew_days=policy.after_days if policy.expiry == "rolling" else None,
            version=policy.version,
        )
        self.books["issued"] -= asked.points
        person.heaps.append(heap)
        self._collect(person, heap)
        self._was_active(person, at)
        return f"earned {heap.number}: {heap.left} of {heap.points}, until {heap.expires}"

    def _expiry(self, at: datetime) -> datetime | None:
        policy = self.policy
        months = {"month": 1, "quarter": 3, "year": 12}.get(policy.expiry)
        if months:
            return period_end(at, months, policy.after_periods, policy.zone)
        return None if policy.after_days is None else day_end(at, policy.after_days, policy.zone)

    def _refund(self, asked: c.Refund) -> str:
        person = self.at(asked.participant, asked.at)
        own = next((heap for heap in person.heaps if heap.source == asked.purchase and not heap.transferred), None)
        if own is None:
            return "took back 0, owed 0"
        at = max(asked.at, own.earned)
        self.at(asked.participant, at)
        missing = min(asked.points, own.points - own.refunded)
        own.refunded += missing
        taken = self._claw_back(own, min(own.left + own.ended_after(at), missing))
        gone = min(own.ended, missing - taken)
        own.ended -= gone
        missing -= taken + gone
        coming = [heap for heap in person.heaps if heap.left and not heap.here and heap.earned <= at]
        coming.sort(key=lambda heap: (heap.arrives, heap.number))
        for heap in person.payers(at) + coming:
            share = min(heap.at(at) if heap.here else heap.left, missing) if heap is not own else 0
            taken += self._claw_back(heap, share)
            missing -= share
        never_back = min(missing, own.given)
        own.given -= never_back
        by_person = missing if self.policy.refunds == "never_below_zero" else never_back
        person.owed += by_person
        own.owed += missing - by_person
        return f"took back {taken}, owed {missing}"

    def _redeem(self, asked: c.Redeem) -> str:
        person, at = self.at(asked.participant, asked.at), asked.at
        prize = self.prizes.get(asked.reward)
        reason = self._why_not(person, prize, asked)
        if prize is None:
            return f"declined: {reason}, {person.can_pay(at)} there"
        bought = Bought(asked.redemption, person.name, prize.id, prize.points, "declined", at)
        self.bought[bought.id] = bought
        if reason:
            return f"declined: {reason}, {person.can_pay(at)} there"
        if prize.stocked:
            self.stock[prize.id] -= 1
        bought.paid = self._shares(person, prize.points, at)
        self._was_active(person, at)
        self._pay(person, bought.paid)
        held = asked.voucher is not None and prize.value_class == "C"
        bought.state = "held" if held else "captured"
        person.held += prize.points * held
        self.books["burned"] += prize.points * (not held)
        if asked.voucher:
            bought.voucher, bought.voucher_state, bought.store = asked.voucher.id, "ready", prize.store
            bought.expires, bought.worth = day_end(at, prize.valid_days, self.policy.zone), prize.worth
        return self._tell(bought)

    def _shares(self, person: Person, points: int, at: datetime) -> list[tuple[int, int]]:
        shares = []
        for heap in person.payers(at):
            share = min(heap.at(at), points)
            points -= share
            shares.append((heap.number, share))
        return [(number, share) for number, share in shares if share]

    def _pay(self, person: Person, shares: list[tuple[int, int]]) -> None:
        for number, share in shares:
            self._take(person.heaps[number - 1], share)

    def _why_not(self, person: Person, prize: Prize | None, asked: c.Redeem) -> str:
        if prize is None:
            return "not_found"
        levels = dict(self.policy.tiers)
        nobodys = prize.from_tier and prize.from_tier not in levels
        if prize.withdrawn or nobodys or (prize.ends and prize.ends <= asked.at):
            return "not_available"
        if prize.opens and asked.at < prize.opens:
            return "not_yet_available"
        if asked.agreed_points not in (None, prize.points):
            return "price_changed"
        if prize.stocked and self.stock[prize.id] < 1:
            return "out_of_stock"
        if max(self._earned_lately(person, asked.at), levels.get(person.tier, 0)) < levels.get(prize.from_tier, 0):
            return "tier_too_low"
        mine = (b for b in self.bought.values() if (b.owner, b.prize) == (person.name, prize.id))
        if prize.limit is not None and sum(b.state in ("held", "captured") for b in mine) >= prize.limit:
            return "limit_reached"
        if asked.details is not None and prize.needs != "nothing" and not asked.details.get(prize.needs):
            return "details_missing"
        return "not_enough_points" if person.can_pay(asked.at) < prize.points else ""

    def _earned_lately(self, person: Person, at: datetime) -> int:
        year = timedelta(days=365)
        return sum(h.points - h.refunded for h in person.heaps if not h.transferred and at - year < h.earned <= at)

    def _tell(self, bought: Bought, back: int = 0) -> str:
        after = self.people[bought.owner].available()
        paid = " ".join(f"{number}:{share}" for number, share in bought.paid)
        voucher = f", voucher {bought.voucher_state} until {bought.expires}" if bought.voucher else ""
        return (
            f"{bought.id} {bought.state}, {bought.returned} returned, {back} now, paid by {paid}, {after} left{voucher}"
        )

    def _cancel(self, asked: c.Cancel) -> str:
        bought = self.bought.get(asked.redemption)
        if bought is None or bought.owner != asked.participant:
            return "declined: not_found, 0 there"
        self.purses.pass_time(bought, asked.at)
        usable = bought.voucher_state == "ready" and bought.expires is not None and asked.at < bought.expires
        spent = bought.taken or bought.held
        if spent or (bought.state != "held" and not (bought.state == "captured" and usable)):
            return "declined: not_cancellable, 0 there"
        return self._give_back(bought, bought.points - bought.returned, asked.at, "cancelled")

    def _lapse(self, asked: c.Lapse) -> str:
        bought = self.bought.get(asked.redemption)
        if bought is None or bought.owner != asked.participant:
            return "declined: not_found, 0 there"
        if bought.state != "held" or bought.expires is None or asked.at < bought.expires:
            return "declined: not_cancellable, 0 there"
        return self._give_back(bought, bought.points - bought.returned, asked.at, "lapsed")

    def _reverse(self, asked: c.Reverse) -> str:
        bought = self.bought.get(asked.redemption)
        if bought is None or bought.owner != asked.participant:
            return "declined: not_found, 0 there"
        if bought.state != "captured":
            return "declined: not_cancellable, 0 there"
        left = bought.points - bought.returned
        if asked.points is not None and asked.points > left:
            return "declined: more_than_paid, 0 there"
        return self._give_back(bought, left if asked.points is None else asked.points, asked.at, "cancelled")

    def _give_back(self, bought: Bought, points: int, at: datetime, voucher_becomes: str) -> str:
        person = self.at(bought.owner, at)
        if bought.state == "held":
            person.held -= points
        else:
            self.books["burned"] -= points
        # Point for point: of those that paid, the first `points` that are still away, counted from the last.
        away = [number for number, share in bought.paid for _ in range(share)]
        away = away[: len(away) - bought.returned]
        back = Counter(away[len(away) - points :])
        for number in sorted(back, key=[number for number, _ in bought.paid].index):
            heap = person.heaps[number - 1]
            self._come_back(person, heap, bought.at, at)
            heap.left += back[number]
            heap.back += back[number]
            self._collect(person, heap)
            if heap.is_over(at):
                self._pass_time(heap, at)
        bought.returned += points
        if bought.returned == bought.points:
            bought.state = "released"
            for hold in bought.holds:
                hold.state = "released" if hold.state == "held" else hold.state
            if bought.voucher_state == "ready":
                bought.voucher_state = voucher_becomes
                if self.prizes[bought.prize].stocked and not bought.taken:
                    self.stock[bought.prize] += 1
        return self._tell(bought, points)

    def _come_back(self, person: Person, heap: Heap, spent_at: datetime, at: datetime) -> None:
        """Points that come back live as if they had not been away; and some days more, but not again and again."""
        heap.expires = (person.active and self._renewed(person, heap, person.active)) or heap.expires
        heap.back_at = at
        if heap.is_over(at) and not (heap.first_end and spent_at >= heap.first_end):
            heap.first_end = heap.first_end or heap.expires
            heap.expires = day_end(at, self.policy.grace_days, self.policy.zone)

    def _transfer(self, asked: c.Transfer) -> str:
        giver = self.at(asked.participant, asked.at)
        there, least = giver.can_pay(asked.at), self.policy.transfers_from
        if least is None:
            return f"declined: transfers_not_allowed, {there} there"
        if asked.recipient == asked.participant or asked.recipient not in self.people:
            return f"declined: no_such_recipient, {there} there"
        if asked.points < least:
            return f"declined: too_few_points, {there} there"
        if asked.points > there:
            return f"declined: not_enough_points, {there} there"
        getter = self.at(asked.recipient, asked.at)
        shares = self._shares(giver, asked.points, asked.at)
        self._pay(giver, shares)
        for number, share in shares:
            old = giver.heaps[number - 1]
            old.given += share
            new = Heap(
                len(getter.heaps) + 1, asked.transfer, old.earned, asked.at, old.expires, share, share, True,
                old.renew_days, old.version, extended=old.extended, extended_at=old.extended_at,
                first_end=old.first_end, transferred=True,
            )  # fmt: skip
            getter.heaps.append(new)
            self._collect(getter, new)
        return f"gave {asked.points}, {giver.available()} left"

    def _extend(self, asked: c.Extend) -> str:
        person, at, zone, rule = (
            self.at(asked.participant, asked.at),
            asked.at,
            self.policy.zone,
            self.policy.extension,
        )
        told = []
        if rule and person.active and local_day(person.active, zone) >= local_day(at, zone) - timedelta(days=rule[0]):
            for heap in person.heaps:
                soon = heap.expires and at < heap.expires <= day_end(at, rule[1], zone)
                today = heap.extended_at and local_day(heap.extended_at, zone) >= local_day(at, zone)
                if heap.left and heap.expires and soon and heap.extended < rule[3] and not today:
                    heap.expires, heap.extended_at = day_end(heap.expires, rule[2] - 1, zone), at
                    heap.extended += 1
                    told.append(f"{heap.number} until {heap.expires}")
        return f"extended {', '.join(told)}"

    def _close(self, asked: c.Close) -> str:
        person = self.people[asked.participant]
        done = [self._pass_time(heap, asked.at) for heap in person.heaps]
        earned = self._earned_lately(person, asked.at)
        tier = ([""] + [tier for tier, points in self.policy.tiers if points <= earned])[-1]
        changed, person.tier = tier != person.tier, tier
        return f"closed: {sum(a for a, _ in done)} arrived, {sum(e for _, e in done)} expired, tier changed {changed}"

    def _scan(self, asked: c.Scan) -> str:
        return self.tills.scan(asked)

    def _uploadscan(self, asked: c.UploadScan) -> str:
        return self.tills.upload(asked, *read(asked.frame))

    def _undoscan(self, asked: c.UndoScan) -> str:
        return self.tills.undo(asked)

    def _holdamount(self, asked: c.HoldAmount) -> str:
        return self.purses.hold(asked)

    def _captureamount(self, asked: c.CaptureAmount) -> str:
        return self.purses.capture(asked)

    def _releasehold(self, asked: c.ReleaseHold) -> str:
        return self.purses.release(asked)

    def _endholds(self, asked: c.EndHolds) -> str:
        return self.purses.end(asked)
