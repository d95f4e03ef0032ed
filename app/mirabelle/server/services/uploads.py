"""What tills did without network, told afterwards; and what they take back."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules.balance import MoveKind
from mirabelle.rules.commands import BadProof, NotUndone, Outcome, Undone, UndoScan, Uploaded, UploadScan
from mirabelle.rules.scans import scan_id
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Context
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.scans import (
    card_balance,
    groups_of,
    nonce_of,
    scan_message,
    scan_row,
    till_row,
    undo_until,
    voucher_in,
)
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import Describer
from mirabelle.server.storage import schema as t

_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # no clock says less, and there is little to subtract from year 1
_CLOCK_SKEW: Final = timedelta(seconds=limits.CLOCK_SKEW_SECONDS)


async def upload(context: Context, caller: Caller, request: tm.ScanUpload, key: str, request_hash: bytes) -> Answer:
    """Take down a scan that the till accepted without network, once. Raises KeyReused, Refused."""
    till, now = caller.subject, context.now()
    if request.at < _EARLIEST:
        raise Refused(Reason.INVALID, "before 1970", field="at")
    if request.at > now + _CLOCK_SKEW:
        # One of the two clocks is wrong, and not for ever: an answer that is kept would lose the scan.
        raise Refused(Reason.TOO_EARLY)
    async with context.database.read() as connection:
        row = await till_row(connection, till)
    command = UploadScan(
        scan=scan_id(till, request.key),
        till=till,
        store=row.store,
        groups=groups_of(row),
        frame=request.frame,
        voucher=voucher_in(request.frame),
        at=request.at,
        received_at=now,
        nonce=nonce_of(request.nonce),
        undone_at=request.undone_at,
        within=undo_until(context, now) - now,
        lost=tuple(scan_id(till, lost) for lost in request.lost_keys),
    )

    def answer(outcome: Outcome, names: Names) -> Answer:
        if isinstance(outcome, BadProof):
            return Answer(STATUS[Reason.BAD_PROOF], problem_body(Reason.BAD_PROOF, outcome.code.value))
        assert isinstance(outcome, Uploaded)
        receipt = _receipt(context, command, outcome, names)
        kept = None if outcome.known else scan_row(till, receipt.scan, "frame")
        return Answer(201, msgspec.json.encode(receipt), kept)

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


def _receipt(context: Context, command: UploadScan, outcome: Uploaded, names: Names) -> tm.ScanReceipt:
    use, conflict = outcome.use, outcome.conflict
    message = scan_message(
        context, use.scan if use else command.scan, use.at if use else command.at, outcome.voucher, names
    )
    if conflict is not None:
        first = Describer.of(context, names).use(outcome.first_use) if outcome.first_use else None
        told = tm.Conflict(other=first, is_first=False, points_lost=conflict.points)
        scan = msgspec.structs.replace(message, offline=True, first_use=first, conflict=told)
        return tm.ScanReceipt(scan=scan, outcome="conflict")
    if use is None or use.undone_at is not None:
        undone_at = use.undone_at if use else command.received_at
        return tm.ScanReceipt(
            scan=msgspec.structs.replace(message, offline=True, undone_at=undone_at), outcome="undone"
        )
    scan = msgspec.structs.replace(
        message,
        offline=True,
        first_use=Describer.of(context, names).use(use),
        undo_until=undo_until(context, use.at),
    )
    return tm.ScanReceipt(scan=scan, outcome="recorded")


async def undo(context: Context, caller: Caller, scan: str, key: str, request_hash: bytes) -> Answer:
    """Take back what this till accepted; raises KeyReused, Refused."""
    till, now = caller.subject, context.now()
    async with context.database.read() as connection:
        row = await till_row(connection, till)
        voucher, kept = await _used_by(connection, row.id, scan)
    within = undo_until(context, now) - now
    command = UndoScan(scan=scan, till=till, voucher=voucher, at=now, within=within)

    def answer(outcome: Outcome, names: Names) -> Answer:
        if isinstance(outcome, NotUndone) or kept is None:
            reason = Reason.TOO_LATE if isinstance(outcome, NotUndone) and outcome.too_late else Reason.NOT_FOUND
            return Answer(STATUS[reason], problem_body(reason))
        assert isinstance(outcome, Undone)
        told = msgspec.structs.replace(kept, undone_at=outcome.at, undo_until=None)
        if kept.balance is not None:
            told = msgspec.structs.replace(told, balance=card_balance(outcome.voucher, names))
        return Answer(201, msgspec.json.encode(told))

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


async def _used_by(connection: AsyncConnection, till: str, scan: str) -> tuple[bytes | None, tm.Scan | None]:
    """The voucher that the till's scan used, or took money from, and what the till was answered."""
    uses, moves, scans = t.uses, t.balance_moves, t.scans
    query = select(uses.c.voucher, scans.c.answer).join(scans, scans.c.id == uses.c.scan)
    found = (await connection.execute(query.where(uses.c.scan == scan, uses.c.till == till))).first()
    if found is None:
        query = select(moves.c.voucher, scans.c.answer).join(scans, scans.c.id == moves.c.hold)
        captured = moves.c.kind == MoveKind.CAPTURE.value
        found = (await connection.execute(query.where(moves.c.hold == scan, moves.c.till == till, captured))).first()
    if found is None:
        return None, None
    return bytes.fromhex(found.voucher), msgspec.json.decode(found.answer, type=tm.Scan)
