"""What operators do from the command line: close days, extend points, reverse redemptions."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.server.commands import PROGRAMME, Said, Shop, purchase, redemption

NOW = datetime.now(UTC)
YESTERDAY, TWO_DAYS_AGO = NOW - timedelta(days=1), NOW - timedelta(days=2)
EXTENSION = "\n[extension]\nactive_within_days = 30\nending_within_days = 100\ndays = 30\n"


@pytest.fixture
def open_shop(any_shop: Shop) -> Shop:
    """A shop where amina bought for 250 and took a cup for 100."""
    any_shop.programme.write_text(PROGRAMME + EXTENSION, encoding="utf-8")
    any_shop.imported([purchase("p1", "250.00", TWO_DAYS_AGO.isoformat()), redemption("r1", at=YESTERDAY.isoformat())])
    return any_shop


def do(shop: Shop, command: str, *words: object) -> Said:
    return shop.run(command, *words, *shop.store())


def balance(shop: Shop) -> object:
    return shop.audit((NOW + timedelta(hours=1)).isoformat())["outstanding"]


def test_days_are_closed_once(open_shop: Shop) -> None:
    first, second = do(open_shop, "close"), do(open_shop, "close")
    assert first.out.endswith("1 days closed, 0 holds lapsed\n") and "1 tiers changed" in first.out
    assert second.out == "0 days closed, 0 holds lapsed\n"


def test_a_preview_says_what_an_extension_does_and_changes_nothing(open_shop: Shop) -> None:
    said = do(open_shop, "extend", "--preview")
    assert said.out == "150 points in 1 lots of 1 participants would be extended\n"
    assert do(open_shop, "extend", "--preview").out == said.out
    assert do(open_shop, "extend").out == "150 points in 1 lots of 1 participants extended\n"
    assert do(open_shop, "extend").out == "0 points in 0 lots of 0 participants extended\n"
    assert balance(open_shop) == 150


def test_a_redemption_is_given_back_in_parts_and_each_part_once(open_shop: Shop) -> None:
    part = ("r1", "--points", 40, "--id", "ticket-1")
    said = do(open_shop, "reverse", *part)
    assert said.out == "r1: 40 points given back, 40 in all, now captured\n"
    assert do(open_shop, "reverse", *part).out == said.out
    assert balance(open_shop) == 190
    assert do(open_shop, "reverse", "r1", "--id", "ticket-2").out.endswith("100 in all, now released\n")
    assert balance(open_shop) == 250


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("r9", "--id", "t"), "no redemption r9"),
        (("r1", "--points", 101, "--id", "t"), "more than paid"),
        (("r1", "--points", 1, "--id", "ticket-1"), "used before for something else"),
    ],
)
def test_what_cannot_be_reversed_is_one_line(open_shop: Shop, words: tuple[object, ...], why: str) -> None:
    do(open_shop, "reverse", "r1", "--points", 40, "--id", "ticket-1")
    said = do(open_shop, "reverse", *words)
    assert said.code == 2 and why in said.err and said.err.count("\n") == 1
    assert balance(open_shop) == 190


@pytest.mark.parametrize("command", ["close", "extend"])
def test_without_a_programme_there_is_nothing_to_do(any_shop: Shop, command: str) -> None:
    (any_shop.folder / "data").mkdir()
    said = do(any_shop, command)
    assert said.code == 2 and "no programme" in said.err and said.err.count("\n") == 1
