"""The demo: a participant with a past, or a till, for whoever asks; every visitor gets their own."""

from datetime import timedelta
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import sign_in as sm
from mirabelle.contract.fields import Language
from mirabelle.contract.reasons import Reason
from mirabelle.server.services.context import Context
from mirabelle.server.services.events import Event, EventBook, NewParticipant, PastRedemption, Purchase
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.sessions import open_session, require_safe_key
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t

NAMES: Final = {"en": "Amina", "fr": "Amina", "ar": "أمينة"}
STAFF_NAMES: Final = {"en": "Sami", "fr": "Sami", "ar": "سامي"}

# What the participant bought: days ago, where, for how much. Old enough for points to expire soon, new enough for some
# to be on their way.
_PURCHASES: Final = (
    (371, "cafe-lumiere", "210.40"),
    (354, "cafe-lumiere", "412.00"),
    (354, "deux-rives", "478.90"),
    (318, "deux-rives", "310.25"),
    (287, "hammam-noor", "1050.00"),
    (259, "atelier-mimosa", "420.80"),
    (142, "atelier-mimosa", "864.10"),
    (96, "hammam-noor", "721.35"),
    (41, "deux-rives", "536.60"),
    (12, "cafe-lumiere", "279.00"),
    (1, "cafe-lumiere", "120.00"),
)
_REDEEMED_DAYS_AGO: Final = 120
_REDEEMED: Final = "croissant"  # one without limits: a visitor must find everything there is


def _past(participant: str, language: Language, context: Context) -> list[Event]:
    now = context.now()
    stores = {store.id for store in context.programme.stores}
    joined = NewParticipant(
        id=participant, at=now - timedelta(days=_PURCHASES[0][0] + 1), name=NAMES[language], language=language
    )
    purchases = [
        Purchase(
            id=f"{participant}-{index}",
            participant=participant,
            at=now - timedelta(days=days, hours=3, minutes=7 * index),
            amount=amount,
            currency=context.programme.programme.currency,
            store=store if store in stores else None,
        )
        for index, (days, store, amount) in enumerate(_PURCHASES, start=1)
    ]
    redeemed = PastRedemption(
        id=f"{participant}-r1",
        participant=participant,
        reward=_REDEEMED,
        at=now - timedelta(days=_REDEEMED_DAYS_AGO),
    )
    offered = any(reward.id == _REDEEMED for reward in context.programme.rewards)
    return sorted([joined, *purchases, *([redeemed] if offered else [])], key=lambda event: event.at or now)


async def open_demo(context: Context, request: sm.DemoRequest, key: str) -> sm.Session:
    """A session as a new demo participant or a new till; the same key again gives the same one. Raises Refused."""
    require_safe_key(request.device_key)
    # Named by what was asked and by which device, so that a lost reply can be asked for again.
    name = context.tokens.mac("demo", request.role, request.device_key, key).hex()
    session, subject = name[:32], f"demo-{name[32:44]}"

    async def open_(connection: AsyncConnection) -> sm.Session:
        known = await connection.execute(select(access.sessions.c.id).where(access.sessions.c.id == session))
        if known.first() is None:
            if request.role == "staff":
                await _add_till(connection, subject, request.language)
            else:
                book = EventBook(context.programme, context.ledger.world, context.now())
                faults = await book.count(connection, _past(subject, request.language, context))
                assert not any(faults), f"the demo's own events are wrong: {faults}"
        return await open_session(context, connection, session, request.role, subject, request.device_key, demo=True)

    return await context.database.attempt(open_)


async def _add_till(connection: AsyncConnection, till: str, language: str) -> None:
    first = select(t.stores.c.reference).order_by(t.stores.c.reference).limit(1)
    store = (await connection.execute(first)).scalar()
    if store is None:
        raise Refused(Reason.NOT_FOUND, "the programme has no store")
    row = {"id": till, "store": store, "name": till[-4:].upper(), "staff": STAFF_NAMES[language], "email": None}
    await connection.execute(insert(t.tills), [row])
