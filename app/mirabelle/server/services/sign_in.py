"""Signing in with a code that was sent by e-mail. Whoever proves an address unknown so far becomes a participant."""

import hmac
import secrets
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Language, Role
from mirabelle.contract.reasons import Reason
from mirabelle.server.ledger.save import add_participants
from mirabelle.server.services.context import Context
from mirabelle.server.services.mail import MailNotSent, compose, sender
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.sessions import open_session, require_safe_key
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t


async def send_code(context: Context, request: sm.SignInCodeRequest, key: str) -> None:
    """Mail a code to the address; the same key again sends nothing more. Raises Refused and MailNotSent."""
    email = request.email.lower()
    id_ = context.tokens.mac("code", email, key).hex()[:32]
    code = "".join(secrets.choice("0123456789") for _ in range(limits.SIGN_IN_CODE_DIGITS))
    if not await context.database.attempt(lambda connection: _keep_code(context, connection, id_, email, code)):
        return
    # Sent after the commit: a slow mail server must not keep the ledger waiting.
    try:
        await context.mailer.send(_mail(context, email, code, request.language))
    except MailNotSent:
        async with context.database.write() as connection:  # the same key may ask for it again
            await connection.execute(delete(access.sign_in_codes).where(access.sign_in_codes.c.id == id_))
        raise


async def _keep_code(context: Context, connection: AsyncConnection, id_: str, email: str, code: str) -> bool:
    """Keep a new code, as a keyed hash; False where this one is there already. Raises Refused after too many."""
    codes, now = access.sign_in_codes, context.now()
    if (await connection.execute(select(codes.c.id).where(codes.c.id == id_))).first():
        return False
    recent = select(func.count()).where(codes.c.email == email, codes.c.created_at > now - timedelta(hours=1))
    if (await connection.execute(recent)).scalar_one() >= limits.SIGN_IN_CODES_PER_HOUR:
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


async def sign_in(context: Context, request: sm.SignInRequest) -> sm.Session | Reason:
    """A session for whoever knows a fresh code of the address, or WRONG_CODE whatever is wrong about it.

    Any fresh one will do, so that nobody is locked out by others who ask for codes in their name.

    A failed try is counted, so the caller must not roll it back.
    """
    require_safe_key(request.device_key)
    email, now = request.email.lower(), context.now()
    codes = access.sign_in_codes
    async with context.database.write() as connection:
        fresh = codes.c.created_at > now - timedelta(minutes=limits.SIGN_IN_CODE_MINUTES)
        mine = (codes.c.email == email, fresh, codes.c.tries < limits.SIGN_IN_CODE_TRIES)
        known = (await connection.execute(select(codes).where(*mine).order_by(codes.c.id).with_for_update())).all()
        typed = "".join(character for character in request.code if not character.isspace())
        right = [row for row in known if hmac.compare_digest(context.tokens.mac("sign-in", row.id, typed), row.code)]
        if not right:
            await connection.execute(update(codes).where(*mine).values(tries=codes.c.tries + 1))
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
    """Who the address belongs to."""
    till = (await connection.execute(select(t.tills.c.id).where(t.tills.c.email == email))).scalar()
    if till:
        return "staff", till
    query = select(t.participants.c.participant).where(t.participants.c.email == email)
    participant = (await connection.execute(query)).scalar()
    if participant is None:
        participant = f"p-{secrets.token_hex(8)}"
        await add_participants(connection, [{"participant": participant, "email": email, "joined_at": context.now()}])
    return "participant", participant
