"""Leaving the programme: what stands in the way, what is lost, and what becomes of points and vouchers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from mirabelle.rules.postings import Account, Entry, Moves, Posting, PostingKind, expire, post, settle
from mirabelle.rules.redemption import RedemptionRecord, RedemptionState, VoucherRecord, VoucherState
from mirabelle.rules.refusals import Obstacle


@dataclass(frozen=True, slots=True)
class Belongings:
    """All of a participant that leaving touches: the account, the redemptions that hold points, and the vouchers that
    the participant paid for or was given."""

    account: Account
    held: Sequence[RedemptionRecord]
    vouchers: Sequence[VoucherRecord]


class Losses(NamedTuple):
    """What leaving costs: points, those on their way among them, and the vouchers that could still be used."""

    points: int
    vouchers: Sequence[VoucherRecord]


@dataclass(frozen=True, slots=True)
class Left:
    """What becomes of it all: the records that changed, as they are afterwards."""

    account: Account
    postings: Sequence[Posting]
    redemptions: Sequence[RedemptionRecord]
    vouchers: Sequence[VoucherRecord]


def obstacle(belongings: Belongings) -> Obstacle | None:
    """What stands in the way: points held for a voucher of one's own, or money of it that a till holds just now.

    The first is cancelled or used, or ends by itself; the second is over within minutes.
    """
    who = belongings.account.participant
    mine = [voucher for voucher in belongings.vouchers if voucher.holder == who]
    if any(voucher.held_minor for voucher in mine):
        return Obstacle.MONEY_HELD
    own = {voucher.redemption for voucher in mine}
    return Obstacle.REDEMPTION_ON_ITS_WAY if any(record.id in own for record in belongings.held) else None


def losses(belongings: Belongings, now: datetime) -> Losses:
    """What would be lost at `now`."""
    account, _ = settle(belongings.account, now)
    return Losses(account.available + account.pending, _ready(belongings, now))


def leave(belongings: Belongings, now: datetime) -> Left:
    """End everything at `now`; an obstacle is a fault of the caller: AssertionError.

    Points that are left expire: nobody corrects anything, their time is over with the account. What is held for a
    voucher that was given away stays the new holder's, so it is captured. Vouchers die as cancelled ones do, which is
    what tills hear of; their points were spent and stay so.
    """
    assert obstacle(belongings) is None, "an account is deleted though something stands in the way"
    account, postings = settle(belongings.account, now)
    captured = []
    for record in belongings.held:
        left = record.points - record.returned
        moves = Moves(held=-left, burned=left)
        account, posting = post(account, Entry(now, PostingKind.CAPTURE, record.id, moves, (), record.reward))
        captured.append(replace(record, state=RedemptionState.CAPTURED, held_until=None))
        postings.append(posting)
    for lot in list(account.lots.values()):
        if lot.remaining:
            account, posting = expire(account, lot, now)
            postings.append(posting)
    dead = [replace(voucher, state=VoucherState.CANCELLED) for voucher in _ready(belongings, now)]
    return Left(account, postings, captured, dead)


def _ready(belongings: Belongings, now: datetime) -> list[VoucherRecord]:
    who = belongings.account.participant
    return [voucher for voucher in belongings.vouchers if _is_ready(voucher, who, now)]


def _is_ready(voucher: VoucherRecord, who: str, now: datetime) -> bool:
    return voucher.holder == who and voucher.state is VoucherState.READY and now < voucher.expires_at


def proof_text(participant: str, key: str) -> bytes:
    """What a device signs to delete the account of `participant`, under the idempotency key `key`."""
    return b"MV1 leave\0" + f"{participant}\0{key}".encode()
