"""Money on vouchers, as tills take it: an amount is held of what was shown a moment ago, then captured or released."""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules.balance import MoveKind
from mirabelle.rules.commands import CaptureAmount, HoldAmount, NotTaken, Outcome, ReleaseHold, Taken
from mirabelle.rules.scans import scan_id
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Context
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.scans import card_balance, groups_of, scan_message, scan_row, till_row, undo_until
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage import schema as t

_SHOWN_FOR = _HELD_FOR = timedelta(minutes=limits.HOLD_MINUTES)


async def hold(context: Context, caller: Caller, request: tm.HoldRequest, key: str, request_hash: bytes) -> Answer:
    """Set an amount aside of what this till was shown lately. Raises KeyReused, Refused."""
    till, now = caller.subject, context.now()
    async with context.database.read() as connection:
        row = await till_row(connection, till)
        voucher, shown_at = await _shown(connection, till, request.scan)
    command = HoldAmount(
        hold=scan_id(till, key),
        till=till,
        store=row.store,
        groups=groups_of(row),
        voucher=voucher,
        amount_minor=request.amount_minor,
        shown_at=shown_at or now,
        within=_SHOWN_FOR,
        at=now,
        ends_at=now + _HELD_FOR,
    )

    def answer(outcome: Outcome, names: Names) -> Answer:
        return _held(outcome, names)

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


async def capture(
    context: Context, caller: Caller, hold: str, request: tm.CaptureRequest, key: str, request_hash: bytes
) -> Answer:
    """Take an amount of what this till holds: it is an accepted scan from then on. Raises KeyReused, Refused."""
    till, now = caller.subject, context.now()
    async with context.database.read() as connection:
        row = await till_row(connection, till)
        voucher = await _held_of(connection, till, hold)
    command = CaptureAmount(hold, till, row.store, groups_of(row), voucher, request.amount_minor, now)

    def answer(outcome: Outcome, names: Names) -> Answer:
        if isinstance(outcome, NotTaken):
            return _refused(outcome)
        assert isinstance(outcome, Taken)
        taken = msgspec.structs.replace(
            scan_message(context, hold, now, outcome.voucher, names),
            value_minor=command.amount_minor,
            undo_until=undo_until(context, now),
            balance=card_balance(outcome.voucher, names),
        )
        return Answer(201, msgspec.json.encode(taken), scan_row(till, taken, "amount"))

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


async def release(context: Context, caller: Caller, hold: str, key: str, request_hash: bytes) -> Answer:
    """Give what this till holds back to its voucher. Raises KeyReused, Refused."""
    till, now = caller.subject, context.now()
    async with context.database.read() as connection:
        await till_row(connection, till)
        voucher = await _held_of(connection, till, hold)
    command = ReleaseHold(hold, till, voucher, now)

    def answer(outcome: Outcome, names: Names) -> Answer:
        return _held(outcome, names)

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


async def _shown(connection: AsyncConnection, till: str, scan: str) -> tuple[bytes | None, datetime | None]:
    """The voucher with money on it that the till's scan was about, and when it was shown."""
    table = t.scans.c
    asked = (table.id == scan, table.till == till, table.verdict == VoucherCode.AMOUNT_REQUIRED.value)
    row = (await connection.execute(select(table.answer, table.at).where(*asked))).first()
    told = msgspec.json.decode(row.answer, type=tm.Scan) if row else None
    if row is None or told is None or told.balance is None:
        return None, None
    return bytes.fromhex(told.balance.voucher), row.at


async def _held_of(connection: AsyncConnection, till: str, hold: str) -> bytes | None:
    """The voucher of whose money the till holds, or held, an amount."""
    table = t.balance_moves.c
    query = select(table.voucher).where(table.hold == hold, table.till == till, table.kind == MoveKind.HOLD.value)
    voucher = (await connection.execute(query)).scalar()
    return bytes.fromhex(voucher) if voucher else None


def _held(outcome: Outcome, names: Names) -> Answer:
    if isinstance(outcome, NotTaken):
        return _refused(outcome)
    assert isinstance(outcome, Taken)
    told = tm.Hold(
        id=outcome.hold.id,
        amount_minor=outcome.hold.amount_minor,
        ends_at=outcome.hold.ends_at,
        state="held" if outcome.hold.state is MoveKind.HOLD else "released",
        balance=card_balance(outcome.voucher, names),
    )
    return Answer(201, msgspec.json.encode(told))


def _refused(outcome: NotTaken) -> Answer:
    reason = Reason(outcome.reason.value)
    return Answer(STATUS[reason], problem_body(reason))
