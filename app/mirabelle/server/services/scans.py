"""The till: what staff scan, answered once and for all, and kept."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.rules import frame
from mirabelle.rules.balance import MoveKind
from mirabelle.rules.commands import Outcome, Scan, Scanned
from mirabelle.rules.fallback_code import normalise
from mirabelle.rules.redemption import ConflictRecord, UseRecord, VoucherRecord
from mirabelle.rules.scans import scan_id
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.ledger import rows
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.ledger.reads import stored_answers
from mirabelle.server.services.context import Context
from mirabelle.server.services.pace import may_try
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import Describer
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.instants import microseconds_of

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


async def till_row(connection: AsyncConnection, till: str) -> Row[Any]:
    """The till and its store; raises Refused where the till is gone, or was revoked."""
    stores = t.stores.c
    query = select(t.tills, stores.id.label("store_id"), stores.name.label("store_name"), stores.store_group).join(
        t.stores, stores.reference == t.tills.c.store
    )
    row = (await connection.execute(query.where(t.tills.c.id == till, t.tills.c.revoked_at.is_(None)))).first()
    if row is None:
        raise Refused(Reason.SESSION_ENDED)
    return row


async def till_of(connection: AsyncConnection, till: str, now: datetime) -> tm.Till:
    """The till as its device is told; raises Refused where it is gone."""
    row = await till_row(connection, till)
    return tm.Till(
        id=row.id,
        name=row.name,
        staff=row.staff,
        store=row.store_id,
        store_reference=row.store,
        store_name=m.Text(**row.store_name),
        server_time=now,
    )


def groups_of(till: Row[Any]) -> tuple[int, ...]:
    """The store groups that the till belongs to."""
    return (till.store_group,) if till.store_group else ()


def nonce_of(text: str) -> bytes | None:
    """The challenge that the till had set, if it had."""
    return bytes.fromhex(text) if text else None


async def scan(context: Context, caller: Caller, request: tm.ScanRequest, key: str, request_hash: bytes) -> Answer:
    """Judge what the till was shown and, if it is accepted, use the voucher. Raises KeyReused, Refused."""
    if bool(request.frame) == bool(request.code):
        raise Refused(Reason.INVALID, "exactly one of frame and code", field="frame")
    till, now = caller.subject, context.now()
    if request.code:
        await _limit_typed_codes(context, caller, key)
    async with context.database.read() as connection:
        row = await till_row(connection, till)
        voucher = await _named_voucher(connection, request)
    command = Scan(
        scan=scan_id(till, key),
        till=till,
        store=row.store,
        groups=groups_of(row),
        frame=request.frame,
        code=request.code,
        voucher=voucher,
        at=now,
        nonce=nonce_of(request.nonce),
    )

    def answer(outcome: Outcome, names: Names) -> Answer:
        assert isinstance(outcome, Scanned)
        message = _judged(context, command, outcome, names)
        # The typed code is a secret as long as the voucher is unused, so the record keeps only what kind was shown.
        kept = None if outcome.known else scan_row(till, message, "frame" if command.frame else "code")
        return Answer(201, msgspec.json.encode(message), kept)

    return await context.ledger.submit(Submission(till, key, request_hash, command, now, answer))


def scan_row(till: str, message: tm.Scan, shown: str) -> Sequence[Any]:
    """The row of `scans` that keeps what the till was answered."""
    times = (microseconds_of(message.at), microseconds_of(message.undone_at))
    return (message.id, till, times[0], msgspec.json.encode(message), shown, message.verdict, times[1])


async def _limit_typed_codes(context: Context, caller: Caller, key: str) -> None:
    """Let nobody guess: so many a minute by one till and from one address. What was answered before is told again."""
    till = caller.subject
    who = (f"code by {till}", f"code from {caller.address}")

    async def counted(connection: AsyncConnection) -> bool:
        if await stored_answers(connection, [(till, key)]):
            return True
        return await may_try(connection, who, limits.TYPED_CODES_PER_MINUTE, context.now())

    if not await context.database.attempt(counted):
        raise Refused(Reason.RATE_LIMITED)


async def _named_voucher(connection: AsyncConnection, request: tm.ScanRequest) -> bytes | None:
    if request.frame:
        return voucher_in(request.frame)
    code = normalise(request.code)
    named = select(t.vouchers.c.id, t.rewards.c.document).join(t.rewards, t.rewards.c.id == t.vouchers.c.reward)
    row = (await connection.execute(named.where(t.vouchers.c.code == code))).first()
    # Whoever knows a code can say it: where only the holder's device may answer, there is none.
    return bytes.fromhex(row.id) if row is not None and not row.document.get("challenge") else None


def voucher_in(text: str) -> bytes | None:
    """The voucher that a frame names, if it is a frame."""
    parsed = frame.parse(text)
    return parsed.voucher if isinstance(parsed, frame.Frame) else None


def _judged(context: Context, command: Scan, outcome: Scanned, names: Names) -> tm.Scan:
    """What the till is told of a scan that the server judged."""
    verdict = outcome.verdict
    voucher = None if verdict.code in _UNTRUSTED else outcome.voucher
    message = scan_message(context, command.scan, command.at, voucher, names)
    right_store = None
    if voucher is not None and verdict.code is VoucherCode.WRONG_STORE and voucher.store in names.stores:
        right_store = m.Text(**names.stores[voucher.store][1])
    describer = Describer.of(context, names)
    accepted = verdict.code is VoucherCode.ACCEPTED
    shows_money = voucher is not None and verdict.code is VoucherCode.AMOUNT_REQUIRED
    return msgspec.structs.replace(
        message,
        verdict=verdict.code.value,
        first_use=describer.use(outcome.first_use) if outcome.first_use and voucher else None,
        valid_from=_instant(verdict.lease_start) if voucher else None,
        valid_until=_instant(verdict.lease_end) if voucher else None,
        right_store=right_store,
        voucher=outcome.first_use.voucher.hex() if accepted and outcome.first_use else None,
        use=outcome.first_use.use if accepted and outcome.first_use else None,
        undo_until=undo_until(context, command.at) if accepted else None,
        balance=card_balance(voucher, names) if voucher and shows_money else None,
    )


def scan_message(context: Context, scan: str, at: datetime, voucher: VoucherRecord | None, names: Names) -> tm.Scan:
    """An accepted scan of `voucher`, or of nothing that may be named."""
    return tm.Scan(
        id=scan,
        at=at,
        verdict=VoucherCode.ACCEPTED.value,
        reward=voucher.reward if voucher else None,
        title=Describer.of(context, names).title(voucher.reward) if voucher else m.Text(),
        value_class=voucher.value_class.value if voucher else None,
        first_use=None,
        valid_from=None,
        valid_until=None,
        right_store=None,
        value_minor=names.rewards[voucher.reward].value_minor if voucher else None,
    )


def card_balance(voucher: VoucherRecord, names: Names) -> tm.CardBalance:
    """The money on a voucher, as a till is told."""
    return tm.CardBalance(
        voucher=voucher.id.hex(),
        number="" if names.rewards[voucher.reward].challenge else voucher.code[-4:],
        value_minor=voucher.value_minor or 0,
        left_minor=voucher.left_minor,
        held_minor=voucher.held_minor,
        expires_at=voucher.expires_at,
    )


def undo_until(context: Context, at: datetime) -> datetime:
    """Until when a scan of then may be undone."""
    return at + timedelta(minutes=context.programme.tills.undo_minutes)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def scans_of(connection: AsyncConnection, till: str, now: datetime) -> tm.Scans:
    """The till's newest scans, and those with a conflict of the last 30 days, with what became of them since."""
    await till_row(connection, till)
    query = select(t.scans.c.id, t.scans.c.answer, t.scans.c.at)
    # Where an amount was asked for, what was taken is a scan of its own.
    query = query.where(t.scans.c.till == till, t.scans.c.verdict != VoucherCode.AMOUNT_REQUIRED.value)
    page = query.order_by(t.scans.c.at.desc()).limit(limits.SCANS_PAGE_ROWS)
    late, table = t.conflicts.c.received_at > now - timedelta(days=limits.CONFLICT_DAYS), t.conflicts.c
    told_late = union_all(select(table.scan).where(late), select(table.first_scan).where(late)).subquery()
    both = [*(await connection.execute(page)).all()]
    both += (await connection.execute(query.where(t.scans.c.id.in_(select(told_late))))).all()
    found = sorted({row.id: row for row in both}.values(), key=lambda row: row.at, reverse=True)
    told = [msgspec.json.decode(row.answer, type=tm.Scan) for row in found]
    ids = [row.id for row in found]
    undone = await _undone_since(connection, ids)
    conflicts = await _conflicts_of(connection, ids)
    return tm.Scans(
        scans=[
            msgspec.structs.replace(
                scan,
                undone_at=undone.get(scan.id, scan.undone_at),
                undo_until=None if scan.id in conflicts or scan.id in undone else scan.undo_until,
                conflict=conflicts.get(scan.id),
            )
            for scan in told
        ]
    )


async def _undone_since(connection: AsyncConnection, scans: list[str]) -> dict[str, datetime]:
    uses, moves = t.uses, t.balance_moves
    query = select(uses.c.scan, uses.c.undone_at).where(uses.c.scan.in_(scans), uses.c.undone_at.is_not(None))
    given_back = select(moves.c.hold, moves.c.at).where(moves.c.hold.in_(scans), moves.c.kind == MoveKind.UNDO.value)
    found = [*(await connection.execute(query)).all(), *(await connection.execute(given_back)).all()]
    return dict(tuple(row) for row in found)


async def _conflicts_of(connection: AsyncConnection, scans: list[str]) -> dict[str, tm.Conflict]:
    """Of each of `scans` with a conflict: the other scan, the first to have come too late where there are several."""
    table = t.conflicts
    query = select(table).where(or_(table.c.scan.in_(scans), table.c.first_scan.in_(scans)))
    found = [rows.conflict_from(row) for row in (await connection.execute(query.order_by(table.c.received_at))).all()]
    firsts = {conflict.first_scan for conflict in found if conflict.first_scan}
    had = await connection.execute(select(t.uses).where(t.uses.c.scan.in_(sorted(firsts))))
    uses = {row.scan: rows.use_from(row) for row in had.all()}
    stores = {row.reference: row.id for row in (await connection.execute(select(t.stores))).all()} if found else {}
    told: dict[str, tm.Conflict] = {}
    for conflict in reversed(found):
        late = _use(conflict, stores)
        told[conflict.scan] = tm.Conflict(
            other=_use(uses[conflict.first_scan], stores) if conflict.first_scan else None,
            is_first=False,
            points_lost=conflict.points,
        )
        if conflict.first_scan:
            lost = sum(other.points for other in found if other.first_scan == conflict.first_scan)
            told[conflict.first_scan] = tm.Conflict(other=late, is_first=True, points_lost=lost)
    return {scan: conflict for scan, conflict in told.items() if scan in set(scans)}


def _use(use: UseRecord | ConflictRecord, stores: dict[int, str]) -> m.Use:
    return m.Use(at=use.at, store=stores.get(use.store, str(use.store)), till=use.till)
