"""A participant's own data: complete, without secrets, and nobody else's."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, or_, select

from mirabelle.contract.limits import EXPORTS_PER_MINUTE
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import TransferRules
from mirabelle.server.storage.database import open_database, url_of_directory
from mirabelle.server.storage.schema import metadata
from tests.backend import Backend, Person
from tests.people import people_with_points
from tests.server.mailbox import sign_in

AMINA, BASIL = "amina@example.org", "basil@example.org"
ADDRESS = "12 Rue des Mirabelles, Nancy"

# By what tables name a participant, and where their rows are in the file.
NAMES = {"participant", "given_to", "voucher", "subject", "actor", "email", "who"}
SECTIONS = {
    "participants": "profile",
    "lots": "lots",
    "postings": "activity",
    "redemptions": "redemptions",
    "vouchers": "vouchers",
    "balance_moves": "vouchers",
    "uses": "vouchers",
    "conflicts": "vouchers",
    "events": "events",
    "devices": "devices",
    "sessions": "sessions",
    "sign_in_codes": "sign_in_codes",
    "answers": "answers",
    "reminders": "reminders",
    "told_reminders": "reminders",
}
OTHERS = {"tills": "staff's addresses", "attempts": "when somebody tried, for an hour"}


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    data = tmp_path_factory.mktemp("account")
    people_with_points(data, AMINA, BASIL, amount="9000.00")
    programme = msgspec.structs.replace(demo_programme(), transfers=TransferRules(allowed=True, from_points=10))
    with Backend(data, programme=programme) as backend:
        yield backend


@pytest.fixture(scope="module")
def amina(backend: Backend) -> Person:
    """Somebody who has done all that people do."""
    amina, basil, till = sign_in(backend, AMINA), sign_in(backend, BASIL), backend.till()
    used, given = (amina.redeem("croissant", 110).json()["voucher"] for _ in range(2))
    assert till.post("/scans", {"code": used["code"]}).json()["verdict"] == "accepted"
    assert amina.post(f"/vouchers/{given['id']}/gifts", {"recipient": BASIL}).status_code == 201
    received = basil.redeem("croissant", 110).json()["voucher"]
    assert basil.post(f"/vouchers/{received['id']}/gifts", {"recipient": AMINA}).status_code == 201
    assert amina.post("/transfers", {"recipient": BASIL, "points": 20}).status_code == 201
    posted = next(r for r in demo_programme().rewards if r.needs == "address" and not r.from_tier and r.points < 5000)
    assert amina.redeem(posted.id, posted.points, address=ADDRESS).status_code == 201
    return amina


@pytest.fixture(scope="module")
def told(amina: Person) -> dict[str, Any]:
    """The file that Amina takes along."""
    answer = amina.get("/account/export")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_no_table_that_names_participants_is_forgotten(told: dict[str, Any]) -> None:
    naming = {table.name for table in metadata.tables.values() if NAMES & {column.name for column in table.columns}}
    assert naming - OTHERS.keys() == SECTIONS.keys()
    assert set(SECTIONS.values()) == told.keys() - {"mirabelle_account", "programme", "made_at"}


def test_every_row_that_names_the_person_is_told(backend: Backend, amina: Person, told: dict[str, Any]) -> None:
    async def numbers() -> dict[str, int]:
        database = await open_database(url_of_directory(backend.data))
        found = {}
        async with database.read() as connection:
            for table in (metadata.tables[name] for name in SECTIONS):
                mine = [table.c[name] == amina.session["subject"] for name in NAMES & set(table.c.keys())]
                query = select(func.count()).select_from(table).where(or_(*mine))
                found[str(table.name)] = (await connection.execute(query)).scalar_one()
        await database.close()
        return found

    counted = asyncio.run(numbers())
    for table in ("lots", "postings", "events", "redemptions", "vouchers", "devices", "sessions", "answers"):
        assert len(told[SECTIONS[table]]) == counted[table] > 0, table
    assert len(told["sign_in_codes"]) == 1


def test_the_file_says_who_what_where_and_to_whom(amina: Person, told: dict[str, Any]) -> None:
    assert told["mirabelle_account"] == 1
    assert (told["profile"]["name"], told["profile"]["email"]) == ("Amina", AMINA)
    assert told["profile"]["available"] == amina.available() == told["activity"][0]["available_after"]
    assert ADDRESS in [redemption["details"].get("address") for redemption in told["redemptions"]]
    by_state = {(voucher["state"], voucher["received"]): voucher for voucher in told["vouchers"]}
    assert by_state["used", False]["uses"][0]["store"] == "cafe-lumiere"
    assert by_state["given", False]["given_to"] == BASIL
    assert by_state["ready", True]["given_to"] is None and by_state["ready", True]["given_at"]


def test_no_secret_and_nobody_elses_name_is_in_the_file(amina: Person, told: dict[str, Any]) -> None:
    file = json.dumps(told)
    vouchers = [one["voucher"] for one in amina.get("/redemptions").json()["redemptions"] if one["voucher"]]
    secrets = {voucher[name] for voucher in vouchers for name in ("code", "issued", "key_salt")} - {""}
    secrets |= {amina.device_key, amina.session["refresh_token"], "Basil"}
    assert len(secrets) > 4 and not [secret for secret in secrets if secret in file]


def test_staff_and_strangers_get_nobodys_data(backend: Backend) -> None:
    assert backend.somebody().get("/account/export").status_code == 401
    assert backend.till().get("/account/export").status_code == 403


def test_nobody_keeps_the_server_busy_with_their_own_data(backend: Backend) -> None:
    visitor = backend.participant()
    statuses = [visitor.get("/account/export").status_code for _ in range(EXPORTS_PER_MINUTE + 1)]
    assert statuses == [200] * EXPORTS_PER_MINUTE + [429]


def test_demo_visitors_take_theirs_along_from_either_database(any_backend: Backend) -> None:
    visitor = any_backend.participant()
    visitor.redeem("croissant", 110)
    told = visitor.get("/account/export").json()
    assert told["profile"]["email"] is None and len(told["vouchers"]) >= 1 and told["lots"]
