"""The audit finds what is wrong, and names the row."""

from datetime import timedelta
from pathlib import Path

import pytest

from mirabelle.rules.commands import Cancel, Close, Declined, Earn, Redeem, Redeemed, Refund, Reverse, Scan, Transfer
from tests.server.books import START, Books, open_books, voucher

DAY = timedelta(days=1)
NOW = START + 4 * DAY


async def lively(books: Books) -> None:
    """A ledger in which everything has happened."""
    await books.do(Earn("amina", "p1", 200, START))
    await books.do(
        *(Redeem("amina", f"r{n}", reward, NOW, voucher=voucher(n)) for n, reward in enumerate(("mug", "mug", "card"))),
        Redeem("amina", "r3", "mug", NOW),
        Transfer("amina", "basil", "t1", 10, NOW),
    )
    await books.do(Scan("s1", "till", 7, (), "", voucher(0).code, voucher(0).id, NOW), Cancel("amina", "r1", NOW))
    await books.do(Reverse("amina", "r3", None, NOW), Reverse("amina", "r0", 5, NOW))


async def test_a_ledger_in_which_everything_happened_passes(database_url: str) -> None:
    async with open_books(database_url) as books:
        await lively(books)
        audit = await books.audit(NOW)
        assert audit.passed and audit.wrong == []


async def test_a_late_refund_of_points_that_ended_since_leaves_no_moment_below_zero(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.do(Earn("amina", "p1", 30, START), Close("amina", START + 20 * DAY))
        await books.do(Refund("amina", "f1", "p1", 30, START + 5 * DAY))
        audit = await books.audit(START + 20 * DAY)
        assert audit.passed, audit.wrong


WRONGS = {
    "chains_unbroken": ("UPDATE postings SET source = 'p2' WHERE participant = 'amina' AND sequence = 1", "amina"),
    "lots_match_balances": ("UPDATE lots SET remaining = remaining - 1 WHERE participant = 'basil'", "basil"),
    "lots_match_balances ": ("UPDATE lots SET points = 5000", "lot 1 is not the one"),
    "lots_match_balances  ": ("UPDATE participants SET next_lot = 1", "lot 1 is not the one"),
    "lots_match_balances   ": ("UPDATE lots SET available_at = 1 WHERE remaining > 0", "pending"),
    "holds_match_redemptions": ("UPDATE redemptions SET points = 29 WHERE id = 'r2'", "amina"),
    "stock_matches_vouchers": ("UPDATE stock SET pieces = pieces + 1 WHERE reward = 'card' AND cell = 3", "card"),
    "uses_match_vouchers": ("DELETE FROM uses", voucher(0).id.hex()),
    "redemptions_match_postings": ("UPDATE redemptions SET points = 60, returned = 7 WHERE id = 'r0'", "r0"),
    "transfers_balance": ("DELETE FROM postings WHERE participant = 'basil'", "t1"),
}


@pytest.mark.parametrize("check", WRONGS)
async def test_the_audit_names_the_row_that_is_wrong(check: str, tmp_path: Path) -> None:
    change, row = WRONGS[check]
    async with open_books(f"sqlite:///{tmp_path / 'database.sqlite'}") as books:
        await lively(books)
        guards = [f"DROP TRIGGER postings_refuse_{change}" for change in ("update", "delete", "replace")]
        await books.change(*guards, change)
        audit = await books.audit(NOW)
        assert not audit.passed and not getattr(audit, check.strip())
        assert any(row in wrong for wrong in audit.wrong)


def mugs(stock: int | None) -> list[dict[str, object]]:
    """The programme's only reward."""
    return [{"id": "mug", "kind": "merchandise", "points": 20, "title": {"en": "Mug"}, "stock": stock}]


@pytest.mark.parametrize("stocks", [(None, 50), (97, 50), (0, 50), (1, 2, 1), (None, 0, 3), (3, None, 3)])
async def test_stock_that_an_operator_changes_still_adds_up(database_url: str, stocks: tuple[int | None, ...]) -> None:
    async with open_books(database_url) as books:
        await lively(books)
    for step, stock in enumerate(stocks):
        async with open_books(database_url, rewards=mugs(stock)) as books:
            await books.do(Earn("basil", f"p-{step}", 50, NOW), Redeem("amina", f"r-{step}", "mug", NOW))
            audit = await books.audit(NOW)
            assert audit.passed, audit.wrong


async def test_lowering_stock_and_raising_it_again_makes_no_more_pieces(database_url: str) -> None:
    async with open_books(database_url, rewards=mugs(10)) as books:
        await books.do(Earn("amina", "p1", 1000, START))
        await books.do(*(Redeem("amina", f"r{n}", "mug", NOW) for n in range(8)))
    for stock in (3, 10):
        async with open_books(database_url, rewards=mugs(stock)) as books:
            pass
    async with open_books(database_url, rewards=mugs(10)) as books:
        outcomes = await books.do(*(Redeem("amina", f"more-{n}", "mug", NOW) for n in range(5)))
        assert [type(outcome) for outcome in outcomes] == [Redeemed, Redeemed, Declined, Declined, Declined]
        assert (await books.audit(NOW)).passed
