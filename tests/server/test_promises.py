"""What a version of the rules promised to points holds under the next version as well, on both databases."""

from dataclasses import replace
from datetime import timedelta

from mirabelle.rules.commands import Close, Earn
from mirabelle.rules.programme import Expiry
from tests.server.books import START, open_books

DAY = timedelta(days=1)


async def test_a_late_purchase_renews_the_points_of_a_rolling_policy_that_was_given_up_since(database_url: str) -> None:
    async with open_books(database_url, expiry={"after_days": 10, "policy": "rolling"}, earning={}) as books:
        await books.do(Earn("amina", "p1", 30, START))
        await books.do(Close("amina", START + 20 * DAY))
        fixed = replace(books.world, rules=replace(books.world.rules, expiry=Expiry(10), version=2))
        await replace(books, world=fixed).do(Earn("amina", "p2", 5, START + 9 * DAY))
        [amina, _] = await books.rows("SELECT available FROM participants ORDER BY participant")
        assert amina.available == 35
