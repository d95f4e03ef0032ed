"""Redemptions: points for a reward, once, whatever happens to the reply."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from sqlalchemy import and_, or_, select
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
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Context
from mirabelle.server.services.problems import problem_body
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import Describer, uses_of
from mirabelle.server.services.wallet import shares_message
from mirabelle.server.storage import schema as t


async def redeem(
    context: Context, caller: Caller, request: m.RedemptionRequest, key: str, request_hash: bytes,
    *, only_known: bool = False,
) -> Answer:  # fmt: skip
    """Exchange points for a reward; the same key again gets the first answer again. Raises KeyReused, Refused, and
    KeyForgotten where there is none for what is `only_known`."""
    context.require_signature()
    keys = bytes.fromhex(request.holder_key + request.more_holder_keys)
    size = ed25519.PUBLIC_KEY_BYTES
    holder_key, *more_keys = (keys[start : start + size] for start in range(0, len(keys), size))
    if not all(ed25519.is_safe_public_key(each) for each in (holder_key, *more_keys)):
        raise Refused(Reason.UNSAFE_KEY, field="holder_key")
    code = fallback_code.make(secrets.token_bytes(fallback_code.RANDOM_BYTES))
    command = Redeem(
        participant=caller.subject,
        redemption=f"r-{secrets.token_hex(10)}",
        reward=request.reward,
        at=context.now(),
        agreed_points=request.points,
        details=_sound_details(context, request.details),
        voucher=NewVoucher(
            id=secrets.token_bytes(VOUCHER_BYTES),
            code=code,
            holder_key=holder_key,
            key_salt=key,
            epoch=caller.epoch,
            seed=secrets.token_bytes(VOUCHER_BYTES),
            more_keys=more_keys,
        ),
    )
    return await _submit(context, caller, key, request_hash, command, only_known=only_known)


async def cancel(context: Context, caller: Caller, redemption: str, key: str, request_hash: bytes) -> Answer:
    """Give the points of an unused redemption back, into the lots they came from. Raises KeyReused."""
    return await _submit(context, caller, key, request_hash, Cancel(caller.subject, redemption, context.now()))


async def _submit(
    context: Context, caller: Caller, key: str, request_hash: bytes, command: Redeem | Cancel,
    *, only_known: bool = False,
) -> Answer:  # fmt: skip
    def answer(outcome: Outcome, names: Names) -> Answer:
        return answer_of(Describer.of(context, names), outcome, caller)

    return await context.ledger.submit(
        Submission(caller.subject, key, request_hash, command, command.at, answer, only_known)
    )


def _sound_details(context: Context, details: m.Details) -> dict[str, str]:
    """What was given and means something; what means nothing counts as missing."""
    given = {name: text for name, text in msgspec.structs.asdict(details).items() if text}
    if given.get("charity") not in {charity.id for charity in context.programme.charities}:
        given.pop("charity", None)
    if not _is_day(given.get("date", "")):
        given.pop("date", None)
    return given


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def answer_of(describer: Describer, outcome: Outcome, caller: Caller) -> Answer:
    """What the caller is told of a redemption that was decided."""
    if isinstance(outcome, Declined):
        reason = Reason(outcome.reason.value)
        points = outcome.terms.points if outcome.terms else None
        missing = points - outcome.available if points is not None and reason is Reason.NOT_ENOUGH_POINTS else None
        return Answer(STATUS[reason], problem_body(reason, points=points, points_missing=missing))
    assert isinstance(outcome, Redeemed)
    lots = {lot.number: lot for lot in outcome.lots}
    vouchers = [outcome.voucher, *outcome.others] if outcome.voucher else []
    told = redemption_message(describer, outcome.redemption, vouchers, {}, lots, caller)
    return Answer(201, msgspec.json.encode(told))


def redemption_message(
    describer: Describer,
    record: RedemptionRecord,
    vouchers: Sequence[VoucherRecord],
    uses: Mapping[bytes, UseRecord],
    lots: Mapping[int, Lot],
    caller: Caller,
) -> m.Redemption:
    """A redemption as the calling device sees it; what was paid for a gift is not its holder's business."""
    first, *others = [describer.voucher(each, uses.get(each.id), caller) for each in vouchers] or [None]
    if record.participant != caller.subject:
        return m.Redemption(
            id=record.id,
            reward=record.reward,
            title=describer.title(record.reward),
            points=0,
            state="captured",
            details=m.Details(),
            created_at=next((each.given_at for each in vouchers if each.given_at), record.at),
            paid_by=[],
            voucher=first,
            available_after=0,
            others=others,
        )
    return m.Redemption(
        id=record.id,
        reward=record.reward,
        title=describer.title(record.reward),
        points=record.points,
        state=record.state.value,  # type: ignore[arg-type]
        details=m.Details(**record.details),
        created_at=record.at,
        paid_by=shares_message(record.paid_by, lots),
        voucher=first,
        available_after=record.available_after,
        others=others,
    )


async def redemptions_of(context: Context, connection: AsyncConnection, caller: Caller) -> m.Redemptions:
    """All that the participant redeemed or was given, newest first, with the vouchers as they stand for the calling
    device."""
    participant, cell = caller.subject, cell_of(caller.subject)
    table, vouchers, lots = t.redemptions, t.vouchers, t.lots
    mine = or_(vouchers.c.participant == participant, vouchers.c.given_to == participant)
    found = (await connection.execute(select(vouchers).where(mine))).all()
    known = sorted(map(rows.voucher_from, found), key=lambda voucher: voucher.number)
    gifts = sorted({voucher.redemption for voucher in known if voucher.given_to == participant})
    own = (table.c.cell == cell, table.c.participant == participant, table.c.state != RedemptionState.DECLINED.value)
    query = select(table).where(or_(and_(*own), table.c.id.in_(gifts)) if gifts else and_(*own))
    records = [rows.redemption_from(row) for row in (await connection.execute(query)).all()]
    uses = await uses_of(connection, {voucher.id for voucher in known})
    numbers = sorted({number for record in records for number, _ in record.paid_by})
    paid = select(lots).where(lots.c.cell == cell, lots.c.participant == participant, lots.c.number.in_(numbers))
    paid_lots = {row.number: rows.lot_from(row) for row in (await connection.execute(paid)).all()}
    describer = await Describer.load(context, connection, known, {record.reward for record in records})

    def told(record: RedemptionRecord) -> m.Redemption:
        issued = [voucher for voucher in known if voucher.redemption == record.id]
        return redemption_message(describer, record, issued, uses, paid_lots, caller)

    newest_first = sorted(map(told, records), key=lambda one: (-one.created_at.timestamp(), one.id))
    return m.Redemptions(redemptions=newest_first)
