"""How vouchers are issued: one for each use that the reward has, each with its own id, code and holder key."""

import hashlib

from mirabelle.rules.book import Book
from mirabelle.rules.commands import Redeem
from mirabelle.rules.fallback_code import RANDOM_BYTES, make
from mirabelle.rules.redemption import NewVoucher, RewardTerms, VoucherRecord, sibling_id


def issue(book: Book, command: Redeem, terms: RewardTerms, new: NewVoucher) -> list[VoucherRecord]:
    """The vouchers of a redemption, the first one first."""
    keys = (new.holder_key, *new.more_keys)
    vouchers = [
        VoucherRecord(
            id=sibling_id(new.id, number),
            participant=command.participant,
            redemption=command.redemption,
            reward=terms.id,
            code=new.code if number == 1 else _code(new.seed, number),
            store=terms.store,
            value_class=terms.value_class,
            holder_key=key,
            key_salt=new.key_salt if number == 1 else f"{new.key_salt}/{number}",
            epoch=new.epoch,
            lease_start=command.at,
            issued_at=command.at,
            expires_at=book.rules.end_of_day(command.at, terms.valid_days),
            number=number,
            out_of=len(keys),
            value_minor=terms.balance_minor,
        )
        for number, key in enumerate(keys, start=1)
    ]
    book.changes.vouchers |= {voucher.id: voucher for voucher in vouchers}
    return vouchers


def _code(seed: bytes, number: int) -> str:
    """Whoever knows one of the codes knows none of the others: one of them may be given away."""
    return make(hashlib.sha256(b"MV1 code\0" + seed + bytes([number])).digest()[:RANDOM_BYTES])
