"""The till: what staff scan, answered once and for all, and kept."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.rules import frame
from mirabelle.rules.commands import Outcome, Scan, Scanned
from mirabelle.rules.fallback_code import normalise
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Context
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import Describer
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.schema import microseconds_of

# Verdicts under which nothing that the frame claims may be believed, let alone shown.
_UNTRUSTED = frozenset(
    {
        VoucherCode.NOT_A_VOUCHER,
        VoucherCode.UNSUPPORTED_VERSION,
        VoucherCode.UNSUPPORTED_ALGORITHM,
        VoucherCode.UNKNOWN_KEY,
        VoucherCode.BAD_ISSUER_SIGNATURE,
    }
)


async def _till_row(connection: AsyncConnection, till: str) -> Row[Any]:
    """The till and its store; raises Refused where the till is gone."""
    stores = t.stores.c
    query = select(t.tills, stores.id.label("store_id"), stores.name.label("store_name"), stores.store_group).join(
        t.stores, stores.reference == t.tills.c.store
    )
    row = (await connection.execute(query.where(t.tills.c.id == till))).first()
    if row is None:
        raise Refused(Reason.SESSION_ENDED)
    return row


async def till_of(connection: AsyncConnection, till: str, now: datetime) -> tm.Till:
    """The till as its device is told; raises Refused where it is gone."""
    row = await _till_row(connection, till)
    return tm.Till(
        id=row.id,
        name=row.name,
        staff=row.staff,
        store=row.store_id,
        store_reference=row.store,
        store_name=m.Text(**row.store_name),
        server_time=now,
    )


async def scan(context: Context, caller: Caller, request: tm.ScanRequest, key: str, request_hash: bytes) -> Answer:
    """Judge what the till was shown and, if it is accepted, use the voucher. Raises KeyReused, Refused."""
    if bool(request.frame) == bool(request.code):
        raise Refused(Reason.INVALID, "exactly one of frame and code", field="frame")
    if request.frame:
        return await _judge(context, caller, request, key, request_hash)
    async with context.typing(caller.subject):
        return await _judge(context, caller, request, key, request_hash)


async def _judge(context: Context, caller: Caller, request: tm.ScanRequest, key: str, request_hash: bytes) -> Answer:
    now = context.now()
    async with context.database.read() as connection:
        till = await _till_row(connection, caller.subject)
        if request.code:
            await _limit_typed_codes(connection, caller.subject, now)
        voucher = await _named_voucher(connection, request)
    command = Scan(
        scan=f"s-{secrets.token_hex(10)}",
        till=caller.subject,
        store=till.store,
        groups=(till.store_group,) if till.store_group else (),
        frame=request.frame,
        code=request.code,
        voucher=voucher,
        at=now,
    )

    def answer(outcome: Outcome, names: Names) -> Answer:
        assert isinstance(outcome, Scanned)
        body = msgspec.json.encode(_message(Describer.of(context, names), command, outcome, names))
        # The typed code is a secret as long as the voucher is unused, so the record keeps only what kind was shown.
        shown = "frame" if command.frame else "code"
        return Answer(201, body, (command.scan, command.till, microseconds_of(now), body, shown))

    return await context.ledger.submit(Submission(caller.subject, key, request_hash, command, now, answer))


async def _limit_typed_codes(connection: AsyncConnection, till: str, now: datetime) -> None:
    table = t.scans
    recent = select(func.count()).where(
        table.c.till == till, table.c.at > now - timedelta(minutes=1), table.c.shown == "code"
    )
    if (await connection.execute(recent)).scalar_one() >= limits.TYPED_CODES_PER_MINUTE:
        raise Refused(Reason.RATE_LIMITED)


async def _named_voucher(connection: AsyncConnection, request: tm.ScanRequest) -> bytes | None:
    if request.frame:
        parsed = frame.parse(request.frame)
        return parsed.voucher if isinstance(parsed, frame.Frame) else None
    code = normalise(request.code)
    found = await connection.execute(select(t.vouchers.c.id).where(t.vouchers.c.code == code))
    voucher = found.scalar()
    return bytes.fromhex(voucher) if voucher else None


def _message(describer: Describer, command: Scan, outcome: Scanned, names: Names) -> tm.Scan:
    verdict = outcome.verdict
    voucher = None if verdict.code in _UNTRUSTED else outcome.voucher
    right_store = None
    if voucher is not None and verdict.code is VoucherCode.WRONG_STORE and voucher.store in names.stores:
        right_store = m.Text(**names.stores[voucher.store][1])
    return tm.Scan(
        id=command.scan,
        at=command.at,
        verdict=verdict.code.value,
        reward=voucher.reward if voucher else None,
        title=describer.title(voucher.reward) if voucher else m.Text(),
        value_class=voucher.value_class.value if voucher else None,
        first_use=describer.use(outcome.first_use) if outcome.first_use and voucher else None,
        valid_from=_instant(verdict.lease_start) if voucher else None,
        valid_until=_instant(verdict.lease_end) if voucher else None,
        right_store=right_store,
    )


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def scans_of(connection: AsyncConnection, till: str) -> tm.Scans:
    """The till's scans, newest first."""
    query = select(t.scans.c.answer).where(t.scans.c.till == till).order_by(t.scans.c.at.desc())
    found = (await connection.execute(query.limit(limits.SCANS_PAGE_ROWS))).all()
    return tm.Scans(scans=[msgspec.json.decode(row.answer, type=tm.Scan) for row in found])
