"""What time alone asks for, on both databases: nightly closes, holds that lapse, records past their keeping."""

from datetime import date, timedelta
from pathlib import Path

import msgspec

from mirabelle.contract import messages as m
from mirabelle.rules.commands import Earn, Redeem
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.closing import ClosedDay, close_days, forget_what_is_past, lapse_holds
from mirabelle.server.services.pace import DAILY
from mirabelle.server.services.programme_file import RewardRules
from tests.backend import Backend
from tests.clock import MovableClock
from tests.server.books import START, open_books, voucher

DAY = timedelta(days=1)


async def test_a_close_posts_what_the_day_did_once(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.do(Earn("amina", "p1", 70, START))
        now = START + 3 * DAY
        first = await close_days(books.database, books.world, now)
        assert first == [ClosedDay(date(2026, 3, 22), participants=1, arrived=70, tiers_changed=1)]
        assert await close_days(books.database, books.world, now) == []
        assert [row.tier for row in await books.rows("SELECT tier FROM participants ORDER BY participant")] == [
            "silver",
            "",
        ]


async def test_after_days_of_downtime_every_missed_day_is_closed(database_url: str) -> None:
    async with open_books(database_url) as books:
        await close_days(books.database, books.world, START + DAY)
        await books.do(Earn("amina", "p1", 70, START + DAY))
        closed = await close_days(books.database, books.world, START + 20 * DAY)
        assert [one.day for one in closed] == [date(2026, 3, 21) + n * DAY for n in range(19)]
        assert sum(one.arrived for one in closed) == sum(one.expired for one in closed) == 70
        kinds = [row.kind for row in await books.rows("SELECT kind FROM postings ORDER BY sequence")]
        assert kinds == ["accrual", "arrival", "expiry"]
        assert (await books.audit(START + 20 * DAY)).passed


async def test_a_day_ends_at_midnight_in_the_programmes_time_zone(database_url: str) -> None:
    async with open_books(database_url) as books:
        await close_days(books.database, books.world, START + DAY)
        midnight = START.replace(day=21, hour=23)  # UTC; in Paris the 22nd begins
        assert await close_days(books.database, books.world, midnight - timedelta(seconds=1)) == []
        assert [one.day.day for one in await close_days(books.database, books.world, midnight)] == [21]


async def test_a_close_that_was_cut_off_is_done_again_and_posts_nothing_twice(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.do(Earn("amina", "p1", 70, START), Earn("basil", "p2", 10, START))
        await close_days(books.database, books.world, START + 3 * DAY)
        postings = await books.rows("SELECT participant, sequence FROM postings")
        await books.change("DELETE FROM closes")
        await close_days(books.database, books.world, START + 3 * DAY)
        assert await books.rows("SELECT participant, sequence FROM postings") == postings


async def test_abandoned_holds_go_back_in_time_and_their_pieces_with_them(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.do(Earn("amina", "p1", 70, START))
        asked = START + 3 * DAY
        await books.do(*(Redeem("amina", f"r{n}", "card", asked, voucher=voucher(n)) for n in (1, 2)))
        assert await lapse_holds(books.database, books.world, asked + 3 * DAY) == 0
        assert await lapse_holds(books.database, books.world, asked + 4 * DAY) == 2
        assert await lapse_holds(books.database, books.world, asked + 4 * DAY) == 0
        [row] = await books.rows("SELECT available, held FROM participants WHERE participant = 'amina'")
        assert (row.available, row.held) == (70, 0)
        [stock] = await books.rows("SELECT SUM(pieces) AS pieces FROM stock WHERE reward = 'card'")
        assert stock.pieces == 5
        assert (await books.audit(asked + 4 * DAY)).passed


async def test_answers_are_kept_for_ninety_days_and_not_for_ever(database_url: str) -> None:
    async with open_books(database_url) as books:
        at = "INSERT INTO answers (actor, key, request, status, answer, at) VALUES ('amina', 'k', '', 201, '', {})"
        await books.change(at.format(int(START.timestamp() * 1_000_000)))
        assert await forget_what_is_past(books.database, START + 90 * DAY) == 0
        assert await forget_what_is_past(books.database, START + 101 * DAY) == 1


async def test_tries_are_forgotten_once_they_count_no_more(database_url: str) -> None:
    async with open_books(database_url) as books:
        for who in ("somebody", f"{DAILY}somebody"):
            await books.change(f"INSERT INTO attempts VALUES ('{who}', '[]', {int(START.timestamp() * 1_000_000)})")
        after = [DAY / 48, DAY / 23, DAY / 2, DAY * 2]
        assert [await forget_what_is_past(books.database, START + one) for one in after] == [0, 1, 0, 1]


def test_a_server_that_starts_again_gives_back_what_lapsed_while_it_was_down(tmp_path: Path) -> None:
    clock, programme = MovableClock(), demo_programme()
    card = RewardRules("card", "gift_card", 100, m.Text(en="Card"), value_class="C", valid_days=1)
    programme = msgspec.structs.replace(programme, rewards=[*programme.rewards, card])
    with Backend(tmp_path, clock=clock, programme=programme) as before:
        person = before.participant()
        points = person.available()
        assert person.redeem("card", 100).json()["state"] == "held"
        assert person.get("/wallet").json()["held"] == 100
    clock.move(days=3)
    with Backend(tmp_path, clock=clock, programme=programme) as after:
        again = after.somebody().go_on_as(person)
        while again.get("/wallet").json()["held"]:
            pass  # until the server has looked after what it missed
        assert again.available() >= points
        [redemption] = [one for one in again.get("/redemptions").json()["redemptions"] if one["reward"] == "card"]
        assert (redemption["state"], redemption["voucher"]["state"]) == ("released", "expired")
