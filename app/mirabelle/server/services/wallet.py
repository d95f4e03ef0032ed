"""The wallet: a participant's points as they stand now, and the history that explains them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.rules import programme
from mirabelle.rules.cells import cell_of
from mirabelle.rules.lots import Lot
from mirabelle.rules.postings import Account, Posting, PostingKind, settle
from mirabelle.server.ledger import rows
from mirabelle.server.ledger.reads import earned_in_period
from mirabelle.server.services.context import Context
from mirabelle.server.services.refusals import Refused
from mirabelle.server.storage import schema as t

_KINDS: Final[Mapping[PostingKind, m.ActivityKind]] = {
    PostingKind.ACCRUAL: "earned",
    PostingKind.ARRIVAL: "arrived",
    PostingKind.BURN: "spent",
    PostingKind.HOLD: "held",
    PostingKind.CAPTURE: "spent",
    PostingKind.RELEASE: "released",
    PostingKind.REVERSAL: "returned",
    PostingKind.EXPIRY: "expired",
    PostingKind.CLAWBACK: "clawed_back",
    PostingKind.REINSTATEMENT: "reinstated",
    PostingKind.EXTENSION: "extended",
    PostingKind.TRANSFER: "received",
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A participant with the account that their points make."""

    name: str
    email: str | None
    account: Account


async def holder(connection: AsyncConnection, participant: str) -> Holder:
    """The participant and their account as stored; raises Refused where the account is gone."""
    table, lots, cell = t.participants, t.lots, cell_of(participant)
    mine = select(table).where(table.c.cell == cell, table.c.participant == participant)
    row = (await connection.execute(mine)).first()
    if row is None or row.left_at is not None:
        raise Refused(Reason.SESSION_ENDED)
    left = select(lots).where(lots.c.cell == cell, lots.c.participant == participant, lots.c.remaining > 0)
    found = (await connection.execute(left)).all()
    return Holder(row.name, row.email, rows.account_from(row, map(rows.lot_from, found)))


def lot_message(lot: Lot) -> m.Lot:
    """A lot as the app sees it."""
    return m.Lot(
        number=lot.number,
        earned_at=lot.earned_at,
        available_at=lot.available_at,
        expires_at=lot.expires_at,
        points=lot.points,
        remaining=lot.remaining,
        source=lot.source,
    )


async def wallet(context: Context, connection: AsyncConnection, participant: str) -> m.Wallet:
    """The wallet now: what time alone has done since the last posting is shown, though not posted yet."""
    now = context.now()
    stored = await holder(connection, participant)
    account, _ = settle(stored.account, now)
    earned = await earned_in_period(connection, participant, now)
    standing = programme.standing(earned, context.ledger.world.rules.tiers, account.tier)
    left = [lot for lot in account.lots.values() if lot.remaining]
    # Pending lots come with the rest, in the order in which they would pay.
    left.sort(key=lambda lot: (lot.expires_at is None, lot.expires_at or now, lot.earned_at, lot.number))
    return m.Wallet(
        participant=participant,
        name=stored.name,
        email=stored.email,
        available=account.available,
        held=account.held,
        pending=account.pending,
        lots=[lot_message(lot) for lot in left],
        standing=m.TierStanding(
            tier=standing.tier.id if standing.tier else None,
            points_in_period=standing.points_in_period,
            next_tier=standing.next_tier.id if standing.next_tier else None,
            points_to_next=standing.points_to_next,
        ),
        as_of=now,
    )


async def activity(
    context: Context, connection: AsyncConnection, participant: str, before: int | None
) -> m.ActivityPage:
    """A page of the participant's history, newest first, before the posting with sequence `before`."""
    now = context.now()
    stored = await holder(connection, participant)
    account, due = settle(stored.account, now)
    table, cell = t.postings, cell_of(participant)
    # What the programme lost is nothing that happened to the participant.
    mine = (table.c.cell == cell, table.c.participant == participant, table.c.kind != PostingKind.LOST.value)
    query = select(table).where(*mine)
    if before is not None:
        query = query.where(table.c.sequence < before)
    found = await connection.execute(query.order_by(table.c.sequence.desc()).limit(limits.ACTIVITY_PAGE_ROWS + 1))
    postings = [rows.posting_from(row) for row in found.all()]
    more = len(postings) > limits.ACTIVITY_PAGE_ROWS
    postings = postings[: limits.ACTIVITY_PAGE_ROWS]
    # What is due but not posted yet has its place and number already: posting it later says the same.
    upcoming = [posting for posting in reversed(due) if before is None or posting.sequence < before]
    available = account.available if before is None else await _available_before(connection, participant, before)
    page = [*upcoming, *postings]
    shares = await _lots_of(connection, participant, page)
    titles = await _titles_of(connection, {posting.reward for posting in page if posting.reward})
    places = await _places_of(connection, {posting.source for posting in page if posting.reward is None})
    return m.ActivityPage(activity=_told(page, available, shares, titles, places), more=more)


async def _available_before(connection: AsyncConnection, participant: str, sequence: int) -> int:
    table = t.postings
    query = select(func.coalesce(func.sum(table.c.available), 0)).where(
        table.c.cell == cell_of(participant), table.c.participant == participant, table.c.sequence < sequence
    )
    return int((await connection.execute(query)).scalar_one())


async def _lots_of(connection: AsyncConnection, participant: str, postings: Iterable[Posting]) -> dict[int, Lot]:
    numbers = sorted({number for posting in postings for number, _ in posting.lots})
    lots = t.lots
    query = select(lots).where(
        lots.c.cell == cell_of(participant), lots.c.participant == participant, lots.c.number.in_(numbers)
    )
    return {row.number: rows.lot_from(row) for row in (await connection.execute(query)).all()}


async def _titles_of(connection: AsyncConnection, rewards: set[str]) -> dict[str, m.Text]:
    query = select(t.rewards.c.id, t.rewards.c.document).where(t.rewards.c.id.in_(sorted(rewards)))
    return {row.id: m.Text(**row.document["title"]) for row in (await connection.execute(query)).all()}


async def _places_of(connection: AsyncConnection, purchases: set[str]) -> dict[str, m.Text]:
    """The names of the stores where the named purchases were made."""
    query = (
        select(t.events.c.id, t.stores.c.name)
        .join(t.stores, t.stores.c.id == t.events.c.store)
        .where(t.events.c.type == "purchase", t.events.c.id.in_(sorted(purchases)))
    )
    return {row.id: m.Text(**row.name) for row in (await connection.execute(query)).all()}


def shares_message(shares: Iterable[tuple[int, int]], lots: Mapping[int, Lot]) -> list[m.LotShare]:
    """Which lots gave or got how much."""
    return [
        m.LotShare(lot=number, points=points, earned_at=lots[number].earned_at, expires_at=lots[number].expires_at)
        for number, points in shares
    ]


def _kind(posting: Posting) -> m.ActivityKind:
    given = posting.kind is PostingKind.TRANSFER and posting.moves.available < 0
    return "given" if given else _KINDS[posting.kind]


def _told(
    page: Iterable[Posting],
    available: int,
    lots: Mapping[int, Lot],
    titles: Mapping[str, m.Text],
    places: Mapping[str, m.Text],
) -> list[m.Activity]:
    told = []
    for posting in page:
        told.append(
            m.Activity(
                sequence=posting.sequence,
                at=posting.at,
                kind=_kind(posting),
                points=posting.moves.available,
                held=posting.moves.held,
                pending=posting.moves.pending,
                available_after=available,
                source=posting.source,
                reward=posting.reward,
                subject=titles.get(posting.reward or "") or places.get(posting.source) or m.Text(),
                lots=shares_message(posting.lots, lots),
            )
        )
        available -= posting.moves.available
    return told
