"""How points are spent and come back: redemptions, and every way in which a redemption ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mirabelle.rules.book import Book
from mirabelle.rules.commands import Cancel, Declined, Lapse, Redeem, Redeemed, Reverse
from mirabelle.rules.issuing import issue
from mirabelle.rules.lots import Lot, take
from mirabelle.rules.postings import Account, Entry, LotShares, Moves, PostingKind, expire, lots_after
from mirabelle.rules.redemption import (
    Asked,
    RedemptionRecord,
    RedemptionState,
    RewardTerms,
    ValueClass,
    VoucherRecord,
    VoucherState,
    refusal,
    shares_to_return,
)
from mirabelle.rules.refusals import RedemptionRefusal
from mirabelle.rules.taking import end_due_holds


def redeem(book: Book, command: Redeem) -> Redeemed | Declined:
    """Exchange points for a reward, or say why not."""
    account = book.account(command.participant, command.at)
    terms = book.snapshot.rewards.get(command.reward)
    shares = take(account.lots.values(), terms.points, command.at) if terms else None
    by_voucher = terms is not None and terms.fulfilment == "voucher"
    cell = book.slice_with_stock(command.reward, command.participant)
    available = sum(lot.spendable(command.at) for lot in account.lots.values())
    reason = refusal(
        Asked(
            terms=terms,
            agreed_points=command.agreed_points,
            details=command.details,
            at=command.at,
            # Both are looked for only where the reward asks.
            tier_points=book.tier_points(account, command.at) if terms and terms.from_points else 0,
            had_before=book.had_before(command.participant, terms.id) if terms and terms.per_participant else 0,
            in_stock=terms is not None and (not terms.stocked or cell is not None),
            available=available,
            agreed_uses=1 + len(command.voucher.more_keys) if command.voucher and by_voucher else None,
        )
    )
    if reason is not None or terms is None or shares is None:
        reason = reason or RedemptionRefusal.NOT_ENOUGH_POINTS
        if terms is not None:
            _record_declined(book, command, terms, reason)
        return Declined(reason, terms, available)
    if terms.stocked and cell is not None:
        book.change_stock(terms.id, cell, -1)
    return _pay(book, command, terms, tuple(shares), account)


def _record_declined(book: Book, command: Redeem, terms: RewardTerms, reason: RedemptionRefusal) -> None:
    book.changes.redemptions[command.redemption] = RedemptionRecord(
        id=command.redemption,
        participant=command.participant,
        reward=terms.id,
        points=terms.points,
        state=RedemptionState.DECLINED,
        at=command.at,
        refusal=reason,
    )


def _pay(book: Book, command: Redeem, terms: RewardTerms, shares: LotShares, account: Account) -> Redeemed:
    new = command.voucher if terms.fulfilment == "voucher" else None
    held = new is not None and terms.value_class is ValueClass.C
    moves = Moves(available=-terms.points, held=terms.points if held else 0, burned=0 if held else terms.points)
    kind = PostingKind.HOLD if held else PostingKind.BURN
    given = tuple((number, -points) for number, points in shares)
    entry = Entry(command.at, kind, command.redemption, moves, given, terms.id)
    account = book.renew(account, command.at)  # before the lots are empty: points may come back to them
    account = book.bring_back(account, shares)
    account = book.post(account, entry, lots_after(account.lots, given))
    vouchers = issue(book, command, terms, new) if new else []
    voucher = vouchers[0] if vouchers else None
    record = RedemptionRecord(
        id=command.redemption,
        participant=command.participant,
        reward=terms.id,
        points=terms.points,
        state=RedemptionState.HELD if held else RedemptionState.CAPTURED,
        at=command.at,
        details=_kept_details(terms, command),
        paid_by=shares,
        voucher=voucher.id if voucher else None,
        available_after=account.available,
        held_until=voucher.expires_at if voucher and held else None,
    )
    book.changes.redemptions[record.id] = record
    return Redeemed(record, voucher, [account.lots[number] for number, _ in shares], others=vouchers[1:])


def _kept_details(terms: RewardTerms, command: Redeem) -> dict[str, str]:
    """Only what the reward needs is kept: nothing personal without a purpose."""
    given = (command.details or {}).get(terms.needs)
    return {terms.needs: given} if given else {}


def cancel(book: Book, command: Cancel) -> Redeemed | Declined:
    """A participant gives a redemption up: all of its points go back, if no voucher of it was used."""
    record = book.redemption(command.redemption)
    if record is None or record.participant != command.participant:
        return Declined(RedemptionRefusal.NOT_FOUND)
    vouchers = [end_due_holds(book, voucher, command.at) for voucher in book.vouchers_of(record)]
    if not _is_cancellable(record, vouchers, command.at):
        return Declined(RedemptionRefusal.NOT_CANCELLABLE)
    return _give_back(book, record, record.points - record.returned, command.at, VoucherState.CANCELLED)


def _is_cancellable(record: RedemptionRecord, vouchers: Sequence[VoucherRecord], now: datetime) -> bool:
    """Held points can come back; captured ones while all their vouchers could still be used, and none was."""
    if any(voucher.given_to is not None for voucher in vouchers):
        return False  # it is not the payer's any more, and its points never were the holder's
    if any(voucher.blocked_at is not None for voucher in vouchers):
        return False  # whoever blocked it decides about its points as well
    if any(voucher.taken_minor or voucher.held_minor for voucher in vouchers):
        return False  # some of its money is spent, or about to be
    if record.state is RedemptionState.HELD:
        return True
    unused = [voucher.state is VoucherState.READY and voucher.expires_at > now for voucher in vouchers]
    return record.state is RedemptionState.CAPTURED and bool(unused) and all(unused)


def lapse(book: Book, command: Lapse) -> Redeemed | Declined:
    """Held points go back when their time is over."""
    record = book.redemption(command.redemption)
    if record is None or record.participant != command.participant:
        return Declined(RedemptionRefusal.NOT_FOUND)
    if record.state is not RedemptionState.HELD or record.held_until is None or command.at < record.held_until:
        return Declined(RedemptionRefusal.NOT_CANCELLABLE)
    return _give_back(book, record, record.points - record.returned, command.at, VoucherState.LAPSED)


def reverse(book: Book, command: Reverse) -> Redeemed | Declined:
    """The operator gives points of a captured redemption back, whether its voucher was used or not."""
    record = book.redemption(command.redemption)
    if record is None or record.participant != command.participant:
        return Declined(RedemptionRefusal.NOT_FOUND)
    if record.state is not RedemptionState.CAPTURED:
        return Declined(RedemptionRefusal.NOT_CANCELLABLE)
    left = record.points - record.returned
    points = left if command.points is None else command.points
    if points > left:
        return Declined(RedemptionRefusal.MORE_THAN_PAID)
    return _give_back(book, record, points, command.at, VoucherState.CANCELLED)


def _give_back(
    book: Book, record: RedemptionRecord, points: int, at: datetime, voucher_becomes: VoucherState
) -> Redeemed:
    """Return `points` to the lots that paid them; with the last of them the vouchers that were not used end."""
    account = book.account(record.participant, at)
    shares = shares_to_return(record, points)
    held = record.state is RedemptionState.HELD
    moves = Moves(available=points, held=-points if held else 0, burned=0 if held else -points)
    kind = PostingKind.RELEASE if held else PostingKind.REVERSAL
    entry = Entry(at, kind, record.id, moves, shares, record.reward)
    back = [_with_back(book, account, account.lots[number], share, (record, at)) for number, share in shares]
    account = book.post(account, entry, back)
    numbers = [number for number, _ in shares]
    account = book.collect(account, numbers, at)
    account = _end_again(book, account, numbers, at)
    ends = record.returned + points == record.points
    record = replace(
        record,
        state=RedemptionState.RELEASED if ends else record.state,
        returned=record.returned + points,
        available_after=account.available,
        held_until=None if ends else record.held_until,
    )
    book.changes.redemptions[record.id] = record
    vouchers = book.vouchers_of(record)
    if ends:
        vouchers = [end_due_holds(book, voucher, at, every=True) for voucher in vouchers]
        vouchers = _end(book, record, vouchers, voucher_becomes)
    first = vouchers[0] if vouchers else None
    return Redeemed(record, first, [account.lots[number] for number in numbers], points, vouchers[1:])


def _end(
    book: Book, record: RedemptionRecord, vouchers: Sequence[VoucherRecord], becomes: VoucherState
) -> list[VoucherRecord]:
    """End what was not used; where nothing was, the piece goes back into stock."""
    ended = [replace(v, state=becomes) if v.state is VoucherState.READY else v for v in vouchers]
    changed = [after for after, before in zip(ended, vouchers, strict=True) if after is not before]
    book.changes.vouchers |= {voucher.id: voucher for voucher in changed}
    untouched = bool(changed) and len(changed) == len(ended) and not any(voucher.taken_minor for voucher in ended)
    terms = book.snapshot.rewards.get(record.reward)
    if untouched and terms is not None and terms.stocked:
        book.change_stock(terms.id, book.snapshot.cells.get(record.participant, 0), 1)
    return ended


def _with_back(book: Book, account: Account, lot: Lot, points: int, of: tuple[RedemptionRecord, datetime]) -> Lot:
    """The lot after it got `points` back at a time from a redemption that they had paid.

    A lot that expired while its points were away gets the days of grace, but not for points that had come back once
    before they paid: no coming and going renews them for ever.
    """
    record, at = of
    until = book.renewed_until(account, lot, account.active_at) if account.active_at else None
    lot = lot._replace(
        remaining=lot.remaining + points,
        expires_at=until or lot.expires_at,
        returned=lot.returned + points,
        returned_at=at,
    )
    if not lot.has_expired(at) or (lot.ended_at is not None and record.at >= lot.ended_at):
        return lot
    return lot._replace(expires_at=book.rules.reinstated_until(at), ended_at=lot.ended_at or lot.expires_at)


def _end_again(book: Book, account: Account, numbers: Sequence[int], at: datetime) -> Account:
    """Points that came back to a lot which ended for good end with it."""
    for number in numbers:
        lot = account.lots[number]
        if lot.remaining and lot.has_expired(at):
            account, posting = expire(account, lot, at)
            book.keep(account, posting)
    return account
