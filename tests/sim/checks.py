"""What must hold after every batch: the tables say what the model says, and they add up by themselves."""

import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from mirabelle.rules.postings import Moves, Posting, PostingKind
from mirabelle.server.services.audit import Audit
from tests.sim.heaps import Bought, Heap, Person
from tests.sim.model import Model

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BALANCES = ("available", "held", "pending")


class Disagreement(Exception):
    """The ledger and the model say different things, or the ledger contradicts itself."""


def agree(what: str, expected: object, found: object) -> None:
    """Raise Disagreement where `found` is not what the model says."""
    if expected != found:
        raise Disagreement(f"{what}: expected {expected}, found {found}")


def _number(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND


def _person(person: Person) -> tuple[Any, ...]:
    return person.available(), person.held, person.pending(), person.owed, person.tier, _number(person.active)


def _heap(heap: Heap) -> tuple[Any, ...]:
    return (
        heap.number, heap.source, heap.points, heap.left, heap.ended, heap.refunded, heap.owed, heap.version,
        _number(heap.earned), _number(heap.expires), heap.extended, heap.transferred, heap.given, heap.back,
        _number(heap.back_at), _number(heap.first_end), _number(heap.extended_at),
    )  # fmt: skip


_HEAPS = (
    "SELECT participant, number, source, points, remaining, expired, refunded, owed, policy_version, earned_at,"
    " expires_at, extensions, transferred, given, returned, returned_at, ended_at, extended_at"
    " FROM lots ORDER BY participant, number"
)


def _bought(bought: Bought) -> tuple[Any, ...]:
    paid = msgspec.json.encode(bought.paid).decode()
    voucher = bought.voucher.hex() if bought.voucher else None
    return bought.id, bought.owner, bought.points, bought.state, paid, bought.returned, voucher


class Checker:
    """Reads the database beside the servers, and remembers of each history what was checked before."""

    def __init__(self, connection: sqlite3.Connection, model: Model) -> None:
        self._connection = connection
        self._model = model
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._sums: dict[str, list[int]] = {}
        self._lots: Counter[tuple[str, int]] = Counter()
        self._books: Counter[str] = Counter()
        self._rows = 0
        self._answers = 0

    def _all(self, query: str, *values: object) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def check(self) -> None:
        """Everything, after a batch."""
        self._check_people()
        self._check_bought()
        self._check_answers()
        self._check_postings()

    def _check_people(self) -> None:
        people = self._model.people
        found = self._all("SELECT participant, available, held, pending, owed, tier, active_at FROM participants")
        for name, *row in found:
            agree(f"{name}'s available, held, pending, owed, tier, active", _person(people[name]), tuple(row))
            if min(row[:4]) < 0:
                raise Disagreement(f"{name} has a balance below zero: {row}")
        heaps = [(name, *_heap(heap)) for name in sorted(people) for heap in people[name].heaps]
        if (rows := self._all(_HEAPS)) != heaps:
            for expected, row in zip(heaps, rows, strict=False):
                agree("lot", expected, row)
            agree("lots", len(heaps), len(rows))

    def _check_bought(self) -> None:
        bought = sorted(self._model.bought.values(), key=lambda one: one.id)
        rows = self._all(
            "SELECT id, participant, points, state, paid_by, returned, voucher FROM redemptions ORDER BY id"
        )
        if rows != (expected := [_bought(one) for one in bought]):
            agree("redemptions", expected, rows)
        vouchers = sorted((b.voucher.hex(), b.voucher_state, b.use, _number(b.expires)) for b in bought if b.voucher)
        agree("vouchers", vouchers, self._all('SELECT id, state, "use", expires_at FROM vouchers ORDER BY id'))
        uses = sorted((b.voucher.hex(), u.use, u.scan, u.undone) for b in bought if b.voucher for u in b.uses)
        found = self._all('SELECT voucher, "use", scan, undone_at IS NOT NULL FROM uses ORDER BY voucher, "use"')
        agree("uses", uses, found)
        money = sorted((b.voucher.hex(), b.worth, b.taken, b.held) for b in bought if b.voucher and b.worth)
        query = (
            "SELECT id, value_minor, taken_minor, held_minor FROM vouchers WHERE value_minor IS NOT NULL ORDER BY id"
        )
        agree("money on vouchers", money, self._all(query))
        self._check_tills()
        stock = self._all("SELECT reward, SUM(pieces), MIN(pieces) FROM stock GROUP BY reward")
        agree("stock", self._model.stock, {reward: pieces for reward, pieces, _ in stock})
        if any(least < 0 for _, _, least in stock):
            raise Disagreement(f"less than nothing in stock: {stock}")

    def _check_tills(self) -> None:
        """Each scan is kept once, each that came too late with both proofs at hand, and what was undone says so."""
        tills = self._model.tills
        agree("scans", sorted(tills.scans), [id_ for [id_] in self._all("SELECT id FROM scans ORDER BY id")])
        undone = self._all("SELECT id FROM scans WHERE undone_at IS NOT NULL ORDER BY id")
        agree("undone scans", sorted(tills.undone), [id_ for [id_] in undone])
        lost = [(scan, *told) for scan, told in sorted(tills.lost.items())]
        agree("conflicts", lost, self._all("SELECT scan, points, first_scan FROM conflicts ORDER BY scan"))
        doubts = "SELECT scan, doubt FROM {} WHERE doubt != ''"
        agree(
            "doubts",
            sorted(tills.doubts.items()),
            sorted(self._all(f"{doubts.format('uses')} UNION {doubts.format('conflicts')}")),
        )
        agree("bad proofs", sorted(tills.bad.items()), self._all("SELECT scan, reason FROM bad_proofs ORDER BY scan"))
        first = "first_scan IS NOT NULL AND first_scan NOT IN (SELECT scan FROM uses)"
        proven = f"SELECT scan FROM conflicts WHERE proof = '' OR {first}"
        agree("conflicts without proof", [], self._all(proven))

    def _check_answers(self) -> None:
        """What was answered is kept, under its key and with what was asked."""
        given = list(self._model.answers.items())[self._answers :]
        expected = [(*key, request, answer.encode()) for key, (request, answer) in given]
        rows = self._all(
            "SELECT actor, key, request, answer FROM answers WHERE rowid > ? ORDER BY rowid", self._answers
        )
        agree("kept answers", expected, rows)
        self._answers += len(rows)

    def _check_postings(self) -> None:
        """New postings follow from the ones before, sum to zero, and leave no balance below zero at any time."""
        rows = self._all("SELECT * FROM postings WHERE rowid > ? ORDER BY rowid", self._rows)
        self._rows += len(rows)
        for row in rows:
            self._check_posting(_posting(row))
        for name, person in self._model.people.items():
            sums = self._sums.get(name, [0, 0, 0])
            agree(f"the sums of {name}'s postings", [person.available(), person.held, person.pending()], sums)
            for heap in person.heaps:
                agree(f"{name}'s lot {heap.number} by its postings", heap.left, self._lots[name, heap.number])
        names = ("issued", "burned", "expired", "adjusted", "offline_loss")
        agree("the programme's books", [self._model.books[n] for n in names], [self._books[n] for n in names])

    def _check_posting(self, posting: Posting) -> None:
        name = posting.participant
        sequence, digest = self._heads.get(name, (0, bytes(32)))
        agree(f"the place of {posting}", (sequence + 1, digest), (posting.sequence, posting.previous))
        agree(f"the digest of {posting}", posting.expected_digest(), posting.digest)
        agree(f"the sum of {posting}", 0, sum(posting.moves))
        self._heads[name] = (posting.sequence, posting.digest)
        sums = self._sums.setdefault(name, [0, 0, 0])
        for place, balance in enumerate(_BALANCES):
            sums[place] += getattr(posting.moves, balance)
        if min(sums) < 0:
            raise Disagreement(f"a balance of {name} fell below zero: {posting}")
        self._books.update({n: getattr(posting.moves, n) for n in Moves._fields[3:]})
        for number, points in posting.lots:
            self._lots[name, number] += points

    def check_locks(self, locked: list[tuple[Any, ...]]) -> None:
        """Rows are locked in one order: two servers that lock the same can never wait for each other."""
        agree("the order of locks", sorted(locked), locked)

    def check_audit(self, audit: Audit) -> None:
        """The programme's own audit, at the end."""
        agree("the audit", (True, []), (audit.passed, audit.wrong))


def _posting(row: tuple[Any, ...]) -> Posting:
    """A row of `postings`, in the order of its columns."""
    _, participant, sequence, at, kind, source, reward, *moves, lots, previous, digest = row
    return Posting(
        participant,
        sequence,
        _EPOCH + at * _MICROSECOND,
        PostingKind(kind),
        source,
        reward,
        Moves(*moves),
        tuple((number, points) for number, points in msgspec.json.decode(lots)),
        previous,
        digest,
    )
