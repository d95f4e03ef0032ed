"""How points come in, change hands and end: purchases, refunds, transfers, extensions and the nightly close."""

from datetime import datetime

from mirabelle.rules.book import Book
from mirabelle.rules.commands import (
    Close,
    Closed,
    Declined,
    Earn,
    Earned,
    Extend,
    Extended,
    Refund,
    Refunded,
    Transfer,
    Transferred,
)
from mirabelle.rules.lots import Lot, spendable, take
from mirabelle.rules.postings import Account, Entry, Moves, PostingKind, accrue, lots_after, settle
from mirabelle.rules.programme import RefundPolicy, Rules, standing
from mirabelle.rules.refusals import RedemptionRefusal


def earn(book: Book, command: Earn) -> Earned:
    """Make a lot; what is owed is taken from it at once."""
    account = book.account(command.participant, command.at)
    if command.points == 0:
        return Earned(None)
    lot = Lot(
        number=account.next_lot,
        earned_at=command.at,
        available_at=book.rules.available_at(command.at),
        expires_at=book.rules.expires_at(command.at),
        points=command.points,
        remaining=command.points,
        source=command.source,
        policy_version=book.rules.version,
        renew_days=book.rules.renew_days,
    )
    account, posting = accrue(account, lot, command.at)
    book.keep(account, posting)
    account = book.collect(account, [lot.number], command.at)
    account = book.renew(account, command.at)
    return Earned(account.lots[lot.number])


def refund(book: Book, command: Refund) -> Refunded:
    """Take back what a purchase earned: from its own lot, then from others; what expired is gone already."""
    account = book.account(command.participant, command.at)
    own = next((lot for lot in account.lots.values() if lot.source == command.purchase and not lot.transferred), None)
    if own is None:
        return Refunded(0)
    missing = asked = min(command.points, own.points - own.refunded)
    at = max(command.at, own.earned_at)  # a till whose clock is slow
    account = book.account(command.participant, at)
    own = account.lots[own.number]._replace(refunded=own.refunded + asked)
    of = (at, command.source)
    share = min(own.remaining + own.expired_since(at), missing)
    if share:
        account = book.claw_back(account, own, share, of)
        own = account.lots[own.number]
        missing -= share
    gone = min(own.expired, missing)
    own = own._replace(expired=own.expired - gone)
    missing -= gone
    account = account.with_lots([own])
    for lot in [*spendable(account.lots.values(), at), *_pending(account, at)]:
        share = min(lot.remaining if lot.available_at else lot.spendable(at), missing)
        if share and lot.number != own.number:
            account = book.claw_back(account, lot, share, of)
            missing -= share
    account = _owe(book, account, own, missing)
    book.keep(account)
    return Refunded(asked - missing - gone, missing)


def _pending(account: Account, at: datetime) -> list[Lot]:
    """The lots earned by `at` whose points have not arrived, the first to arrive first."""
    lots = [lot for lot in account.lots.values() if lot.available_at and lot.remaining and lot.earned_at <= at]
    return sorted(lots, key=lambda lot: (lot.available_at, lot.number))


def _owe(book: Book, account: Account, own: Lot, missing: int) -> Account:
    """Note what a refund could not take: by the lot, as the points may come back to it, or by the account."""
    by_account = min(missing, own.given)  # these are another's now, and never come back to the lot
    own = own._replace(given=own.given - by_account)
    if book.rules.refunds is RefundPolicy.NEVER_BELOW_ZERO:
        by_account = missing
    own = own._replace(owed=own.owed + missing - by_account)
    return account.with_lots([own])._replace(owed=account.owed + by_account)


def transfer(book: Book, command: Transfer) -> Transferred | Declined:
    """Move points from one participant's lots into another's, as one posting with an end in each history."""
    rules = book.rules.transfers
    account = book.account(command.participant, command.at)
    shares = take(account.lots.values(), command.points, command.at)
    refusals = (
        (not rules.allowed, RedemptionRefusal.TRANSFERS_NOT_ALLOWED),
        (
            command.recipient == command.participant or command.recipient not in book.snapshot.accounts,
            RedemptionRefusal.NO_SUCH_RECIPIENT,
        ),
        (command.points < rules.from_points, RedemptionRefusal.TOO_FEW_POINTS),
        (shares is None, RedemptionRefusal.NOT_ENOUGH_POINTS),
    )
    reason = next((reason for failed, reason in refusals if failed), None)
    if reason is not None or shares is None:
        available = sum(lot.spendable(command.at) for lot in account.lots.values())
        return Declined(reason or RedemptionRefusal.NOT_ENOUGH_POINTS, None, available)
    given = tuple((number, -points) for number, points in shares)
    moves = Moves(available=-command.points, adjusted=command.points)
    entry = Entry(command.at, PostingKind.TRANSFER, command.transfer, moves, given)
    account = book.bring_back(account, tuple(shares))
    left = [account.lots[number]._replace(given=account.lots[number].given + points) for number, points in shares]
    account = account.with_lots(left)
    account = book.post(account, entry, lots_after(account.lots, given))
    _receive(book, command, [account.lots[number]._replace(points=points) for number, points in shares])
    return Transferred(command.transfer, command.points, account.available)


def _receive(book: Book, command: Transfer, given: list[Lot]) -> None:
    """The recipient's lots are as old as the giver's, so that giving points renews nothing."""
    account = book.account(command.recipient, command.at)
    lots = [
        lot._replace(
            number=account.next_lot + step,
            remaining=lot.points,
            source=command.transfer,
            arrived_at=command.at,
            expired=0,
            refunded=0,
            owed=0,
            given=0,
            returned=0,
            returned_at=None,
            transferred=True,
        )
        for step, lot in enumerate(given)
    ]
    got = tuple((lot.number, lot.points) for lot in lots)
    moves = Moves(available=command.points, adjusted=-command.points)
    entry = Entry(command.at, PostingKind.TRANSFER, command.transfer, moves, got)
    account = book.post(account, entry, lots)
    book.collect(account, [number for number, _ in got], command.at)


def lots_to_extend(account: Account, rules: Rules, now: datetime) -> list[Lot]:
    """The settled account's lots that the programme's extension would give more time, as they would be then."""
    rule = rules.extension
    if rule is None or account.active_at is None:
        return []
    if account.active_at < rules.end_of_day(now, -rule.active_within_days - 1):
        return []
    last = rules.end_of_day(now, rule.ending_within_days)
    today = rules.end_of_day(now, -1)  # an extension that was cut off and is done again extends nothing twice
    return [
        lot._replace(
            expires_at=rules.end_of_day(lot.expires_at, rule.days - 1), extensions=lot.extensions + 1, extended_at=now
        )
        for lot in account.lots.values()
        if lot.remaining
        and lot.expires_at
        and now < lot.expires_at <= last
        and lot.extensions < rule.times
        and not (lot.extended_at and lot.extended_at >= today)
    ]


def extend(book: Book, command: Extend) -> Extended:
    """Give more time to what the programme's extension rescues, if anything."""
    account = book.account(command.participant, command.at)
    lots = lots_to_extend(account, book.rules, command.at)
    if lots:
        entry = Entry(command.at, PostingKind.EXTENSION, "", Moves(), tuple((lot.number, 0) for lot in lots))
        book.post(account, entry, lots)
    return Extended(lots)


def close(book: Book, command: Close) -> Closed:
    """Post what time alone did by the end of a day, then take the tier that the day leaves the participant in."""
    account = book.changes.accounts.get(command.participant) or book.snapshot.accounts[command.participant]
    account, postings = settle(account, command.at)
    tier = standing(book.earned_in_period(account, command.at), book.rules.tiers).tier
    tier_id = tier.id if tier else ""
    changed = tier_id != account.tier
    if postings or changed:
        book.keep(account._replace(tier=tier_id), *postings)
    return Closed(
        arrived=sum(posting.moves.available for posting in postings if posting.kind is PostingKind.ARRIVAL),
        expired=sum(posting.moves.expired for posting in postings),
        tier_changed=changed,
    )
