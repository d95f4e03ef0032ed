"""Redemptions: points for a reward, once, whatever happens to the reply."""

import secrets
from collections.abc import Mapping
from datetime import date

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules import ed25519, fallback_code
from mirabelle.rules.cells import cell_of
from mirabelle.rules.commands import Cancel, Declined, Outcome, Redeem, Redeemed
from mirabelle.rules.frame import VOUCHER_BYTES
from mirabelle.rules.lots import Lot
from mirabelle.rules.redemption import NewVoucher, RedemptionRecord, RedemptionState, UseRecord, VoucherRecord
from mirabelle.server.ledger import rows
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.services.context import Context
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import Describer, uses_of
from mirabelle.server.services.wallet import shares_message
from mirabelle.server.storage import schema as t


async def redeem(
    context: Context, caller: Caller, request: m.RedemptionRequest, key: str, request_hash: bytes
) -> Answer:
    """Exchange points for a reward; the same key again gets the first answer again. Raises KeyReused, Refused."""
    if not ed25519.is_safe_public_key(bytes.fromhex(request.holder_key)):
        raise Refused(Reason.UNSAFE_KEY, field="holder_key")
    async with context.database.read() as connection:
        describer = await Describer.load(context, connection, {request.reward})
        row = (await connection.execute(select(t.rewards).where(t.rewards.c.id == request.reward))).first()
    voucher = None
    if row is not None and row.document["fulfilment"] == "voucher":
        voucher = NewVoucher(
            id=secrets.token_bytes(VOUCHER_BYTES),
            code=fallback_code.make(secrets.token_bytes(fallback_code.RANDOM_BYTES)),
            holder_key=bytes.fromhex(request.holder_key),
            key_salt=key,
            epoch=caller.epoch,
        )
    command = Redeem(
        participant=caller.subject,
        redemption=f"r-{secrets.token_hex(10)}",
        reward=request.reward,
        at=context.now(),
        agreed_points=request.points,
        details=_asked_details(context, request.details, row.document["needs"]) if row is not None else {},
        voucher=voucher,
    )

    def answer(outcome: Outcome) -> Answer:
        return _answer(describer, outcome)

    return await context.ledger.submit(Submission(caller.subject, key, request_hash, command, command.at, answer))


async def cancel(context: Context, caller: Caller, redemption: str, key: str, request_hash: bytes) -> Answer:
    """Give the points of an unused redemption back, into the lots they came from. Raises KeyReused."""
    async with context.database.read() as connection:
        table = t.redemptions
        query = select(table.c.reward).where(table.c.id == redemption, table.c.participant == caller.subject)
        reward = (await connection.execute(query)).scalar()
        describer = await Describer.load(context, connection, {reward} if reward else set())
    command = Cancel(caller.subject, redemption, context.now())

    def answer(outcome: Outcome) -> Answer:
        return _answer(describer, outcome)

    return await context.ledger.submit(Submission(caller.subject, key, request_hash, command, command.at, answer))


def _asked_details(context: Context, details: m.Details, needs: str) -> dict[str, str]:
    """Only what the reward needs is kept: nothing personal without a purpose. What means nothing counts as missing."""
    if needs == "nothing":
        return {}
    given = str(getattr(details, needs))
    charities = {charity.id for charity in context.programme.charities}
    unknown = (needs == "charity" and given not in charities) or (needs == "date" and not _is_day(given))
    return {} if unknown else {needs: given}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _answer(describer: Describer, outcome: Outcome) -> Answer:
    if isinstance(outcome, Declined):
        reason = Reason(outcome.reason.value)
        points = outcome.terms.points if outcome.terms else None
        missing = points - outcome.available if points is not None and reason is Reason.NOT_ENOUGH_POINTS else None
        return Answer(STATUS[reason], problem_body(reason, points=points, points_missing=missing))
    assert isinstance(outcome, Redeemed)
    lots = {lot.number: lot for lot in outcome.lots}
    told = redemption_message(describer, outcome.redemption, outcome.voucher, None, lots)
    return Answer(201, msgspec.json.encode(told))


def redemption_message(
    describer: Describer,
    record: RedemptionRecord,
    voucher: VoucherRecord | None,
    use: UseRecord | None,
    lots: Mapping[int, Lot],
) -> m.Redemption:
    """A redemption as the app sees it."""
    return m.Redemption(
        id=record.id,
        reward=record.reward,
        title=describer.title(record.reward),
        points=record.points,
        state=record.state.value,  # type: ignore[arg-type]
        details=m.Details(**record.details),
        created_at=record.at,
        paid_by=shares_message(record.paid_by, lots),
        voucher=describer.voucher(voucher, use) if voucher else None,
        available_after=record.available_after,
    )


async def redemptions_of(context: Context, connection: AsyncConnection, participant: str) -> m.Redemptions:
    """All that the participant redeemed, newest first, with the vouchers as they stand."""
    table, vouchers, lots, cell = t.redemptions, t.vouchers, t.lots, cell_of(participant)
    query = select(table).where(
        table.c.cell == cell, table.c.participant == participant, table.c.state != RedemptionState.DECLINED.value
    )
    found = (await connection.execute(query.order_by(table.c.at.desc(), table.c.id))).all()
    records = [rows.redemption_from(row) for row in found]
    mine = (await connection.execute(select(vouchers).where(vouchers.c.participant == participant))).all()
    known = {voucher.id: voucher for voucher in map(rows.voucher_from, mine)}
    uses = await uses_of(connection, set(known))
    numbers = sorted({number for record in records for number, _ in record.paid_by})
    paid = select(lots).where(lots.c.cell == cell, lots.c.participant == participant, lots.c.number.in_(numbers))
    paid_lots = {row.number: rows.lot_from(row) for row in (await connection.execute(paid)).all()}
    describer = await Describer.load(context, connection, {record.reward for record in records})
    return m.Redemptions(
        redemptions=[
            redemption_message(
                describer, record, known.get(record.voucher or b""), uses.get(record.voucher or b""), paid_lots
            )
            for record in records
        ]
    )
