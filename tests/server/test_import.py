"""Importing events: a grocer's year to the exact figures, each event once, in its own time, and no bad line unnamed."""

import gzip
import random
from pathlib import Path

import pytest

from tests.server.commands import DATA, Shop, purchase, redemption, refund

GROCER = {
    "participants": 249,
    "issued": 468_716,
    "burned": 31_500,
    "expired": 323_932,
    "outstanding": 113_284,
    "accepted": 169,
    "declined": 38,
    "balances_sha256": "69bcd99291581b52f533a20676f5426809aa00941c0c40bb16a7c043960778a7",
}


def figures(audit: dict[str, object]) -> dict[str, object]:
    return {name: audit[name] for name in GROCER}


def test_a_grocers_year_gives_exactly_the_known_figures(any_shop: Shop) -> None:
    file = DATA / "grocer-sample.ndjson.gz"
    said = any_shop.import_(file, programme=DATA / "grocer.toml")
    assert (said.code, said.out) == (0, f"{file}: 16760 imported\n")
    audit = any_shop.audit("2018-01-02T05:00:00Z")
    assert figures(audit) == GROCER
    assert audit["postings_sum"] == 0 and audit["lots_match_balances"] and audit["chains_unbroken"]


def test_an_event_counts_once_however_often_it_is_imported(any_shop: Shop) -> None:
    events = [purchase("p1", "250.00"), redemption("r1"), refund("f1", "p1", amount="20.00"), redemption("r2")]
    any_shop.imported(events)
    before = any_shop.audit()
    any_shop.imported([*events, *events])
    assert any_shop.audit() == before
    assert (before["issued"], before["burned"], before["adjusted"]) == (250, 200, 20)


def test_purchases_count_the_same_in_whatever_batches_and_order_they_come(shop: Shop, tmp_path: Path) -> None:
    events = [
        purchase(f"p{n}", f"{n}.50", at=f"2026-{1 + n % 5:02}-{1 + n % 28:02}T10:00:00+01:00", who=f"person-{n % 7}")
        for n in range(1, 200)
    ]
    shop.imported(events)
    whole = shop.audit("2026-06-15T00:00:00Z")
    shuffled = random.Random(2).sample(events, len(events))
    other = Shop(tmp_path, f"sqlite:///{tmp_path / 'other.sqlite'}", shop.capsys)
    for start in range(0, len(shuffled), 40):
        other.imported(shuffled[start : start + 60])
    assert other.audit("2026-06-15T00:00:00Z") == whole
    assert other.audit("2026-02-10T00:00:00Z") == shop.audit("2026-02-10T00:00:00Z")


def test_events_are_decided_in_their_own_time_not_in_the_files_order(shop: Shop) -> None:
    shop.imported([redemption("r1", at="2026-03-02T10:00:00Z"), purchase("p1", "100.00", at="2026-03-01T10:00:00Z")])
    assert shop.audit()["accepted"] == 1


def test_an_audit_as_of_a_time_says_what_the_ledger_would_have_said_then(shop: Shop, tmp_path: Path) -> None:
    events = [
        purchase("p1", "150.00", at="2026-01-01T09:00:00+01:00"),
        redemption("r1", at="2026-01-10T09:00:00+01:00"),
        purchase("p2", "40.00", at="2026-02-01T09:00:00+01:00", who="basil"),
        purchase("p3", "30.00", at="2026-03-01T09:00:00+01:00"),
        refund("f1", "p3", at="2026-05-01T09:00:00+01:00"),
    ]
    shop.imported(events)
    for number, event in enumerate(events):
        until = Shop(tmp_path, f"sqlite:///{tmp_path / f'until-{number}.sqlite'}", shop.capsys)
        until.imported(events[: number + 1])
        assert shop.audit(str(event["at"])) == until.audit(str(event["at"]))


def test_a_lot_of_the_first_of_january_is_gone_when_the_second_of_april_begins(shop: Shop) -> None:
    shop.imported([purchase("p1", "10.00", at="2026-01-01T23:59:59+01:00")])
    assert shop.audit("2026-04-01T23:59:59+02:00")["outstanding"] == 10
    assert shop.audit("2026-04-02T00:00:00+02:00")["outstanding"] == 0


def test_plain_and_packed_files_count_alike(shop: Shop, tmp_path: Path) -> None:
    shop.imported([purchase("p1", "12.00")], "plain.ndjson")
    other = Shop(tmp_path, f"sqlite:///{tmp_path / 'other.sqlite'}", shop.capsys)
    other.imported([purchase("p1", "12.00")], "packed.ndjson.gz")
    assert other.audit() == shop.audit()


BAD = {
    "not JSON": ("{", "not JSON"),
    "not UTF-8 or a lone surrogate": ('"\\ud800"', "not JSON"),
    "no object": ("[]", "Expected `object`"),
    "an unknown type": ({"type": "gift"}, "Invalid value 'gift'"),
    "no id": ({"type": "purchase"}, "missing required field `id`"),
    "a number for an amount": (purchase("x", "1") | {"amount": 1.5}, "$.amount"),
    "a negative amount": (purchase("x", "-1.00"), "amount: "),
    "too many decimals": (purchase("x", "1.001"), "at most 2 decimals"),
    "more than can be": (purchase("x", "9" * 13), "amount: "),
    "another currency": (purchase("x", "1.00", currency="USD"), "currency: USD is not EUR"),
    "no time zone": (purchase("x", "1.00", at="2026-03-01T10:00:00"), "$.at"),
    "a time before all": (purchase("x", "1.00", at="0001-01-01T00:00:00+14:00"), "at: "),
    "a time to come": (purchase("x", "1.00", at="9999-12-31T23:59:59Z"), "at: in the future"),
    "a NUL in a name": (purchase("x", "1.00", who="a\0b"), "$.participant"),
    "an id used for something else": (purchase("good", "2.00"), "used before for something else"),
    "an unknown reward": (redemption("x", "no-such"), "reward: unknown: no-such"),
    "a refund of nothing": (refund("x", "no-such"), "purchase: amina has none"),
    "a refund to somebody else": (refund("x", "good", who="basil"), "purchase: basil has none"),
    "a refund of too much": (refund("x", "good", amount="1.01"), "more than what is left"),
    "a reward of an unknown store": (
        {"type": "reward", "id": "x", "kind": "discount", "points": 1, "title": {"en": "X"}, "store": "no-such"},
        "store: unknown: no-such",
    ),
    "a reward that is offered for ever": (
        {"type": "reward", "id": "x", "kind": "discount", "points": 1, "title": {}, "available_until": "9999-12-31"},
        "available_until: ",
    ),
    "a reward with a picture": (
        {"type": "reward", "id": "x", "kind": "discount", "points": 1, "title": {"en": "X"}, "picture": "x.jpg"},
        "picture: only a programme's file can name one",
    ),
    "somebody else's address": (
        {"type": "participant", "id": "x", "email": "Amina@example.org"},
        "email: another participant's",
    ),
    "a line without end": ('"' + "x" * 70_000, "longer than 65536 bytes"),
}
GOOD = [
    {"type": "participant", "id": "amina", "at": "2026-02-01T00:00:00Z", "email": "amina@example.org"},
    purchase("good", "1.00"),
]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_is_named_by_file_line_and_reason_and_nothing_takes_effect(shop: Shop, kind: str) -> None:
    line, reason = BAD[kind]
    file = shop.file([*GOOD, "", line, purchase("after", "3.00")])
    said = shop.import_(file)
    assert said.code == 2
    assert said.err.startswith(f"mirabelle: {file}:4: ") and reason in said.err
    assert said.err.count("\n") == 1
    assert (said.out, shop.audit()["participants"]) == ("", 0)


def test_with_skip_bad_the_good_lines_count_and_the_bad_ones_are_kept(shop: Shop) -> None:
    bad = ["{", '{"type":"gift"}']
    file = shop.file([*GOOD, bad[0], purchase("p2", "3.00"), bad[1]])
    said = shop.import_("--skip-bad", file)
    assert (said.code, said.out) == (0, f"{file}: 3 imported, 2 rejected\n")
    assert [line.split(": ")[1] for line in said.err.splitlines()] == [f"{file}:3", f"{file}:5"]
    assert file.with_name("events.ndjson.rejected").read_text().splitlines() == bad
    assert shop.audit()["issued"] == 4


def test_a_file_without_bad_lines_leaves_no_rejected_file(shop: Shop) -> None:
    file = shop.file(GOOD)
    assert shop.import_("--skip-bad", file).code == 0
    assert not file.with_name("events.ndjson.rejected").exists()


def test_a_packed_file_that_is_cut_off_is_one_clear_line_and_has_no_effect(shop: Shop) -> None:
    whole = gzip.compress(b"".join(shop.file([purchase(f"p{n}", "1.00")]).read_bytes() for n in range(3000)))
    file = shop.folder / "cut.ndjson.gz"
    file.write_bytes(whole[: len(whole) // 2])
    said = shop.import_(file)
    assert said.code == 2
    assert said.err.startswith(f"mirabelle: {file}: ") and said.err.count("\n") == 1
    assert shop.audit()["participants"] == 0


@pytest.mark.parametrize("name", ["missing.ndjson", "."])
def test_a_file_that_cannot_be_read_is_one_clear_line(shop: Shop, name: str) -> None:
    said = shop.import_(shop.folder / name)
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_a_bad_file_takes_nothing_from_the_files_before_it(shop: Shop) -> None:
    said = shop.import_(shop.file(GOOD, "first.ndjson"), shop.file(["{"], "second.ndjson"))
    assert said.code == 2 and "second.ndjson:1: " in said.err
    assert shop.audit()["issued"] == 1


def test_nothing_can_be_imported_before_a_programme_is_loaded(shop: Shop) -> None:
    said = shop.run("import", *shop.store(), shop.file(GOOD))
    assert (said.code, said.err) == (2, "mirabelle: no programme is loaded: give one with --programme FILE.toml\n")


def test_a_programme_once_loaded_stays(shop: Shop) -> None:
    shop.imported([])
    assert shop.run("import", *shop.store(), shop.file(GOOD)).code == 0
    assert shop.audit()["issued"] == 1
