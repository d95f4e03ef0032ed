"""The ledger's decisions, held against a tiny model of their own: random histories, in whatever batches they come."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import fallback_code
from mirabelle.rules.commands import Cancel, Command, Declined, Earn, Outcome, Redeem, Redeemed, Refund, Scan, Scanned
from mirabelle.rules.programme import Expiry, RefundPolicy, Rules
from mirabelle.rules.redemption import NewVoucher, RedemptionState, RewardTerms, ValueClass
from mirabelle.rules.refusals import RedemptionRefusal
from mirabelle.rules.voucher_code import VoucherCode
from tests.rules.ledger_world import LATER, RULES, World

START = datetime(2026, 3, 20, 12, tzinfo=UTC)  # so that Paris changes its clocks on the way
PEOPLE = ["amina", "basil"]
ALL_RULES = [RULES, LATER, replace(RULES, refunds=RefundPolicy.NEVER_BELOW_ZERO)]


def voucher(number: int) -> NewVoucher:
    return NewVoucher(
        number.to_bytes(16, "big"),
        fallback_code.make(number.to_bytes(fallback_code.RANDOM_BYTES, "big")),
        b"k" * 32,
        "salt",
        1,
    )


@st.composite
def histories(draw: st.DrawFn, rewards: tuple[str, ...] = ("mug", "mug", "card", "no-such")) -> list[Command]:
    """Commands in time order, an hour to some days apart; some name what never was."""
    now, commands = START, []
    for number in range(draw(st.integers(1, 25))):
        now += timedelta(hours=draw(st.integers(1, 60)))
        who = draw(st.sampled_from(PEOPLE))
        earlier = draw(st.integers(0, max(0, number - 1)))
        kind = draw(st.sampled_from([Earn, Earn, Redeem, Redeem, Cancel, Scan, Refund]))
        if kind is Earn:
            commands.append(Earn(who, f"p{number}", draw(st.integers(0, 60)), now))
        elif kind is Redeem:
            reward = draw(st.sampled_from(rewards))
            commands.append(Redeem(who, f"r{number}", reward, now, voucher=voucher(number)))
        elif kind is Cancel:
            commands.append(Cancel(who, f"r{earlier}", now))
        elif kind is Refund:
            commands.append(Refund(who, f"f{number}", f"p{earlier}", draw(st.integers(0, 60)), now))
        else:
            commands.append(Scan(f"s{number}", "till", 7, (), "", voucher(earlier).code, voucher(earlier).id, now))
    return commands


def end_of_day(instant: datetime, days: int, rules: Rules) -> datetime:
    """Midnight after the day, found by walking there a quarter of an hour at a time."""
    day = instant.astimezone(rules.zone).date() + timedelta(days=days)
    moment = instant.replace(minute=0, second=0, microsecond=0)
    while moment.astimezone(rules.zone).date() <= day:
        moment += timedelta(minutes=15)
    return moment


@dataclass
class Heap:
    """Points that were earned together, in the model."""

    owner: str
    source: str
    arrives: datetime
    expires: datetime
    left: int
    worth: int  # what refunds may still claim
    ended: int = 0
    owed: int = 0
    first_end: datetime | None = None


@dataclass
class Model:
    """The rules once more, in the simplest words: heaps of points, and what was bought with which."""

    rules: Rules
    heaps: list[Heap] = field(default_factory=list)
    bought: dict[str, tuple[str, int, str, list[tuple[Heap, int]]]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    asked_at: dict[str, datetime] = field(default_factory=dict)
    owed: Counter[str] = field(default_factory=Counter)

    def payers(self, who: str, now: datetime) -> list[Heap]:
        mine = [h for h in self.heaps if h.owner == who and h.arrives <= now < h.expires and h.left]
        return sorted(mine, key=lambda heap: heap.expires)

    def available(self, who: str, now: datetime) -> int:
        return sum(heap.left for heap in self.payers(who, now))

    def held(self, who: str) -> int:
        return sum(price for owner, price, state, _ in self.bought.values() if owner == who and state == "held")

    def pay(self, heaps: list[Heap], points: int) -> list[tuple[Heap, int]]:
        shares = []
        for heap in heaps:
            share = min(heap.left, points)
            heap.left -= share
            points -= share
            shares.append((heap, share))
        return [(heap, share) for heap, share in shares if share]

    def do(self, command: Command) -> str:
        """What the ledger should answer, in one word."""
        now = command.at
        for heap in self.heaps:
            if heap.expires <= now:
                heap.ended += heap.left
                heap.left = 0
        match command:
            case Earn():
                days = self.rules.earning.arrive_after_days
                arrives = end_of_day(now, days - 1, self.rules) if days else now
                expires = end_of_day(now, self.rules.expiry.after_days or 0, self.rules)
                heap = Heap(command.participant, command.source, arrives, expires, command.points, command.points)
                self.heaps.append(heap)
                self.collect(heap)
                return "earned"
            case Refund():
                return self.refund(command)
            case Redeem():
                return self.redeem(command)
            case Cancel():
                return self.cancel(command)
            case Scan():
                return self.scan(command)

    def collect(self, heap: Heap) -> None:
        own = min(heap.owed, heap.left)
        others = min(self.owed[heap.owner], heap.left - own)
        heap.left -= own + others
        heap.owed -= own
        self.owed[heap.owner] -= others

    def refund(self, command: Refund) -> str:
        own = [h for h in self.heaps if h.owner == command.participant and h.source == command.purchase]
        if not own:
            return "took 0"
        [heap] = own
        asked = min(command.points, heap.worth)
        heap.worth -= asked
        taken = sum(share for _, share in self.pay(own, asked))
        gone = min(heap.ended, asked - taken)
        heap.ended -= gone
        others = [h for h in self.payers(command.participant, command.at) if h is not heap]
        on_the_way = [h for h in self.heaps if h.owner == command.participant and h.arrives > command.at]
        others += sorted((h for h in on_the_way if h is not heap), key=lambda h: h.arrives)
        taken += sum(share for _, share in self.pay(others, asked - taken - gone))
        if self.rules.refunds is RefundPolicy.NEVER_BELOW_ZERO:
            self.owed[command.participant] += asked - taken - gone
        else:
            heap.owed += asked - taken - gone
        return f"took {taken}"

    def redeem(self, command: Redeem) -> str:
        price = {"mug": 20, "card": 30}.get(command.reward)
        if price is None or self.available(command.participant, command.at) < price:
            return "declined"
        shares = self.pay(self.payers(command.participant, command.at), price)
        state = "held" if command.reward == "card" else "captured"
        self.bought[command.redemption] = (command.participant, price, state, shares)
        self.asked_at[command.redemption] = command.at
        return "redeemed"

    def scan(self, command: Scan) -> str:
        assert command.voucher is not None
        redemption = f"r{int.from_bytes(command.voucher, 'big')}"
        if redemption not in self.bought:
            return "not_a_voucher"
        owner, price, state, shares = self.bought[redemption]
        if state == "released" or redemption in self.used:
            return "not_a_voucher"
        self.used.add(redemption)
        self.bought[redemption] = (owner, price, "captured", shares)
        return "accepted"

    def cancel(self, command: Cancel) -> str:
        owner, price, state, shares = self.bought.get(command.redemption, ("", 0, "", []))
        if owner != command.participant or state == "released" or command.redemption in self.used:
            return "declined"
        for heap, share in shares:
            asked_at = self.asked_at[command.redemption]
            if heap.expires <= command.at and not (heap.first_end and asked_at >= heap.first_end):
                heap.first_end = heap.first_end or heap.expires
                heap.expires = end_of_day(command.at, self.rules.expiry.grace_days, self.rules)
            heap.left += share
            self.collect(heap)
        self.bought[command.redemption] = (owner, price, "released", [])
        return "redeemed"


def told(outcome: Outcome) -> str:
    """An outcome in the model's word."""
    if isinstance(outcome, Scanned):
        return outcome.verdict.code.value
    return f"took {outcome.points}" if hasattr(outcome, "points") else type(outcome).__name__.lower()


@given(histories(), st.sampled_from(ALL_RULES))
def test_random_histories_end_as_the_model_says(commands: list[Command], rules: Rules) -> None:
    world, model = World(PEOPLE, rules), Model(rules)
    for command in commands:
        expected = model.do(command)
        assert [told(outcome) for outcome in world.do(command)] == [expected]
        for person in PEOPLE:
            world.do(Earn(person, "look", 0, command.at))  # so that time has done its part
            account = world.account(person)
            assert account.available == model.available(person, command.at)
            assert account.held == model.held(person)
            assert account.owed == model.owed[person]


@given(histories(("mug", "card", "silver-only", "twice")), st.data())
def test_it_does_not_matter_in_which_batches_commands_arrive(commands: list[Command], data: st.DataObject) -> None:
    one_by_one, batched = World(PEOPLE), World(PEOPLE)
    expected = [outcome for command in commands for outcome in one_by_one.do(command)]
    outcomes: list[Outcome] = []
    rest = commands
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        outcomes += batched.do(*rest[:size])
        rest = rest[size:]
    assert outcomes == expected
    assert batched.postings == one_by_one.postings
    assert batched.snapshot.redemptions == one_by_one.snapshot.redemptions


@given(histories(), st.sampled_from(ALL_RULES))
def test_every_balance_is_the_sum_of_its_postings_and_of_its_lots_and_never_below_zero(
    commands: list[Command], rules: Rules
) -> None:
    world = World(PEOPLE, rules)
    world.do(*commands)
    assert all(posting.moves.total() == 0 for posting in world.postings)
    for person in PEOPLE:
        account = world.account(person)
        mine = [posting for posting in world.postings if posting.participant == person]
        assert account.available == sum(posting.moves.available for posting in mine) >= 0
        assert account.held == sum(posting.moves.held for posting in mine) >= 0
        assert account.pending == sum(posting.moves.pending for posting in mine) >= 0
        assert sum(lot.remaining for lot in account.lots.values()) == account.available + account.pending
        assert all(0 <= lot.remaining <= lot.points for lot in account.lots.values())
        moved: Counter[int] = Counter()
        for posting in mine:
            moved.update(dict(posting.lots))
        remaining = Counter({lot.number: lot.remaining for lot in account.lots.values()})
        assert +moved == +remaining and min(moved.values(), default=0) >= 0


@given(histories())
def test_deciding_leaves_the_snapshot_as_it_was(commands: list[Command]) -> None:
    world = World(PEOPLE)
    before = world.snapshot
    accounts = dict(before.accounts)
    world.do(*commands)
    assert before.accounts == accounts and before.redemptions == {} and before.vouchers == {}


def test_released_points_go_back_into_their_own_lots() -> None:
    world = World(PEOPLE)
    later = START + timedelta(days=1)
    world.do(Earn("amina", "p1", 20, START), Earn("amina", "p2", 20, later))
    ends = [lot.expires_at for lot in world.account("amina").lots.values()]
    [redeemed] = world.do(Redeem("amina", "r1", "card", later, voucher=voucher(1)))
    assert isinstance(redeemed, Redeemed) and redeemed.redemption.paid_by == ((1, 20), (2, 10))
    assert (world.account("amina").available, world.account("amina").held) == (10, 30)
    world.do(Cancel("amina", "r1", later))
    lots = world.account("amina").lots.values()
    assert [lot.remaining for lot in lots] == [20, 20] and [lot.expires_at for lot in lots] == ends
    assert (world.account("amina").available, world.account("amina").held) == (40, 0)


def test_points_that_expired_while_they_were_held_come_back_for_the_days_of_grace() -> None:
    world = World(PEOPLE)
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "card", START, voucher=voucher(1)))
    back = START + timedelta(days=30)
    world.do(Cancel("amina", "r1", back))
    assert world.account("amina").available == 30
    until = end_of_day(back, RULES.expiry.grace_days, RULES)
    world.do(Earn("amina", "look", 0, until - timedelta(microseconds=1)))
    assert world.account("amina").available == 30
    world.do(Earn("amina", "look", 0, until))
    assert world.account("amina").available == 0


def test_a_scan_captures_what_was_held() -> None:
    world = World(PEOPLE)
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "card", START, voucher=voucher(1)))
    [scanned] = world.do(Scan("s1", "till", 7, (), "", voucher(1).code, voucher(1).id, START))
    assert isinstance(scanned, Scanned) and scanned.verdict.code is VoucherCode.ACCEPTED
    assert world.account("amina").held == 0 and world.postings[-1].moves.burned == 30
    assert world.snapshot.redemptions["r1"].state is RedemptionState.CAPTURED


def test_nobody_can_cancel_what_is_anothers() -> None:
    world = World(PEOPLE)
    world.do(Earn("amina", "p1", 30, START), Redeem("amina", "r1", "card", START, voucher=voucher(1)))
    assert world.do(Cancel("basil", "r1", START)) == [Declined(RedemptionRefusal.NOT_FOUND)]


def test_points_earned_earlier_in_the_batch_count_for_the_tier_and_later_ones_do_not() -> None:
    world = World(PEOPLE)
    too_early, in_time = world.do(
        Earn("amina", "p1", 59, START),
        Redeem("amina", "r1", "silver-only", START + timedelta(hours=1)),
        Earn("amina", "p2", 1, START + timedelta(hours=2)),
        Redeem("amina", "r2", "silver-only", START + timedelta(hours=3)),
    )[1::2]
    assert isinstance(too_early, Declined) and too_early.reason is RedemptionRefusal.TIER_TOO_LOW
    assert isinstance(in_time, Redeemed)


def test_what_is_had_in_one_batch_counts_for_the_limit() -> None:
    world = World(PEOPLE)
    world.do(Earn("amina", "p1", 30, START))
    outcomes = world.do(*(Redeem("amina", f"r{n}", "twice", START) for n in range(3)))
    assert [type(outcome) for outcome in outcomes] == [Redeemed, Redeemed, Declined]


def test_points_of_more_than_a_year_ago_count_for_no_tier_even_in_one_batch() -> None:
    world = World(PEOPLE, replace(RULES, expiry=Expiry(None)))
    _, asked = world.do(
        Earn("amina", "p1", 60, START - timedelta(days=366)), Redeem("amina", "r1", "silver-only", START)
    )
    assert isinstance(asked, Declined) and asked.reason is RedemptionRefusal.TIER_TOO_LOW


def test_what_is_given_back_in_a_batch_can_be_had_again_in_it() -> None:
    world = World(PEOPLE)
    world.do(Earn("amina", "p1", 30, START))
    world.do(*(Redeem("amina", f"r{n}", "twice", START, voucher=voucher(n)) for n in range(2)))
    outcomes = world.do(Cancel("amina", "r0", START), *(Redeem("amina", f"r{n}", "twice", START) for n in (2, 3)))
    assert [type(outcome) for outcome in outcomes] == [Redeemed, Redeemed, Declined]


SLICED = [RewardTerms("few", 1, stocked=True, value_class=ValueClass.A)]
MANY = [f"person-{number}" for number in range(8)]


@given(
    st.lists(st.integers(0, 4), min_size=8, max_size=8),
    st.lists(st.sampled_from(MANY), max_size=40),
    st.integers(1, 40),
)
def test_stock_is_never_oversold_and_sold_to_its_last_piece_wherever_it_lies(
    slices: list[int], wanting: list[str], batch: int
) -> None:
    world = World(MANY, rewards=SLICED)
    world.snapshot = replace(world.snapshot, stock={"few": dict(enumerate(slices))})
    world.do(*(Earn(person, f"p-{person}", 100, START) for person in MANY))
    outcomes: list[Outcome] = []
    for start in range(0, len(wanting), batch):
        part = enumerate(wanting[start : start + batch], start)
        outcomes += world.do(*(Redeem(person, f"r{number}", "few", START) for number, person in part))
    sold = sum(isinstance(outcome, Redeemed) for outcome in outcomes)
    left = world.snapshot.stock["few"].values()
    assert sold == min(len(wanting), sum(slices))
    assert sum(left) == sum(slices) - sold and min(left) >= 0
    assert all(o.reason is RedemptionRefusal.OUT_OF_STOCK for o in outcomes if isinstance(o, Declined))
