"""A participant's own data, read at one moment from every table that keeps something about them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract import account as a
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import Reason
from mirabelle.rules.cells import cell_of
from mirabelle.server.ledger import rows
from mirabelle.server.services.context import Context
from mirabelle.server.services.pace import may_try
from mirabelle.server.services.refusals import Refused
from mirabelle.server.services.reminders import reminders
from mirabelle.server.services.vouchers import people_of
from mirabelle.server.services.wallet import activity, holder, lot_message
from mirabelle.server.storage import access
from mirabelle.server.storage import schema as t


async def account_data(context: Context, participant: str) -> a.AccountData:
    """All that is kept about `participant`; raises Refused where they ask too often, or have no account."""
    async with context.database.write() as connection:
        if not await may_try(connection, [f"export {participant}"], limits.EXPORTS_PER_MINUTE, context.now()):
            raise Refused(Reason.RATE_LIMITED)
    async with context.database.read() as connection:
        await holder(connection, participant)
        reading = _Reading(connection, participant)
        await reading.look_up_names()
        return a.AccountData(
            mirabelle_account=a.VERSION,
            programme=context.programme.programme.name,
            made_at=context.now(),
            profile=await reading.profile(),
            lots=await reading.lots(),
            activity=await _whole_activity(context, connection, participant),
            events=await reading.events(),
            redemptions=await reading.redemptions(),
            vouchers=await reading.vouchers(),
            devices=await reading.devices(),
            sessions=await reading.sessions(),
            sign_in_codes=await reading.sign_in_codes(),
            answers=await reading.answers(),
            reminders=await reminders(context, connection, participant),
        )


async def _whole_activity(context: Context, connection: AsyncConnection, participant: str) -> list[m.Activity]:
    told: list[m.Activity] = []
    more = True
    while more:
        page = await activity(context, connection, participant, told[-1].sequence if told else None)
        told += page.activity
        more = page.more
    return told


class _Reading:
    """Reads one participant's rows, with the names of rewards and stores looked up beforehand."""

    def __init__(self, connection: AsyncConnection, participant: str) -> None:
        self._connection = connection
        self._participant, self._cell = participant, cell_of(participant)
        self._titles: dict[str, m.Text] = {}
        self._stores: dict[int, str] = {}

    async def look_up_names(self) -> None:
        """Read what rewards and stores are called."""
        stores = await self._all(select(t.stores.c.reference, t.stores.c.id))
        self._stores = {row.reference: row.id for row in stores}
        named = {row.reward for table in (t.redemptions, t.vouchers) for row in await self._all(self._of(table))}
        rewards = select(t.rewards.c.id, t.rewards.c.document).where(t.rewards.c.id.in_(sorted(named)))
        self._titles = {row.id: m.Text(**row.document["title"]) for row in await self._all(rewards)}

    async def _all(self, query: Select[Any]) -> Sequence[Row[Any]]:
        return (await self._connection.execute(query)).all()

    def _of(self, table: Any) -> Select[Any]:
        """The rows of `table` that name the participant; vouchers that they were given are theirs as well."""
        if table is t.vouchers:
            return select(table).where(
                or_(table.c.participant == self._participant, table.c.given_to == self._participant)
            )
        mine = select(table).where(table.c.participant == self._participant)
        return mine.where(table.c.cell == self._cell) if "cell" in table.c else mine

    def _store(self, reference: int) -> str | None:
        return self._stores.get(reference, str(reference)) if reference else None

    async def profile(self) -> a.Profile:
        """The participant and the account."""
        row = (await self._all(self._of(t.participants)))[0]
        columns = {name: getattr(row, name) for name in a.Profile.__struct_fields__}
        return a.Profile(**{**columns, "tier": row.tier or None})

    async def lots(self) -> list[m.Lot]:
        """All lots, spent and expired ones as well."""
        return [lot_message(rows.lot_from(row)) for row in await self._all(self._of(t.lots).order_by(t.lots.c.number))]

    async def events(self) -> list[a.KeptEvent]:
        """What was imported of them."""
        query = self._of(t.events).order_by(t.events.c.type, t.events.c.id)
        return [
            a.KeptEvent(**{name: getattr(row, name) for name in a.KeptEvent.__struct_fields__})
            for row in await self._all(query)
        ]

    async def redemptions(self) -> list[a.KeptRedemption]:
        """What they asked for, with what they typed."""
        query = self._of(t.redemptions).order_by(t.redemptions.c.at, t.redemptions.c.id)
        return [
            a.KeptRedemption(
                **{name: getattr(row, name) for name in a.KeptRedemption.__struct_fields__ if name != "title"},
                title=self._titles.get(row.reward, m.Text()),
            )
            for row in await self._all(query)
        ]

    async def vouchers(self) -> list[a.KeptVoucher]:
        """The vouchers that they paid for or were given, with where they were used while they had them."""
        found = await self._all(self._of(t.vouchers).order_by(t.vouchers.c.issued_at, t.vouchers.c.id))
        people = await people_of(
            self._connection, {row.given_to for row in found if row.given_to not in (None, self._participant)}
        )
        known = {who: person.email for who, person in people.items()}
        mine = {row.id for row in found if row.given_to in (None, self._participant)}
        uses, moves = await self._uses(mine), await self._moves(mine)
        return [self._voucher(row, known, uses.get(row.id, []), moves.get(row.id, [])) for row in found]

    def _voucher(
        self, row: Row[Any], known: dict[str, str | None], uses: list[a.KeptUse], moves: list[a.MoneyMove]
    ) -> a.KeptVoucher:
        received = row.given_to == self._participant
        after = "given" if row.given_to is not None and not received else row.state
        same = ("id", "redemption", "reward", "issued_at", "expires_at", "number", "out_of", "value_minor", "given_at")
        others = {"state": after, "store": self._store(row.store), "received": received}
        theirs = {"taken_minor": row.taken_minor, "held_minor": row.held_minor}
        blocked = {"blocked_at": row.blocked_at, "blocked_why": row.blocked_why}
        if after == "given":
            theirs, blocked = dict.fromkeys(theirs, 0), dict.fromkeys(blocked)
        return a.KeptVoucher(
            **{name: getattr(row, name) for name in same},
            **others, **theirs, **blocked,
            title=self._titles.get(row.reward, m.Text()),
            given_to=None if received else known.get(row.given_to),
            uses=uses,
            money=[move for move in moves if not received or move.at >= row.given_at],
        )  # fmt: skip

    async def _uses(self, vouchers: set[str]) -> dict[str, list[a.KeptUse]]:
        told: dict[str, list[a.KeptUse]] = {}
        for table in (t.uses, t.conflicts):
            for row in await self._all(select(table).where(table.c.voucher.in_(sorted(vouchers))).order_by(table.c.at)):
                use = a.KeptUse(
                    at=row.at,
                    store=self._store(row.store) or "",
                    till=row.till,
                    undone_at=row.undone_at if table is t.uses else None,
                    came_late=table is t.conflicts,
                )
                told.setdefault(row.voucher, []).append(use)
        return told

    async def _moves(self, vouchers: set[str]) -> dict[str, list[a.MoneyMove]]:
        told: dict[str, list[a.MoneyMove]] = {}
        table = t.balance_moves
        query = select(table).where(table.c.voucher.in_(sorted(vouchers))).order_by(table.c.number)
        for row in await self._all(query):
            columns = {name: getattr(row, name) for name in ("at", "kind", "till", "amount_minor", "left_minor")}
            move = a.MoneyMove(**columns, store=self._store(row.store) or "")
            told.setdefault(row.voucher, []).append(move)
        return told

    async def devices(self) -> list[a.KeptDevice]:
        """The devices that signed in."""
        return [a.KeptDevice(number=row.epoch) for row in await self._all(self._of(access.devices).order_by("epoch"))]

    async def sessions(self) -> list[a.KeptSession]:
        """When somebody signed in as them."""
        table = access.sessions
        mine = (table.c.subject == self._participant, table.c.role == "participant")
        return [
            a.KeptSession(
                device=row.epoch,
                refreshed_at=row.refreshed_at,
                expires_at=row.expires_at,
                ended_at=row.ended_at,
            )
            for row in await self._all(select(table).where(*mine).order_by(table.c.refreshed_at))
        ]

    async def sign_in_codes(self) -> list[Any]:
        """When codes were mailed to them."""
        email = select(t.participants.c.email).where(
            t.participants.c.cell == self._cell, t.participants.c.participant == self._participant
        )
        table = access.sign_in_codes
        query = select(table.c.created_at).where(table.c.email == email.scalar_subquery()).order_by(table.c.created_at)
        return [row.created_at for row in await self._all(query)]

    async def answers(self) -> list[a.KeptAnswer]:
        """When they asked for something."""
        query = select(t.answers.c.at, t.answers.c.status).where(t.answers.c.actor == self._participant)
        return [a.KeptAnswer(at=row.at, status=row.status) for row in await self._all(query.order_by(t.answers.c.at))]
