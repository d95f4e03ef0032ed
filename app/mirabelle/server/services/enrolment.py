"""Tills: an operator prepares one, a device becomes it with a code that is good once, an operator takes it away."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import sign_in as sm
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import Reason
from mirabelle.rules import fallback_code
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import Claim
from mirabelle.server.services.pace import have_tried, may_try
from mirabelle.server.services.sessions import open_session, require_safe_key
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t


class NoSuch(Exception):
    """There is no such store or till; the message says which."""


@dataclass(frozen=True, slots=True)
class TillRow:
    """A till as its operator sees it. `state` is "ready", "revoked", or "waiting" for its device until `until`."""

    id: str
    store: str
    name: str
    staff: str
    state: str
    until: datetime | None = None


def _hashed(code: str) -> bytes:
    # No key is needed: the code is 55 random bits, and good for an hour.
    return hashlib.sha256(b"MV1\0enrol\0" + code.encode()).digest()


async def prepare(
    connection: AsyncConnection, store: str, name: str, staff: str, now: datetime
) -> tuple[str, datetime]:
    """The code with which a device becomes the till `name` of `store`, and until when; raises NoSuch."""
    reference = (await connection.execute(select(t.stores.c.reference).where(t.stores.c.id == store))).scalar()
    if reference is None:
        known = (await connection.execute(select(t.stores.c.id).order_by(t.stores.c.reference))).scalars().all()
        raise NoSuch(f"there is no store {store}; there are: {', '.join(known) or 'none'}")
    return await _made(
        connection, {"id": f"till-{secrets.token_hex(6)}", "store": reference, "name": name, "staff": staff}, now
    )


async def prepare_again(connection: AsyncConnection, till: str, now: datetime) -> tuple[str, datetime]:
    """The code with which a device becomes `till` anew, and until when; raises NoSuch.

    It is the same till: what its device keeps of it is told under the same names, and counts once.
    """
    query = select(t.tills).where(t.tills.c.id == till, t.tills.c.revoked_at.is_(None))
    row = (await connection.execute(query)).first()
    if row is None:
        raise NoSuch(f"there is no till {till} that is not revoked; 'mirabelle till list' names them")
    await connection.execute(delete(access.enrolments).where(access.enrolments.c.id == till))
    return await _made(connection, {"id": till, "store": row.store, "name": row.name, "staff": row.staff}, now)


async def _made(connection: AsyncConnection, till: dict[str, Any], now: datetime) -> tuple[str, datetime]:
    code = fallback_code.make(secrets.token_bytes(fallback_code.RANDOM_BYTES))
    until = now + timedelta(minutes=limits.ENROLMENT_CODE_MINUTES)
    row = {**till, "code": _hashed(code), "created_at": now, "expires_at": until}
    await connection.execute(insert(access.enrolments), [row])
    return code, until


async def enrol(context: Context, request: tm.EnrolmentRequest, address: str, claim: Claim) -> sm.Session | Reason:
    """A session as the till that the code was made for, or why not; raises Refused.

    Wrong codes are counted by `address`: after too many not even a right one is taken from there for a while, or else
    trying would cost nothing. The key is claimed with a right code only, so that wrong ones leave nothing behind.
    """
    require_safe_key(request.device_key)
    code, who = fallback_code.normalise(request.code), f"enrolment from {address}"

    async def become(connection: AsyncConnection) -> sm.Session | Reason:
        if await have_tried(connection, [who], limits.WRONG_ENROLMENTS_PER_MINUTE, context.now()):
            return Reason.RATE_LIMITED
        row = await _prepared(connection, code, context.now()) if code else None
        # Named by the code and the device, so that a lost reply can be asked for again by that device alone.
        session = context.tokens.mac("enrolment", code or "", request.device_key).hex()[:32] if row else ""
        if row is None or row.session not in (None, session):
            tried = await may_try(connection, [who], limits.WRONG_ENROLMENTS_PER_MINUTE, context.now())
            return Reason.WRONG_CODE if tried else Reason.RATE_LIMITED
        await claim(connection)
        if row.session is None:
            await connection.execute(
                update(access.enrolments).where(access.enrolments.c.id == row.id).values(session=session)
            )
            await _put(connection, row, context.now())
        return await open_session(context, connection, session, "staff", row.id, request.device_key)

    return await context.database.attempt(become)


async def _put(connection: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Make the till; where it is one already, the device that it was until now is it no more."""
    known = (await connection.execute(select(t.tills.c.id).where(t.tills.c.id == row.id))).first()
    if known is None:
        till = {"id": row.id, "store": row.store, "name": row.name, "staff": row.staff, "email": None}
        await connection.execute(insert(t.tills), [till])
    else:
        await _end_sessions(connection, row.id, now)


async def _end_sessions(connection: AsyncConnection, till: str, now: datetime) -> None:
    sessions = access.sessions.c
    over = (sessions.role == "staff", sessions.subject == till, sessions.ended_at.is_(None))
    await connection.execute(update(access.sessions).where(*over).values(ended_at=now))


async def _prepared(connection: AsyncConnection, code: str, now: datetime) -> Row[Any] | None:
    table = access.enrolments
    query = select(table).where(table.c.code == _hashed(code), table.c.expires_at > now)
    return (await connection.execute(query.with_for_update())).first()


async def tills(connection: AsyncConnection, now: datetime) -> list[TillRow]:
    """Every till, and those that wait for their device, by store and name."""
    stores = {row.reference: row.id for row in (await connection.execute(select(t.stores))).all()}
    found = [
        TillRow(
            row.id, stores.get(row.store, str(row.store)), row.name, row.staff, "revoked" if row.revoked_at else "ready"
        )
        for row in (await connection.execute(select(t.tills))).all()
    ]
    table = access.enrolments
    waiting = select(table).where(table.c.session.is_(None), table.c.expires_at > now)
    found += [
        TillRow(row.id, stores.get(row.store, str(row.store)), row.name, row.staff, "waiting", row.expires_at)
        for row in (await connection.execute(waiting)).all()
    ]
    return sorted(found, key=lambda till: (till.store, till.name, till.id))


async def revoke(connection: AsyncConnection, till: str, now: datetime) -> None:
    """End the till: its sessions are over at once, and a code that waits for its device is void; raises NoSuch."""
    table = t.tills
    mine = (table.c.id == till, table.c.revoked_at.is_(None))
    ended = (await connection.execute(update(table).where(*mine).values(revoked_at=now))).rowcount
    open_still = (access.enrolments.c.id == till, access.enrolments.c.session.is_(None))
    ended += (await connection.execute(delete(access.enrolments).where(*open_still))).rowcount
    if not ended and (await connection.execute(select(table.c.id).where(table.c.id == till))).first() is None:
        raise NoSuch(f"there is no till {till}; 'mirabelle till list' names them")
    await _end_sessions(connection, till, now)
