"""Deleting an account: what is lost is told, the person is gone, the sums stay true, and nothing happens twice."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mirabelle.contract.endpoints import REQUEST_SIGN_IN_CODE
from mirabelle.contract.wire import API_PREFIX
from mirabelle.rules import holder
from mirabelle.rules.leaving import proof_text
from mirabelle.server.hosting import demo_programme
from mirabelle.server.routes.edge import hash_of
from mirabelle.server.services.audit import audit
from mirabelle.server.storage.database import open_database, url_of_directory
from mirabelle.server.storage.schema import metadata
from tests.backend import Backend, Person, new_key
from tests.people import people_with_points
from tests.server.commands import Shop, purchase
from tests.server.conftest import fresh_database
from tests.server.mailbox import sign_in

AMINA, BASIL, CHLOE, DINA = (f"{name}@example.org" for name in ("amina", "basil", "chloe", "dina"))
ADDRESS = "12 Rue des Mirabelles, Nancy"
ONLINE_ONLY = next(reward for reward in demo_programme().rewards if reward.id == "bowling")  # points are held
POSTED = next(r for r in demo_programme().rewards if r.needs == "address" and not r.from_tier)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server on each database in turn, with people who have points."""
    with ExitStack() as stack:
        data, url = tmp_path_factory.mktemp(f"leaving-{request.param}"), ""
        if request.param == "postgresql":
            url = stack.enter_context(fresh_database(*map(request.getfixturevalue, ("postgresql", "with_tables"))))
        people_with_points(data, AMINA, BASIL, CHLOE, DINA, amount="20000.00", database_url=url)
        yield stack.enter_context(Backend(data, database_url=url))


def leave(person: Person, key: str, signer: Person | None = None) -> tuple[int, dict[str, Any]]:
    """What deleting `person`'s account under `key` is answered, proved by the device of `signer`."""
    participant, device = person.session["subject"], signer or person
    proof = holder.sign(device.seed, proof_text(participant, key)).hex()
    body = {"participant": participant, "device_key": device.device_key, "proof": proof}
    answer = person.post("/account/deletions", body, key)
    return answer.status_code, answer.json()


def in_database(backend: Backend) -> tuple[str, bool, list[str]]:
    """All that the tables say, in one text; whether the audit passes, and what is wrong."""

    async def read() -> tuple[str, bool, list[str]]:
        database = await open_database(backend.database_url or url_of_directory(backend.data))
        said = []
        async with database.read() as connection:
            for table in metadata.sorted_tables:
                said += [str(tuple(row)) for row in (await connection.execute(select(table))).all()]
            result = await audit(connection, datetime.now(UTC))
        await database.close()
        return "\n".join(said), result.passed, result.wrong

    return asyncio.run(read())


def test_leaving_erases_the_person_and_leaves_the_sums(backend: Backend) -> None:
    amina, basil, till, key = sign_in(backend, AMINA), sign_in(backend, BASIL), backend.till(), new_key()
    ready = amina.redeem("croissant", 110).json()["voucher"]
    gift = basil.redeem("croissant", 110).json()["voucher"]
    assert basil.post(f"/vouchers/{gift['id']}/gifts", {"recipient": AMINA}).status_code == 201
    assert amina.redeem(POSTED.id, POSTED.points, address=ADDRESS).status_code == 201
    points = amina.available()
    lost = amina.get("/account/deletion").json()
    titles = [voucher["title"]["en"] for voucher in lost["vouchers"]]
    assert (lost["points"], lost["obstacle"]) == (points, None) and titles.count("Butter croissant") == 2
    first = leave(amina, key)
    assert first == (201, {"points": points, "vouchers": len(titles)}) and leave(amina, key) == first
    assert [amina.get(path).status_code for path in ("/wallet", "/redemptions", "/account/export")] == [401] * 3
    assert leave(amina, new_key())[1]["code"] == "session_ended"
    assert amina.redeem("croissant", 110).json()["code"] == "session_ended"
    assert till.post("/scans", {"code": ready["code"]}).json()["verdict"] != "accepted"
    said, passed, wrong = in_database(backend)
    assert passed, wrong
    asked = httpx.Request("POST", "http://server", json={"email": AMINA}).content  # a code: whoever tries addresses can
    guessed = repr(hash_of("POST", API_PREFIX + REQUEST_SIGN_IN_CODE.path, asked))  # put this together
    assert not [word for word in (AMINA, "Amina", ADDRESS, amina.device_key, guessed) if word in said]
    assert "amina" in said  # the id stays, with its postings
    if not backend.database_url:
        files = b"".join(file.read_bytes() for file in backend.data.glob("mirabelle.sqlite*"))
        assert not [word for word in (AMINA, "Amina", ADDRESS) if word.encode() in files]
    new = sign_in(backend, AMINA)
    assert new.session["subject"] != "amina" and new.available() == 0
    assert new.get("/redemptions").json()["redemptions"] == []


def test_only_the_persons_own_signed_in_device_may_delete(backend: Backend) -> None:
    basil, stranger = sign_in(backend, BASIL), sign_in(backend, CHLOE)
    assert leave(basil, new_key(), stranger)[1]["code"] == "session_ended"
    basil.post("/sign-in/sign-outs", {"refresh_token": basil.session["refresh_token"]})
    assert leave(basil, new_key())[1]["code"] == "session_ended"
    assert sign_in(backend, BASIL).session["subject"] == "basil"


def test_points_that_are_held_stand_in_the_way_until_they_are_not(backend: Backend) -> None:
    chloe, key = sign_in(backend, CHLOE), new_key()
    held = chloe.redeem(ONLINE_ONLY.id, ONLINE_ONLY.points).json()
    assert held["state"] == "held", held
    assert chloe.get("/account/deletion").json()["obstacle"] == "redemption_on_its_way"
    assert leave(chloe, key)[1]["code"] == "redemption_on_its_way"
    assert chloe.post(f"/redemptions/{held['id']}/cancellations").status_code == 201
    assert leave(chloe, key)[0] == 201
    assert in_database(backend)[1]


def test_what_was_given_away_stays_the_new_holders(backend: Backend) -> None:
    dina, basil, till = sign_in(backend, DINA), sign_in(backend, BASIL), backend.till()
    held = dina.redeem(ONLINE_ONLY.id, ONLINE_ONLY.points).json()["voucher"]
    assert dina.post(f"/vouchers/{held['id']}/gifts", {"recipient": BASIL}).status_code == 201
    assert leave(dina, new_key())[0] == 201
    mine = [one["voucher"] for one in basil.get("/redemptions").json()["redemptions"]]
    gift = next(voucher for voucher in mine if voucher["id"] == held["id"])
    assert gift["state"] == "ready" and gift["given_by"] == ""
    assert till.post("/scans", {"code": gift["code"]}).json()["verdict"] in ("accepted", "wrong_store")
    assert in_database(backend)[1:] == (True, [])


def test_events_that_name_somebody_who_left_are_refused_by_line(any_shop: Shop) -> None:
    any_shop.imported([purchase("p1", "250.00", who="zoe")])

    async def leaves() -> None:
        database = await open_database(any_shop.database_url)
        table = metadata.tables["participants"]
        async with database.write() as connection:
            await connection.execute(table.update().values(left_at=datetime.now(UTC)))
        await database.close()

    asyncio.run(leaves())
    events = [purchase("p1", "250.00", who="zoe"), purchase("p2", "5.00", who="zoe"), purchase("p3", "7.00")]
    said = any_shop.import_("--skip-bad", any_shop.file(events))
    assert "events.ndjson:2: participant: zoe deleted their account" in said.err
    assert any_shop.audit()["issued"] == 257


def test_a_backup_from_before_brings_nobody_back_where_it_takes_the_place_of_what_knows(any_shop: Shop) -> None:
    joined = {
        "type": "participant",
        "id": "zoe",
        "at": "2026-02-01T10:00:00Z",
        "name": "Zoe",
        "email": "zoe@example.org",
    }
    any_shop.imported([joined, purchase("p1", "250.00", who="zoe")])
    file = any_shop.folder / "monday.backup"
    assert any_shop.run("backup", *any_shop.store(), file).code == 0

    async def work(*, read: bool) -> str:
        database = await open_database(any_shop.database_url)
        table = metadata.tables["participants"]
        async with database.write() as connection:
            if not read:
                await connection.execute(table.update().values(left_at=datetime.now(UTC), name="", email=None))
            said = str([tuple(row) for row in (await connection.execute(select(table))).all()])
        await database.close()
        return said

    asyncio.run(work(read=False))
    said = any_shop.run("restore", *any_shop.store(), "--replace", file)
    assert said.code == 0 and "1 who had deleted their accounts since are erased again" in said.out, said
    assert "Zoe" not in asyncio.run(work(read=True)) and "zoe@example.org" not in asyncio.run(work(read=True))
    assert any_shop.audit("2030-01-01T00:00:00Z")["outstanding"] == 0
