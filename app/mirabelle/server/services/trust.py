"""What a till may rely on without network: gathered from the ledger, numbered, and signed by the programme."""

import hashlib
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final

import msgspec
from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract.fields import Text
from mirabelle.contract.reasons import Reason
from mirabelle.contract.trust import BundleCap, BundleKey, BundleReward, SignedTrust, TrustBundle
from mirabelle.rules import trust as rules
from mirabelle.rules.redemption import ValueClass, VoucherState
from mirabelle.server.ledger.records import value_of_a_use
from mirabelle.server.services.context import Context
from mirabelle.server.services.issuer_keys import KnownKey, known_keys
from mirabelle.server.services.programme_file import ProgrammeDocument, TillRules, value_of
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.signing import Signer
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.instants import microseconds_of

_ROW: Final = 1
# As `schema.USED`, whose index it names, of two tables that both have a use.
_USED: Final = text("(vouchers.state = 'used' OR vouchers.use > 1)")


class _Content(msgspec.Struct, frozen=True):
    """What all tills are told; of vouchers, with the store that each is bound to. Its hash says whether it changed."""

    programme: str
    keys: list[BundleKey]
    revoked: list[tuple[str, int]]
    epochs: list[tuple[str, int, int]]
    blocked: list[tuple[str, int]]
    used: list[tuple[str, int, int]]
    store_names: dict[str, Text]
    groups: dict[str, int]
    rewards: dict[str, BundleReward]
    caps: dict[str, BundleCap]
    tills: TillRules


async def bundle_of(context: Context, till: str) -> tuple[TrustBundle, str]:
    """What the till is told now, and an ETag of it that changes every hour, so that the bundle never grows old."""
    now = context.now()
    async with context.database.read() as connection:
        query = select(t.tills.c.store).where(t.tills.c.id == till, t.tills.c.revoked_at.is_(None))
        store = (await connection.execute(query)).scalar()
        if store is None:
            raise Refused(Reason.SESSION_ENDED)
        content = await _content(connection, context, now)
        numbered = await _numbered(connection)
    if numbered is None or numbered.content != _hash(content):
        content, version = await context.database.attempt(lambda connection: _number(connection, context, now))
    else:
        version = numbered.version
    bundle = _bundle(content, store, version, now)
    hour = now.replace(minute=0, second=0, microsecond=0)
    named = msgspec.structs.replace(bundle, version=0, issued_at=hour, expires_at=hour)
    return bundle, f'W/"{_hash(named).hex()[:24]}"'


def signed(bundle: TrustBundle, key: Signer) -> SignedTrust:
    """The bundle as JSON, under the programme's signature."""
    raw = msgspec.json.encode(bundle)
    signature = key.sign(rules.bundle_message(raw))
    return SignedTrust(bundle=raw.decode(), signature=signature.hex(), programme_key=key.public_key.hex())


def _hash(content: msgspec.Struct) -> bytes:
    return hashlib.sha256(msgspec.json.encode(content)).digest()


async def _numbered(connection: AsyncConnection) -> Row[Any] | None:
    """What was told last, and under which version."""
    return (await connection.execute(select(t.trust))).first()


async def _number(connection: AsyncConnection, context: Context, now: datetime) -> tuple[_Content, int]:
    """The content as it is now, under a version of its own.

    Versions are milliseconds since 1970, or one more than the last where the clock is behind: those that are given
    after a restore, which knows of none, are above those that were given since the backup.
    """
    await connection.execute(select(t.trust).with_for_update())
    content, last = await _content(connection, context, now), await _numbered(connection)
    if last is not None and last.content == _hash(content):
        return content, last.version
    by_clock = (microseconds_of(now) or 0) // 1000
    values = {"version": max(last.version + 1, by_clock) if last else by_clock, "content": _hash(content)}
    if last is None:
        await connection.execute(insert(t.trust), [{"id": _ROW, **values}])
    else:
        await connection.execute(update(t.trust).values(values))
    return content, values["version"]


async def _content(connection: AsyncConnection, context: Context, now: datetime) -> _Content:
    document = context.programme
    since = now - rules.STILL_OUT
    stores = (await connection.execute(select(t.stores).order_by(t.stores.c.reference))).all()
    doubtful = await _doubtful(connection, since)
    return _Content(
        programme=rules.programme_id(context.programme_key.public_key),
        keys=[_key(key) for key in await known_keys(connection) if key.is_trusted(now)],
        revoked=[(row.id, row.store) for row in doubtful if VoucherState(row.state).is_revoked],
        epochs=[(row.id, row.epoch, row.store) for row in doubtful if row.epoch_at and row.epoch_at > since],
        blocked=[(row.id, row.store) for row in doubtful if row.blocked_at is not None],
        used=await _used(connection, since),
        store_names={str(row.reference): Text(**row.name) for row in stores},
        groups={str(row.reference): row.store_group for row in stores},
        rewards=await _rewards(connection),
        caps=_caps(document),
        tills=document.tills,
    )


def _key(key: KnownKey) -> BundleKey:
    return BundleKey(key_id=key.key_id.hex(), public_key=key.public_key.hex(), state=key.state.value)


async def _doubtful(connection: AsyncConnection, since: datetime) -> list[Row[Any]]:
    """The vouchers that are no longer what a till without network would take them for; only those can matter whose
    lease began after `since` and that may be used without network at all."""
    table = t.vouchers.c
    query = select(table.id, table.state, table.store, table.epoch, table.epoch_at, table.blocked_at)
    query = query.where(t.DISTRUSTED, table.lease_start > since, table.value_class != ValueClass.C.value)
    # Sorted here: asked for in this order, SQLite would rather read the whole table by its key.
    return sorted((await connection.execute(query)).all(), key=itemgetter(0))


async def _used(connection: AsyncConnection, since: datetime) -> list[tuple[str, int, int]]:
    """The uses whose vouchers have a lease that may still be good. When they happened says nothing: a till may tell of
    one days later, and until then the holder's device went on renewing."""
    uses, vouchers = t.uses.c, t.vouchers.c
    query = (
        select(uses.voucher, uses.use, vouchers.store)
        .join_from(t.uses, t.vouchers, vouchers.id == uses.voucher)
        .where(_USED, vouchers.lease_start > since, vouchers.value_class != ValueClass.C.value)
    )
    return sorted((row.voucher, row.use, row.store) for row in (await connection.execute(query)).all())


async def _rewards(connection: AsyncConnection) -> dict[str, BundleReward]:
    """The rewards whose vouchers may be used without network, withdrawn ones included: theirs stay good."""
    table = t.rewards.c
    query = select(table.id, table.reference, table.document).order_by(table.reference)
    rows = (await connection.execute(query)).all()
    return {
        str(row.reference): BundleReward(
            id=row.id, title=Text(**row.document["title"]), value_minor=value_of_a_use(row.document)
        )
        for row in rows
        if row.document["value_class"] != ValueClass.C.value
    }


def _caps(document: ProgrammeDocument) -> dict[str, BundleCap]:
    currency = document.programme.currency
    return {
        class_: BundleCap(count=cap.count, value_minor=value_of(cap, currency))
        for class_, cap in sorted(document.tills.caps.items())
    }


def _bundle(content: _Content, store: int, version: int, now: datetime) -> TrustBundle:
    """What a till of `store` is told: of vouchers, those that could be used there."""
    group = content.groups.get(str(store), 0)
    scopes = {0, store, group}
    return TrustBundle(
        version=version,
        issued_at=now,
        expires_at=now + timedelta(days=content.tills.keyset_days),
        programme=content.programme,
        store=store,
        groups=[group] if group else [],
        store_names=content.store_names,
        keys=content.keys,
        revoked=[voucher for voucher, scope in content.revoked if scope in scopes],
        epochs={voucher: epoch for voucher, epoch, scope in content.epochs if scope in scopes},
        blocked=[voucher for voucher, scope in content.blocked if scope in scopes],
        used=[(voucher, use) for voucher, use, scope in content.used if scope in scopes],
        caps=content.caps,  # type: ignore[arg-type]
        hours_since_sync=content.tills.hours_since_sync,
        undo_minutes=content.tills.undo_minutes,
        rewards=content.rewards,
    )
