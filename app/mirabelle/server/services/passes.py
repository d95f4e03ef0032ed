"""Vouchers for the wallet apps of phones, where the operator has set them up and the reward may be put on paper.

Only there, because a pass holds what paper holds: a code that stands still, which whoever sees it can use. The app's
own code is signed anew every 30 seconds by a key that no wallet app can hold.
"""

import asyncio
import base64
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.server.services.apple_pass import apple_pass
from mirabelle.server.services.context import Context
from mirabelle.server.services.google_pass import google_link
from mirabelle.server.services.pace import may_try
from mirabelle.server.services.pass_content import PassContent
from mirabelle.server.services.pictures import PictureDamaged, read_picture
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.tokens import Caller
from mirabelle.server.services.vouchers import put_on_paper
from mirabelle.server.storage import schema as t

_PICTURE_PIXELS: Final = 512


async def put_in_wallet(context: Context, caller: Caller, voucher: str, kind: m.PassKind) -> m.WalletPass:
    """The voucher as a pass of the wallet app `kind`; raises Refused."""
    now, keys = context.now(), context.settings.passes
    if kind not in keys.offered(now):
        raise Refused(Reason.PASSES_NOT_OFFERED)
    async with context.database.write() as connection:
        if not await may_try(connection, [f"pass {caller.subject}"], limits.PASSES_PER_MINUTE, now):
            raise Refused(Reason.RATE_LIMITED)
        content = await _content(context, connection, caller, voucher)
    # Beside the loop: pictures and RSA take milliseconds that nobody else should wait.
    if kind == "apple" and keys.apple is not None:
        return m.WalletPass(pkpass=await asyncio.to_thread(apple_pass, keys.apple, content))
    assert keys.google is not None
    return m.WalletPass(link=await asyncio.to_thread(google_link, keys.google, content))


async def _content(context: Context, connection: AsyncConnection, caller: Caller, voucher_id: str) -> PassContent:
    paper = await put_on_paper(context, connection, caller, voucher_id)
    voucher, reward, store = t.vouchers.c, t.rewards.c, t.stores.c
    query = (
        select(voucher.reward, reward.document, store.name)
        .join(t.rewards, reward.id == voucher.reward)
        .outerjoin(t.stores, store.reference == voucher.store)
        .where(voucher.id == voucher_id)
    )
    row = (await connection.execute(query)).one()
    now = context.now()
    return PassContent(
        serial=_serial(voucher_id, now),
        reward=row.reward,
        title=m.Text(**row.document["title"]),
        terms=m.Text(**row.document["terms"]),
        store=m.Text(**row.name) if row.name else None,
        programme=context.programme.programme.name,
        picture=await _picture(connection, row.document["picture"]),
        tint=row.document["tint"],
        code=paper.code,
        made_at=now,
        ends_at=paper.ends_at,
        frame=paper.frame,
    )


async def _picture(connection: AsyncConnection, name: str | None) -> bytes | None:
    """The reward's picture; a pass is as good without one."""
    try:
        found = await read_picture(connection, name, _PICTURE_PIXELS) if name else None
    except PictureDamaged:
        return None
    return found[0] if found else None


def _serial(voucher: str, now: datetime) -> str:
    """Short, because it stands in a link of limited length."""
    raw = bytes.fromhex(voucher) + int(now.timestamp() * 1000).to_bytes(6, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
