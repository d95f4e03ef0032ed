"""The audit finds what is wrong, and names the row."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mirabelle.rules.commands import Cancel, Earn, Redeem, Reverse, Scan, Transfer
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
    await books.do(Scan("s1", "till", 7, (), "", "typed", voucher(0).id, NOW), Cancel("amina", "r1", NOW))
    await books.do(Reverse("amina", "r3", None, NOW), Reverse("amina", "r0", 5, NOW))


async def test_a_ledger_in_which_everything_happened_passes(database_url: str) -> None:
    async with open_books(database_url) as books:
        await lively(books)
        audit = await books.audit(NOW)
        assert audit.passed and audit.wrong == []


WRONGS = {
    "chains_unbroken": ("UPDATE postings SET source = 'p2' WHERE participant = 'amina' AND sequence = 1", "amina"),
    "lots_match_balances": ("UPDATE lots SET remaining = remaining - 1 WHERE participant = 'basil'", "basil"),
    "holds_match_redemptions": ("UPDATE redemptions SET points = 29 WHERE id = 'r2'", "amina"),
    "stock_matches_vouchers": ("UPDATE stock SET pieces = pieces + 1 WHERE reward = 'card' AND cell = 3", "card"),
    "uses_match_vouchers": ("DELETE FROM uses", voucher(0).id.hex()),
    "transfers_balance": ("DELETE FROM postings WHERE participant = 'basil'", "t1"),
}


@pytest.mark.parametrize("check", WRONGS)
async def test_the_audit_names_the_row_that_is_wrong(check: str, tmp_path: Path) -> None:
    change, row = WRONGS[check]
    async with open_books(f"sqlite:///{tmp_path / 'database.sqlite'}") as books:
        await lively(books)
        await books.change("DROP TRIGGER postings_refuse_update", "DROP TRIGGER postings_refuse_delete", change)
        audit = await books.audit(NOW)
        assert not audit.passed and not getattr(audit, check)
        assert any(row in wrong for wrong in audit.wrong)


@pytest.mark.parametrize("change", [lambda stock: None, lambda stock: stock - 3, lambda stock: 0])
async def test_stock_that_an_operator_changes_still_adds_up(
    database_url: str, change: Callable[[int], int | None]
) -> None:
    async with open_books(database_url) as books:
        await lively(books)
    for stock in (change(100), 50):
        mug = {"id": "mug", "kind": "merchandise", "points": 20, "title": {"en": "Mug"}, "stock": stock}
        async with open_books(database_url, rewards=[mug]) as books:
            await books.do(Earn("basil", f"p-{stock}", 50, NOW), Redeem("amina", f"r-{stock}", "mug", NOW))
            audit = await books.audit(NOW)
            assert audit.passed, audit.wrong
