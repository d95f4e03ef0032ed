"""Signing in with a code that was sent by e-mail. Whoever proves an address unknown so far becomes a participant."""

import hmac
import secrets
from datetime import timedelta
from email.message import EmailMessage
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Language, Role
from mirabelle.contract.reasons import Reason
from mirabelle.rules.cells import cell_of
from mirabelle.server.ledger.save import add_participants
from mirabelle.server.services.context import Context
from mirabelle.server.services.mail import MailNotSent, compose, sender
from mirabelle.server.services.pace import has_tried, may_try
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.sessions import open_session, require_safe_key
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t

_GOOD: Final = timedelta(minutes=limits.SIGN_IN_CODE_MINUTES)
_HOUR: Final = timedelta(hours=1)


async def send_code(context: Context, request: sm.SignInCodeRequest, key: str, address: str) -> None:
    """Mail a code; the same key again sends nothing more. Raises Refused and MailNotSent.

    How many are asked for is counted by the network `address`. Those that are good at once are counted as well, so
    that nobody's mailbox is filled; a stranger who asks for all of them has them mailed to the owner, to sign in with.
    """
    email = request.email.lower()
    id_ = context.tokens.mac("code", email, key).hex()[:32]
    code = "".join(secrets.choice("0123456789") for _ in range(limits.SIGN_IN_CODE_DIGITS))
    who = context.tokens.mac("asks for codes", email, address).hex()
    if not await context.database.attempt(lambda connection: _keep_code(context, connection, id_, email, code, who)):
        return
    # Sent after the commit: a slow mail server must not keep the ledger waiting.
    try:
        await context.mailer.send(_mail(context, email, code, request.language))
    except MailNotSent:
        async with context.database.write() as connection:  # the same key may ask for it again
            await connection.execute(delete(access.sign_in_codes).where(access.sign_in_codes.c.id == id_))
        raise


async def _keep_code(context: Context, connection: AsyncConnection, id_: str, email: str, code: str, who: str) -> bool:
    """Keep a new code, as a keyed hash; False where this one is there already. Raises Refused after too many."""
    codes, now = access.sign_in_codes, context.now()
    if (await connection.execute(select(codes.c.id).where(codes.c.id == id_))).first():
        return False
    good = select(func.count()).where(codes.c.email == email, codes.c.created_at > now - _GOOD)
    if (await connection.execute(good)).scalar_one() >= limits.SIGN_IN_CODES_AT_ONCE or not await may_try(
        connection, [who], limits.SIGN_IN_CODES_PER_HOUR, now, _HOUR
    ):
        raise Refused(Reason.RATE_LIMITED)
    row = {"id": id_, "email": email, "code": context.tokens.mac("sign-in", id_, code), "created_at": now}
    await connection.execute(insert(codes), [{**row, "tries": 0}])
    return True


def _mail(context: Context, email: str, code: str, language: Language) -> EmailMessage:
    from mirabelle.contract.translation import Translator

    say = Translator(language)
    about = context.programme.programme
    words = {"programme": about.name, "code": code}
    body = say("mail.sign_in_body", count=limits.SIGN_IN_CODE_MINUTES, **words)
    subject = say("mail.sign_in_subject", **words)
    return compose(sender(about.name, about.contact), email, subject, body, context.now())


async def sign_in(context: Context, request: sm.SignInRequest, address: str) -> sm.Session | Reason:
    """A session for whoever knows a fresh code of the mail address, or WRONG_CODE whatever is wrong about it.

    Any fresh one will do, and wrong tries are counted by the network `address` and the device that they come from, so
    that nobody is locked out by others who ask for codes in their name, and try them. A code is one in a million and
    falls to 20 tries of strangers with a probability of 0.002 %. In an hour that is at most 0.012 % from one address,
    which has 6 codes mailed, and 0.072 % from many, which together have 36. A device that the owner has signed in with
    has tries of its own, which nobody else can use up.

    A failed try is counted, so the caller must not roll it back.
    """
    require_safe_key(request.device_key)
    email, now = request.email.lower(), context.now()
    codes = access.sign_in_codes
    async with context.database.write() as connection:
        good = select(codes).where(codes.c.email == email, codes.c.created_at > now - _GOOD)
        fresh = (await connection.execute(good.order_by(codes.c.id).with_for_update())).all()
        if not fresh:
            return Reason.WRONG_CODE
        is_known = await _has_signed_in(connection, email, request.device_key)
        newest = max(fresh, key=lambda row: (row.created_at, row.id)).id
        sources = [request.device_key] if is_known else [request.device_key, address]
        who = [context.tokens.mac("tries a code", newest, source).hex() for source in sources]
        for one in who:
            if await has_tried(connection, one, limits.SIGN_IN_CODE_TRIES, now, _GOOD):
                return Reason.WRONG_CODE
        known = [row for row in fresh if is_known or row.tries < limits.SIGN_IN_CODE_TRIES_OF_ALL]
        typed = "".join(character for character in request.code if not character.isspace())
        right = [row for row in known if hmac.compare_digest(context.tokens.mac("sign-in", row.id, typed), row.code)]
        if not right:
            await may_try(connection, who, limits.SIGN_IN_CODE_TRIES, now, _GOOD)
            tried = codes.c.id.in_([row.id for row in known])
            await connection.execute(update(codes).where(tried).values(tries=codes.c.tries + 1))
            return Reason.WRONG_CODE
        row = right[0]
        # The session's name is made from the code and the device, so a lost reply can be asked for again by that
        # device alone.
        session = context.tokens.mac("session", row.id, request.device_key).hex()[:32]
        if row.session not in (None, session):
            return Reason.WRONG_CODE
        await connection.execute(update(codes).where(codes.c.id == row.id).values(session=session))
        role, subject = await _subject(context, connection, email)
        return await open_session(context, connection, session, role, subject, request.device_key)


async def _subject(context: Context, connection: AsyncConnection, email: str) -> tuple[Role, str]:
    """Who the address belongs to, from now on."""
    owner = await _owner(connection, email)
    if owner is not None:
        return owner
    participant = f"p-{secrets.token_hex(8)}"
    await add_participants(connection, [{"participant": participant, "email": email, "joined_at": context.now()}])
    return "participant", participant


async def _owner(connection: AsyncConnection, email: str) -> tuple[Role, str] | None:
    till = (await connection.execute(select(t.tills.c.id).where(t.tills.c.email == email))).scalar()
    if till:
        return "staff", till
    query = select(t.participants.c.participant).where(t.participants.c.email == email)
    participant = (await connection.execute(query)).scalar()
    return ("participant", participant) if participant is not None else None


async def _has_signed_in(connection: AsyncConnection, email: str, device_key: str) -> bool:
    """Whether the owner of the address has signed in with this device: nobody else knows its key."""
    owner, sessions, devices = await _owner(connection, email), access.sessions.c, access.devices.c
    if owner is None:
        return False
    role, subject = owner
    known = (
        select(devices.epoch).where(
            devices.cell == cell_of(subject), devices.participant == subject, devices.device_key == device_key
        )
        if role == "participant"
        else select(sessions.id).where(sessions.subject == subject, sessions.device_key == device_key).limit(1)
    )
    return (await connection.execute(known)).first() is not None
