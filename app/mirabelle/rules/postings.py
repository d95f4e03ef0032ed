"""Double entry: accounts, the postings that change them, and the chain that makes a changed posting visible."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring_ascii as _quoted
from types import MappingProxyType
from typing import Final, NamedTuple

from mirabelle.rules.lots import Lot

FIRST_DIGEST: Final = bytes(32)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class PostingKind(StrEnum):
    """What a posting does."""

    ACCRUAL = "accrual"
    ARRIVAL = "arrival"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    REVERSAL = "reversal"
    BURN = "burn"
    EXPIRY = "expiry"
    CLAWBACK = "clawback"
    REINSTATEMENT = "reinstatement"
    EXTENSION = "extension"
    TRANSFER = "transfer"
    LOST = "lost"


class Moves(NamedTuple):
    """The change of each account; a participant's first three, then the programme's. They sum to zero."""

    available: int = 0
    held: int = 0
    pending: int = 0
    issued: int = 0
    burned: int = 0
    expired: int = 0
    adjusted: int = 0
    offline_loss: int = 0

    def total(self) -> int:
        """The sum over all accounts: zero, or the posting is wrong."""
        return sum(self)


LotShares = tuple[tuple[int, int], ...]


class Posting(NamedTuple):
    """One entry of a participant's history. `lots` says how many points each lot got (or gave, negative).

    It names a person by id only, so that deleting an account erases the person and leaves the arithmetic. A transfer
    has one in each of two histories, under one `source`, and what one adjusts the other adjusts back.
    """

    participant: str
    sequence: int
    at: datetime
    kind: PostingKind
    source: str
    reward: str | None
    moves: Moves
    lots: LotShares
    previous: bytes
    digest: bytes = b""

    def expected_digest(self) -> bytes:
        """SHA-256 over the previous posting's digest and everything this posting says."""
        # Compact JSON, put together by hand: it is the largest part of what a posting costs.
        at = (self.at if self.at.tzinfo is UTC else self.at.astimezone(UTC)).isoformat(timespec="microseconds")
        reward = "null" if self.reward is None else _quoted(self.reward)
        moves = ",".join(map(str, self.moves))
        lots = ",".join([f"[{number},{points}]" for number, points in self.lots])
        said = (
            f'[{_quoted(self.participant)},{self.sequence},"{at}","{self.kind}",{_quoted(self.source)},{reward},'
            f"[{moves}],[{lots}]]"
        )
        return hashlib.sha256(self.previous + said.encode()).digest()


_NO_LOTS: Final[Mapping[int, Lot]] = MappingProxyType({})


class Account(NamedTuple):
    """A participant's points. `lots` holds at least every lot with something left.

    `owed` is what refunds could not take back, and points that come in pay first. `active_at` is when the participant
    last earned or spent, `tier` what the last nightly close left. Nothing arrives or expires before `quiet_until`; None
    means that the lots must be looked at.
    """

    participant: str
    available: int = 0
    held: int = 0
    pending: int = 0
    owed: int = 0
    sequence: int = 0
    digest: bytes = FIRST_DIGEST
    next_lot: int = 1
    active_at: datetime | None = None
    tier: str = ""
    lots: Mapping[int, Lot] = _NO_LOTS
    quiet_until: datetime | None = None

    def with_lots(self, changed: Iterable[Lot]) -> "Account":
        """The account with `changed` lots in place of what they were, or added."""
        lots = dict(self.lots)
        next_lot, quiet_until = self.next_lot, self.quiet_until
        for lot in changed:
            lots[lot.number] = lot
            if lot.number >= next_lot:
                next_lot = lot.number + 1
            if quiet_until is not None:
                quiet_until = min(quiet_until, _next_change(lot))
        return Account(*self[:7], next_lot, *self[8:10], lots, quiet_until)


class Entry(NamedTuple):
    """What is to be posted, before it has its place in a participant's history."""

    at: datetime
    kind: PostingKind
    source: str
    moves: Moves
    lots: LotShares = ()
    reward: str | None = None


def post(account: Account, entry: Entry, changed: Iterable[Lot] = ()) -> tuple[Account, Posting]:
    """Append `entry` to the account's history; `changed` are its lots as they are afterwards.

    A balance below zero, or moves that do not sum to zero, are faults of the caller: AssertionError.
    """
    moves = entry.moves
    assert moves.total() == 0, f"a posting's moves must sum to zero: {entry}"
    at, kind, source, _, lots, reward = entry
    after = account.with_lots(changed)
    said = (after.participant, after.sequence + 1, at, kind, source, reward, moves, lots, after.digest)
    digest = Posting(*said).expected_digest()
    balances = (after.available + moves.available, after.held + moves.held, after.pending + moves.pending)
    assert min(balances) >= 0, f"a balance fell below zero: {entry}"
    said_by = (after.participant, *balances, after.owed, after.sequence + 1, digest)
    return Account(*said_by, *after[7:]), Posting(*said, digest)


def _next_change(lot: Lot) -> datetime:
    """The moment from which time alone changes the lot, once more at least."""
    if lot.remaining == 0:
        return _NEVER
    return min(lot.available_at or _NEVER, lot.expires_at or _NEVER)


def settle(account: Account, now: datetime) -> tuple[Account, list[Posting]]:
    """Post what time alone has done by `now`: points that arrived and lots that expired, each at its own moment."""
    if account.quiet_until is not None and now < account.quiet_until:
        return account, []
    due, quiet_until = _due(account.lots.values(), now)
    postings: list[Posting] = []
    for at, expires, number in due:
        lot = account.lots[number]
        if lot.remaining == 0:
            continue  # it expired before it arrived
        account, posting = (expire if expires else _arrive)(account, lot, at)
        postings.append(posting)
    return Account(*account[:-1], quiet_until), postings


def _due(lots: Iterable[Lot], now: datetime) -> tuple[list[tuple[datetime, bool, int]], datetime]:
    """The moments by `now` at which lots arrive or, where it says so, expire, in order; and the next one after it."""
    due: list[tuple[datetime, bool, int]] = []
    quiet_until = _NEVER
    for lot in lots:
        if lot.remaining == 0:
            continue
        arrives, ends = lot.available_at, lot.expires_at
        if arrives is not None:
            if arrives <= now:
                due.append((arrives, False, lot.number))
            elif arrives < quiet_until:
                quiet_until = arrives
        if ends is not None:
            if ends <= now:
                due.append((ends, True, lot.number))
            elif ends < quiet_until:
                quiet_until = ends
    return sorted(due), quiet_until


def _arrive(account: Account, lot: Lot, at: datetime) -> tuple[Account, Posting]:
    moves = Moves(pending=-lot.remaining, available=lot.remaining)
    arrived = lot._replace(available_at=None, arrived_at=at)
    return post(account, Entry(at, PostingKind.ARRIVAL, lot.source, moves), [arrived])


def expire(account: Account, lot: Lot, at: datetime) -> tuple[Account, Posting]:
    """Post that what is left of `lot` ended at `at`."""
    moves = move_out(lot, lot.remaining)._replace(expired=lot.remaining)
    entry = Entry(at, PostingKind.EXPIRY, lot.source, moves, ((lot.number, -lot.remaining),))
    return post(account, entry, [lot._replace(remaining=0, expired=lot.expired + lot.remaining)])


def move_out(lot: Lot, points: int) -> Moves:
    """The participant's side of `points` that leave `lot`: from what is pending until they have arrived."""
    return Moves(pending=-points) if lot.available_at is not None else Moves(available=-points)


def accrue(account: Account, lot: Lot, at: datetime) -> tuple[Account, Posting]:
    """Post the points of a new lot, as pending where they arrive later than `at`."""
    pending = not lot.has_arrived(at)
    if not pending and lot.available_at is not None:
        lot = lot._replace(available_at=None)
    moves = Moves(available=0 if pending else lot.points, pending=lot.points if pending else 0, issued=-lot.points)
    entry = Entry(at, PostingKind.ACCRUAL, lot.source, moves, ((lot.number, lot.points),))
    return post(account, entry, [lot])


def lots_after(lots: Mapping[int, Lot], shares: Iterable[tuple[int, int]]) -> list[Lot]:
    """The named lots after each got its share (negative: gave)."""
    return [lots[number]._replace(remaining=lots[number].remaining + points) for number, points in shares]
