"""Gifts: vouchers that one participant gives to another."""

import secrets

from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.rules import fallback_code, holder
from mirabelle.rules.commands import Give, Outcome
from mirabelle.rules.frame import VOUCHER_BYTES
from mirabelle.server.ledger.batches import Answer, Submission
from mirabelle.server.ledger.load import Names
from mirabelle.server.services.context import Context
from mirabelle.server.services.redemptions import answer_of
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.transfers import recipient_of
from mirabelle.server.services.vouchers import Describer, people_of


async def give(
    context: Context, caller: Caller, voucher: str, request: m.GiftRequest, key: str, request_hash: bytes,
    *, only_known: bool,
) -> Answer:  # fmt: skip
    """Give the voucher away; the same key again gets the first answer again. Raises KeyReused, Refused, and
    KeyForgotten where there is none for what is `only_known`."""
    recipient = await recipient_of(context, caller.subject, key, request.recipient, only_known=only_known)
    async with context.database.read() as connection:
        people = await people_of(connection, {recipient})
    command = Give(
        participant=caller.subject,
        recipient=recipient,
        gift=f"g-{secrets.token_hex(10)}",
        voucher=_id_of(voucher),
        code=fallback_code.make(secrets.token_bytes(fallback_code.RANDOM_BYTES)),
        # Whose private half nobody keeps: the frame that the giver has is dead before the recipient's device has one.
        holder_key=holder.public_key(secrets.token_bytes(holder.SEED_BYTES)),
        at=context.now(),
    )

    def answer(outcome: Outcome, names: Names) -> Answer:
        return answer_of(Describer.of(context, names, people), outcome, caller)

    return await context.ledger.submit(
        Submission(caller.subject, key, request_hash, command, command.at, answer, only_known)
    )


def _id_of(voucher: str) -> bytes:
    try:
        id_ = bytes.fromhex(voucher)
    except ValueError:
        id_ = b""
    if len(id_) != VOUCHER_BYTES:
        raise Refused(Reason.NOT_FOUND)
    return id_
