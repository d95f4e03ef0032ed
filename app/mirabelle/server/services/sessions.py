"""Sessions: who is signed in on which device. A refresh token used after its successor ends the whole family."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Role
from mirabelle.contract.reasons import Reason
from mirabelle.rules import ed25519, renewing
from mirabelle.rules.cells import cell_of
from mirabelle.rules.renewing import Proof, Renewal
from mirabelle.server.ledger.save import upsert
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import Claim
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t


def require_safe_key(device_key: str) -> None:
    """Refuse a public key that anyone could sign for; raises Refused."""
    if not ed25519.is_safe_public_key(bytes.fromhex(device_key)):
        raise Refused(Reason.UNSAFE_KEY, field="device_key")


async def open_session(
    context: Context,
    connection: AsyncConnection,
    session: str,
    role: Role,
    subject: str,
    device_key: str,
    *,
    demo: bool = False,
) -> sm.Session:
    """Start the session `session` for `subject` on the device with `device_key`.

    The same one again is given again, unless it was ended: then Refused. A `demo` session lasts as long as the demo.
    """
    now = context.now()
    row = await _session(connection, session)
    if row is None:
        epoch = await _epoch(connection, subject, device_key) if role == "participant" else 0
        values = {
            "id": session,
            "role": role,
            "subject": subject,
            "device_key": device_key,
            "demo": demo,
            "epoch": epoch,
            "generation": 0,
            "refreshed_at": now,
            "expires_at": now + timedelta(days=limits.REFRESH_TOKEN_DAYS),
        }
        await connection.execute(insert(access.sessions), [values])
        row = await _session(connection, session)
        assert row is not None
    told = None if row.ended_at is not None else await _told(context, connection, row, row.generation)
    if told is None:
        raise Refused(Reason.SESSION_ENDED)
    return told


async def _session(connection: AsyncConnection, session: str) -> Row[Any] | None:
    query = select(access.sessions).where(access.sessions.c.id == session).with_for_update()
    return (await connection.execute(query)).first()


async def _epoch(connection: AsyncConnection, participant: str, device_key: str) -> int:
    """The device's epoch: the newest device has the highest, and a device that returns takes over again."""
    table, cell = t.participants, cell_of(participant)
    mine = (table.c.cell == cell, table.c.participant == participant)
    newest = (await connection.execute(select(table.c.epoch).where(*mine).with_for_update())).scalar_one()
    known = select(access.devices.c.epoch).where(
        access.devices.c.cell == cell,
        access.devices.c.participant == participant,
        access.devices.c.device_key == device_key,
    )
    if newest and (await connection.execute(known)).scalar() == newest:
        return int(newest)
    await connection.execute(update(table).where(*mine).values(epoch=newest + 1))
    row = {"cell": cell, "participant": participant, "device_key": device_key, "epoch": newest + 1}
    await connection.execute(upsert(connection, access.devices), [row])
    return int(newest) + 1


async def _told(context: Context, connection: AsyncConnection, row: Row[Any], generation: int) -> sm.Session | None:
    """The session as its device is told; None where its participant or till is no more."""
    caller = Caller(row.role, row.subject, row.id, row.epoch)
    access_token, expires_at = context.tokens.access(caller, context.now())
    if row.role == "staff":
        name_query = select(t.tills.c.staff).where(t.tills.c.id == row.subject, t.tills.c.revoked_at.is_(None))
    else:
        name_query = select(t.participants.c.name).where(
            t.participants.c.cell == cell_of(row.subject),
            t.participants.c.participant == row.subject,
            t.participants.c.left_at.is_(None),
        )
    named = (await connection.execute(name_query)).first()
    if named is None:
        return None
    return sm.Session(
        role=row.role,
        subject=row.subject,
        name=named[0],
        access_token=access_token,
        access_expires_at=expires_at,
        refresh_token=context.tokens.refresh(row.id, generation),
        epoch=row.epoch,
        server_time=context.now(),
    )


async def refresh(
    context: Context, connection: AsyncConnection, request: sm.RefreshRequest, claim: Claim
) -> sm.Session | Reason:
    """The next tokens of a session, or the reason there are none; raises KeyReused. A reused token ends the family,
    which is written: the caller must commit that too."""
    read = context.tokens.refreshed(request.refresh_token)
    row = await _session(connection, read[0]) if read else None
    if read is None or row is None or row.ended_at is not None or row.expires_at <= context.now():
        return Reason.SESSION_ENDED
    if row.demo and not context.settings.demo:
        return Reason.SESSION_ENDED
    await claim(connection)
    now = context.now()
    # A till may hear nothing for hours, and one of before sends no time.
    reply_lost = row.role == "staff" or now - row.refreshed_at <= timedelta(seconds=limits.REFRESH_REPLY_SECONDS)
    proof = _proof(row, request, now)
    is_dated = request.dated is not None and proof in (Proof.NOW, Proof.OTHER_TIME)
    is_overtaken = is_dated and request.dated.signed_at <= row.refreshed_at.timestamp()
    match renewing.judge(read[1], row.generation, proof, is_soon=reply_lost, is_overtaken=is_overtaken):
        case Renewal.NEXT:
            values = {
                "generation": row.generation + 1,
                "refreshed_at": now,
                "expires_at": now + timedelta(days=limits.REFRESH_TOKEN_DAYS),
            }
            await connection.execute(update(access.sessions).where(access.sessions.c.id == row.id).values(values))
            return await _told(context, connection, row, row.generation + 1) or Reason.SESSION_ENDED
        case Renewal.SAME:
            return await _told(context, connection, row, row.generation) or Reason.SESSION_ENDED
        case Renewal.SIGN_ANEW:
            return Reason.CLOCK_DIFFERS
        case Renewal.END:
            await connection.execute(update(access.sessions).where(access.sessions.c.id == row.id).values(ended_at=now))
    return Reason.SESSION_ENDED


def _proof(row: Row[Any], request: sm.RefreshRequest, now: datetime) -> Proof:
    """What the key of the session's device says of a request that comes `now`."""
    key, token, dated = bytes.fromhex(row.device_key), request.refresh_token, request.dated
    if not ed25519.verify(key, renewing.proof_text(token), bytes.fromhex(request.proof)):
        return Proof.NONE
    if dated is None:
        return Proof.UNDATED
    text = renewing.dated_proof_text(token, dated.signed_at)
    if not ed25519.verify(key, text, bytes.fromhex(dated.signature)):
        return Proof.UNDATED
    return Proof.NOW if abs(now.timestamp() - dated.signed_at) <= limits.CLOCK_SKEW_SECONDS else Proof.OTHER_TIME


async def sign_out(context: Context, connection: AsyncConnection, request: sm.SignOutRequest, claim: Claim) -> None:
    """End the session of a refresh token; one that is unknown or over is as good as ended. Raises KeyReused."""
    read = context.tokens.refreshed(request.refresh_token)
    if read is not None:
        await claim(connection)
        ours = (access.sessions.c.id == read[0], access.sessions.c.ended_at.is_(None))
        await connection.execute(update(access.sessions).where(*ours).values(ended_at=context.now()))
