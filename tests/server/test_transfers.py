"""Points that participants give to each other, over HTTP."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from mirabelle.contract.limits import UNKNOWN_RECIPIENTS_PER_DAY
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme import load_programme
from mirabelle.server.services.programme_file import TransferRules
from mirabelle.server.storage.database import open_database, url_of_directory
from tests.backend import Backend, Person, new_key
from tests.server.mailbox import sign_in

BASIL = "basil@example.org"


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    programme = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))
    with Backend(tmp_path, programme=programme) as backend:
        yield backend


def give(giver: Person, recipient: str, points: int, key: str | None = None) -> tuple[int, dict[str, object]]:
    answer = giver.post("/transfers", {"recipient": recipient, "points": points}, key)
    return answer.status_code, answer.json()


def test_points_are_given_once_however_often_the_request_is_sent(backend: Backend) -> None:
    amina, basil, key = backend.participant(), sign_in(backend, BASIL), new_key()
    before, had = amina.available(), basil.available()
    first, second = give(amina, BASIL.upper(), 100, key), give(amina, BASIL.upper(), 100, key)
    assert first == second and first[0] == 201 and first[1]["available_after"] == before - 100
    assert (amina.available(), basil.available()) == (before - 100, had + 100)
    assert give(amina, BASIL, 50, key)[0] == 422


def test_each_sees_in_their_activity_what_happened(backend: Backend) -> None:
    amina, basil = backend.participant(), sign_in(backend, BASIL)
    give(amina, BASIL, 100)
    gave, got = (person.get("/activity").json()["activity"][0] for person in (amina, basil))
    assert (gave["kind"], gave["points"]) == ("given", -100)
    assert (got["kind"], got["points"]) == ("received", 100)
    assert [share["expires_at"] for share in gave["lots"]] == [share["expires_at"] for share in got["lots"]]


@pytest.mark.parametrize(
    ("recipient", "points", "code"),
    [
        ("nobody@example.org", 10, "no_such_recipient"),
        (BASIL, 9, "too_few_points"),
        (BASIL, 10**9, "not_enough_points"),
        (BASIL, 0, "invalid"),
    ],
)
def test_what_cannot_be_given_is_refused_with_its_reason(
    backend: Backend, recipient: str, points: int, code: str
) -> None:
    amina = backend.participant()
    sign_in(backend, BASIL)
    before = amina.available()
    assert give(amina, recipient, points)[1]["code"] == code
    assert amina.available() == before


def test_a_programme_that_allows_no_transfers_has_none(tmp_path: Path) -> None:
    with Backend(tmp_path) as backend:
        sign_in(backend, BASIL)
        assert give(backend.participant(), BASIL, 10)[1]["code"] == "transfers_not_allowed"


def test_nobody_finds_out_by_trying_who_takes_part(backend: Backend) -> None:
    amina = backend.participant()
    codes = [give(amina, f"guess-{n}@example.org", 10)[1]["code"] for n in range(UNKNOWN_RECIPIENTS_PER_DAY + 1)]
    assert codes == ["no_such_recipient"] * UNKNOWN_RECIPIENTS_PER_DAY + ["rate_limited"]


def test_a_running_server_goes_by_a_programme_that_is_loaded_beside_it(tmp_path: Path) -> None:
    generous = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))

    async def load() -> None:
        database = await open_database(url_of_directory(tmp_path))
        async with database.write() as connection:
            await load_programme(connection, generous, datetime.now(UTC))
        await database.close()

    with Backend(tmp_path) as backend:
        sign_in(backend, BASIL)
        amina = backend.participant()
        assert give(amina, BASIL, 10)[1]["code"] == "transfers_not_allowed"
        asyncio.run(load())
        while amina.get("/programme").json()["transfers_from"] is None:
            pass
        assert give(amina, BASIL, 10)[0] == 201
