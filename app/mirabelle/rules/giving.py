"""Vouchers that change hands: once, for good, and dead for whoever held them before."""

from dataclasses import replace

from mirabelle.rules.book import Book
from mirabelle.rules.commands import Declined, Give, Redeemed
from mirabelle.rules.redemption import VoucherRecord, VoucherState
from mirabelle.rules.refusals import RedemptionRefusal


def give(book: Book, command: Give) -> Redeemed | Declined:
    """Hand a voucher that can still be used to another participant; what was paid for it stays the giver's history."""
    voucher = book.voucher(command.voucher)
    if voucher is None or command.participant not in (voucher.participant, voucher.holder):
        return Declined(RedemptionRefusal.NOT_FOUND)
    refusals = (
        (voucher.given_to is not None, RedemptionRefusal.ALREADY_GIVEN),
        (not _is_good(book, voucher, command), RedemptionRefusal.VOUCHER_OVER),
        (
            command.recipient == command.participant or command.recipient not in book.snapshot.accounts,
            RedemptionRefusal.NO_SUCH_RECIPIENT,
        ),
    )
    reason = next((reason for failed, reason in refusals if failed), None)
    record = book.redemption(voucher.redemption)
    if reason is not None or record is None:
        return Declined(reason or RedemptionRefusal.NOT_FOUND)
    voucher = replace(
        voucher,
        given_to=command.recipient,
        given_at=command.at,
        code=command.code,
        holder_key=command.holder_key,
        key_salt=command.gift,
        epoch_base=voucher.epoch,
        epoch=voucher.epoch + 1,
        epoch_at=command.at,
    )
    book.changes.vouchers[voucher.id] = voucher
    account = book.account(command.participant, command.at)
    first, *others = book.vouchers_of(record)
    return Redeemed(record, first, [account.lots[number] for number, _ in record.paid_by], others=others)


def _is_good(book: Book, voucher: VoucherRecord, command: Give) -> bool:
    """Whether it can still be used."""
    is_ready = voucher.state is VoucherState.READY and voucher.blocked_at is None and book.use(voucher) is None
    return is_ready and command.at < voucher.expires_at
