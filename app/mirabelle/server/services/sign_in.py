"""Signing in with a code that was sent by e-mail. Whoever proves an address unknown so far becomes a participant."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Language, Role
from mirabelle.contract.reasons import Reason
from mirabelle.rules.cells import cell_of
from mirabelle.server.ledger.save import add_participants
from mirabelle.server.services.context import Context
from mirabelle.server.services.keys import Claim
from mirabelle.server.services.mail import MailNotSent, compose, sender
from mirabelle.server.services.pace import have_tried, may_try
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.sessions import open_session, require_safe_key
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t

_GOOD: Final = timedelta(minutes=limits.SIGN_IN_CODE_MINUTES)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


async def send_code(context: Context, request: sm.SignInCodeRequest, key: str, address: str, claim: Claim) -> None:
    """Mail a code; the same key again sends nothing more. Raises Refused, KeyReused and MailNotSent.

    How many are asked for is counted by the network `address`, for this mailbox and for all; of a device that the owner
    has signed in with, by the device. Those that are good at once are counted as well, so that nobody's mailbox is
    filled; a stranger who asks for all of them has them mailed to the owner, to sign in with.
    """
    email = request.email.lower()
    id_, device = context.tokens.mac("code", email, key).hex()[:32], request.device_key
    asker = _asker(context, device) if device else None
    row = {"id": id_, "email": email, "asked_by": asker, "tries": 0, "created_at": context.now()}

    async def keep(connection: AsyncConnection) -> str | None:
        await claim(connection)
        is_known = device is not None and await _has_signed_in(connection, email, device)
        return await _keep_code(context, connection, row, device if device and is_known else address)

    code = await context.database.attempt(keep)
    if code is None:
        return
    # Sent after the commit: a slow mail server must not keep the ledger waiting.
    try:
        await context.mailer.send(_mail(context, email, code, request.language))
    except MailNotSent:
        async with context.database.write() as connection:  # the same key may ask for it again
            await connection.execute(delete(access.sign_in_codes).where(access.sign_in_codes.c.id == id_))
        raise


async def _keep_code(context: Context, connection: AsyncConnection, row: dict[str, Any], source: str) -> str | None:
    """Make a code and keep it, as a keyed hash; None where this one is there already. Raises Refused where too many
    were asked for from that `source`, or are good."""
    codes, email, now = access.sign_in_codes, row["email"], row["created_at"]
    if (await connection.execute(select(codes.c.id).where(codes.c.id == row["id"]))).first():
        return None
    mac = context.tokens.mac
    for who, most, within in (
        (mac("asks for codes", source), limits.SIGN_IN_CODES_PER_HOUR_OF_ALL, _HOUR),
        (mac("is asked for codes", email), limits.SIGN_IN_CODES_AT_ONCE, _GOOD),
        (mac("asks for codes", email, source), limits.SIGN_IN_CODES_PER_HOUR, _HOUR),
    ):
        if not await may_try(connection, [who.hex()], most, now, within):
            raise Refused(Reason.RATE_LIMITED)
    lately = select(func.count()).where(codes.c.email == email, codes.c.created_at > now - _DAY)
    is_short = (await connection.execute(lately)).scalar_one() < limits.SIGN_IN_SHORT_CODES_PER_DAY
    digits = limits.SIGN_IN_CODE_DIGITS if is_short else limits.SIGN_IN_LONG_CODE_DIGITS
    code = "".join(secrets.choice("0123456789") for _ in range(digits))
    await connection.execute(insert(codes), [{**row, "code": mac("sign-in", row["id"], code)}])
    return code


def _mail(context: Context, email: str, code: str, language: Language) -> EmailMessage:
    from mirabelle.contract.translation import Translator

    say = Translator(language)
    about = context.programme.programme
    words = {"programme": about.name, "code": code}
    body = say("mail.sign_in_body", count=limits.SIGN_IN_CODE_MINUTES, **words)
    subject = say("mail.sign_in_subject", **words)
    return compose(sender(about.name, about.contact), email, subject, body, context.now())


@dataclass(frozen=True, slots=True)
class _Open:
    """A code that a device may still try: how its tries are counted, and the session that the code would open.
    `is_own` says that the device has tries of its own at it."""

    id: str
    code: bytes
    who: str
    is_own: bool
    session: str


async def sign_in(context: Context, request: sm.SignInRequest, address: str, claim: Claim) -> sm.Session | Reason:
    """A session for whoever knows a good code of the mail address, or WRONG_CODE whatever is wrong about it.

    Any good code will do. A wrong try counts against each code that it could have been, and by its source: a device
    that asked for the code, or that the owner has signed in with, is one by itself; all others are their network
    `address`. Each source has 5 tries at a code for as long as it is good, addresses have 20 together, and asking for
    another code brings none at those there are. Six codes to a mailbox in a day have 6 digits, all others 8.

    Who tries                   | What they can do
    one address, any devices    | be right about a code with 5 in a million, with 10 where it asked for it
    many addresses              | 25 tries at 36 codes an hour: be right with 0.016 % in the first one, 0.036 % a day
    the owner's own address     | use up its 5 tries: devices without tries of their own must come from elsewhere
    many addresses              | use up the 20, which stops devices without tries of their own wherever they are
    who asks before the owner   | use up what new devices may ask for: at that address for an hour, with 6 for good
    who knows the device's key, | use up the 5 tries that the device has by itself; it is public, but in no answer
    as from this database       | and in no mail
    """
    require_safe_key(request.device_key)

    async def work(connection: AsyncConnection) -> sm.Session | Reason:
        found = await _open_codes(context, connection, request, address)
        typed = "".join(character for character in request.code if not character.isspace())
        right = [one for one in found if hmac.compare_digest(context.tokens.mac("sign-in", one.id, typed), one.code)]
        if not right:
            await _count_wrong(connection, found, context.now())
            return Reason.WRONG_CODE
        await claim(connection)
        codes, one = access.sign_in_codes, right[0]
        await connection.execute(update(codes).where(codes.c.id == one.id).values(session=one.session))
        role, subject = await _subject(context, connection, request.email.lower())
        return await open_session(context, connection, one.session, role, subject, request.device_key)

    return await context.database.attempt(work)


async def _open_codes(
    context: Context, connection: AsyncConnection, request: sm.SignInRequest, address: str
) -> list[_Open]:
    """The good codes that may be tried from there, locked: of those that try together, each sees the others' tries."""
    codes, now, device = access.sign_in_codes, context.now(), request.device_key
    email = request.email.lower()
    good = select(codes).where(codes.c.email == email, codes.c.created_at > now - _GOOD).order_by(codes.c.id)
    fresh = (await connection.execute(good.with_for_update())).all()
    is_known = bool(fresh) and await _has_signed_in(connection, email, device)
    asker, found = _asker(context, device), []
    for row in fresh:
        is_own = is_known or row.asked_by == asker
        who = context.tokens.mac("tries a code", row.id, device if is_own else address).hex()
        # Named by the code and the device, so that a lost reply can be asked for again by that device alone.
        session = context.tokens.mac("session", row.id, device).hex()[:32]
        may_still = is_own or row.tries < limits.SIGN_IN_CODE_TRIES_OF_ALL
        if row.session in (None, session) and may_still:
            found.append(_Open(row.id, row.code, who, is_own, session))
    over = await have_tried(connection, [one.who for one in found], limits.SIGN_IN_CODE_TRIES, now, _GOOD)
    return [one for one in found if one.who not in over]


async def _count_wrong(connection: AsyncConnection, tried: Sequence[_Open], now: datetime) -> None:
    if not tried:
        return
    await may_try(connection, [one.who for one in tried], limits.SIGN_IN_CODE_TRIES, now, _GOOD)
    codes, others = access.sign_in_codes, [one.id for one in tried if not one.is_own]
    await connection.execute(update(codes).where(codes.c.id.in_(others)).values(tries=codes.c.tries + 1))


def _asker(context: Context, device_key: str) -> str:
    return context.tokens.mac("asked for a code", device_key).hex()


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
    """Whether the owner of the address has signed in with this device. Its key is a public one and proves nothing; but
    only this server is told of it, and it brings no more than a few tries."""
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
