"""What an operator should look at, found in what tills told: vouchers shown twice, impossible travel, odd tills."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.rules.fraud import Place, Refusals, Travel, Visit, impossible_travel, unusual_tills
from mirabelle.rules.redemption import ConflictRecord, UseRecord
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.ledger import rows
from mirabelle.server.services.programme import loaded_programme
from mirabelle.server.storage import schema as t


@dataclass(frozen=True, slots=True)
class ShownTwice:
    """A scan that came too late, whose voucher it was, and the scan that has the use, if any has."""

    participant: str
    late: ConflictRecord
    first: UseRecord | None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """How many scans a till told of that were recorded with the doubt `reason`, or were `refused` for it."""

    till: str
    reason: str
    recorded: int
    refused: int


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to look at since then; `usual` is the median share of refusals. Stores are told by their ids."""

    since: datetime
    shown_twice: list[ShownTwice]
    travels: list[Travel]
    tills: list[Refusals]
    usual: Fraction
    doubtful: list[Doubtful]
    stores: dict[int, str]


async def report(connection: AsyncConnection, since: datetime) -> Report:
    """All that was told since then."""
    stores = {row.reference: row.id for row in (await connection.execute(select(t.stores))).all()}
    unusual, usual = unusual_tills(await _refusals(connection, since))
    return Report(
        since=since,
        shown_twice=await _shown_twice(connection, since),
        travels=impossible_travel(await _visits(connection, since), await _places(connection, stores)),
        tills=unusual,
        usual=usual,
        doubtful=await _doubtful(connection, since),
        stores=stores,
    )


async def _shown_twice(connection: AsyncConnection, since: datetime) -> list[ShownTwice]:
    table = t.conflicts
    query = select(table).where(table.c.received_at > since).order_by(table.c.received_at, table.c.scan)
    late = [rows.conflict_from(row) for row in (await connection.execute(query)).all()]
    vouchers = select(t.vouchers).where(t.vouchers.c.id.in_(sorted({conflict.voucher.hex() for conflict in late})))
    holders = {row.id: row.given_to or row.participant for row in (await connection.execute(vouchers)).all()}
    firsts = sorted({conflict.first_scan for conflict in late if conflict.first_scan})
    uses = (await connection.execute(select(t.uses).where(t.uses.c.scan.in_(firsts)))).all()
    first = {row.scan: rows.use_from(row) for row in uses}
    return [ShownTwice(holders[one.voucher.hex()], one, first.get(one.first_scan or "")) for one in late]


async def _visits(connection: AsyncConnection, since: datetime) -> list[Visit]:
    """Where vouchers were accepted, also those that came too late for their use."""
    vouchers, visits = t.vouchers, []
    for table in (t.uses, t.conflicts):
        query = (
            select(table.c.voucher, table.c.store, table.c.till, table.c.at, table.c.scan)
            .add_columns(func.coalesce(vouchers.c.given_to, vouchers.c.participant).label("holder"))
            .join(vouchers, vouchers.c.id == table.c.voucher)
            .where(table.c.at > since)
        )
        found = (await connection.execute(query)).all()
        visits += [Visit(row.holder, row.voucher, row.store, row.till, row.at, row.scan) for row in found]
    return visits


async def _places(connection: AsyncConnection, stores: dict[int, str]) -> dict[int, Place]:
    document = (await loaded_programme(connection)).document
    places = {
        store.id: Place(store.latitude, store.longitude)
        for store in document.stores
        if store.latitude is not None and store.longitude is not None
    }
    return {reference: places[id_] for reference, id_ in stores.items() if id_ in places}


async def _doubtful(connection: AsyncConnection, since: datetime) -> list[Doubtful]:
    """By till and reason: what tills told of and the server would not have accepted."""
    uses, conflicts, bad = t.uses.c, t.conflicts.c, t.bad_proofs.c
    counted: dict[tuple[str, str], list[int]] = {}
    for till, reason, when, refused in (
        (uses.till, uses.doubt, uses.at, 0),
        (conflicts.till, conflicts.doubt, conflicts.received_at, 0),
        (bad.till, bad.reason, bad.received_at, 1),
    ):
        query = select(till, reason, func.count()).where(when > since, reason != "").group_by(till, reason)
        for name, why, number in (await connection.execute(query)).all():
            counted.setdefault((name, why), [0, 0])[refused] += number
    return [Doubtful(*key, *numbers) for key, numbers in sorted(counted.items())]


async def _refusals(connection: AsyncConnection, since: datetime) -> list[Refusals]:
    scans = t.scans.c
    good = (VoucherCode.ACCEPTED.value, VoucherCode.AMOUNT_REQUIRED.value)
    refused = func.sum(case((scans.verdict.in_(good), 0), else_=1))
    query = select(scans.till, func.count(), refused).where(scans.at > since).group_by(scans.till)
    return [Refusals(till, number, int(bad)) for till, number, bad in (await connection.execute(query)).all()]
