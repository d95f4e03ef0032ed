"""`mirabelle fraud` shows an operator what tills told that should be looked at, with both proofs."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirabelle.server.services.fraud import report
from tests.backend import Backend, Person, new_key
from tests.server.books import open_books
from tests.server.commands import Shop


@pytest.fixture
def url(database_url: str) -> str:
    """The database's URL, as a server is told it."""
    return database_url if database_url.startswith("postgresql") else ""


def till_in(backend: Backend, shop: Shop, store: str) -> Person:
    """A till that was enrolled for a store."""
    words = ("--data", backend.data, "--database", backend.database_url, "--store", store, "--name", "Bar")
    code = shop.run("till", "enrol", *words).out.split()[0]
    till = backend.somebody()
    till.session = till.post("/till/enrolments", {"code": code, "device_key": till.device_key}).json()
    return till


def test_all_that_looks_wrong_is_told_as_a_table_and_as_json(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Backend(tmp_path / "data", database_url=url) as backend:
        shop = Shop(tmp_path, url, capsys)
        where = ("--data", backend.data, "--database", url)
        amina, bar, bath = backend.participant(), backend.till(), till_in(backend, shop, "hammam-noor")
        before = shop.run("fraud", *where, "--json").json
        assert [before[name] for name in ("shown_twice", "impossible_travel", "unusual_refusals")] == [[], [], []]

        croissant, bowling = amina.redeem("croissant", 110).json()["voucher"], amina.redeem("bowling", 1300).json()
        proof = amina.show(croissant, int(time.time()))
        assert bar.post("/scans", {"frame": proof}).json()["verdict"] == "accepted"
        again, at = amina.show(croissant, int(time.time()) - 30), datetime.now(UTC).isoformat()
        late = backend.till().post("/scans/uploads", {"key": new_key(), "frame": again, "at": at}).json()
        assert late["outcome"] == "conflict"
        shown = amina.show(bowling["voucher"], int(time.time()))
        assert bath.post("/scans", {"frame": shown}).json()["verdict"] == "accepted"
        told = shop.run("fraud", *where, "--since", "1", "--json").json
        [twice] = told["shown_twice"]
        assert (twice["voucher"], twice["participant"]) == (croissant["id"], amina.session["subject"])
        assert (twice["first"]["proof"], twice["second"]["proof"], twice["points_lost"]) == (proof, again, 110)
        [travel] = told["impossible_travel"]
        assert {travel["first"]["store"], travel["second"]["store"]} == {"cafe-lumiere", "hammam-noor"}
        forged = {"key": new_key(), "frame": "MV1:", "at": at}
        assert bar.post("/scans/uploads", forged).status_code == 422
        pastry = amina.redeem("croissant", 110).json()["voucher"]
        an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        doubtful = {"key": new_key(), "frame": amina.show(pastry, int(time.time())), "at": an_hour_ago}
        assert bar.post("/scans/uploads", doubtful).json()["outcome"] == "recorded"
        subject = bar.session["subject"]
        assert shop.run("fraud", *where, "--json").json["doubtful_uploads"] == [
            {"till": subject, "reason": "not_a_voucher", "recorded": 0, "refused": 1},
            {"till": subject, "reason": "not_yet_valid", "recorded": 1, "refused": 0},
        ]
        table = shop.run("fraud", *where)
        assert f"{subject}: not_yet_valid: 1 recorded, 0 refused" in table.out
        assert table.code == 0 and proof in table.out and again in table.out and f"{travel['km']} km" in table.out


def scans_of(till: str, refused: int) -> str:
    """Twenty scans of a till, some of them refused."""
    rows = (
        f"('{till}-{number}', '{till}', {1_000_000 * number}, '', 'frame', "
        f"'{'stale_code' if number < refused else 'accepted'}')"
        for number in range(20)
    )
    return f"INSERT INTO scans (id, till, at, answer, shown, verdict) VALUES {', '.join(rows)}"


async def test_a_till_that_refuses_unlike_the_others_is_told_of(database_url: str) -> None:
    start = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    async with open_books(database_url) as books:
        await books.change(*(scans_of(f"t{number}", 1) for number in range(4)), scans_of("odd", 9))
        async with books.database.read() as connection:
            found = await report(connection, start)
            later = await report(connection, start + timedelta(seconds=2))
    assert [(till.till, till.scans, till.refused) for till in found.tills] == [("odd", 20, 9)]
    assert later.tills == []


def test_a_number_of_days_is_asked_for(shop: Shop) -> None:
    for days in ("0", "-1", "x", "1000000"):
        assert shop.run("fraud", "--since", days).code == 2
