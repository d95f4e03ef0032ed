"""A device becomes a till with an operator's code, once, and is one until the operator says otherwise."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from mirabelle.contract import limits
from mirabelle.rules import holder
from tests.backend import Backend, Person, new_key
from tests.clock import MovableClock
from tests.server.commands import Said, Shop
from tests.server.offline import found

WRONG = "0000-0000-0000"


@dataclass
class House:
    """A server, its clock, and the operator's command line beside it."""

    backend: Backend
    clock: MovableClock
    shop: Shop

    def till(self, *words: str) -> Said:
        """Run `mirabelle till`."""
        command, *more = words
        where = ("--data", self.backend.data, "--database", self.backend.database_url)
        return self.shop.run("till", command, *where, *more)

    def code(self, store: str = "cafe-lumiere", name: str = "Bar") -> str:
        """A new enrolment code."""
        said = self.till("enrol", "--store", store, "--name", name, "--staff", "Lina")
        assert said.code == 0, said.err
        return said.out.split()[0]

    def enrol(self, code: str, person: Person | None = None, key: str | None = None) -> tuple[Person, httpx.Response]:
        """Somebody's try to become a till with `code`."""
        person = person or self.backend.somebody()
        answer = person.post("/till/enrolments", {"code": code, "device_key": person.device_key}, key)
        if answer.status_code == 201:
            person.session = answer.json()
        return person, answer


@pytest.fixture
def house(any_backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> House:
    """The server with its operator."""
    clock = any_backend.clock
    assert isinstance(clock, MovableClock)
    clock.ahead = timedelta()
    return House(any_backend, clock, Shop(tmp_path, any_backend.database_url, capsys))


def refreshed(person: Person) -> httpx.Response:
    token = person.session["refresh_token"]
    proof = holder.sign(person.seed, b"MV1 refresh\0" + token.encode()).hex()
    return person.post("/sign-in/refreshes", {"refresh_token": token, "proof": proof})


def test_a_code_makes_one_device_a_till_of_its_store(house: House) -> None:
    code = house.code("deux-rives", "Desk")
    till, answer = house.enrol(code.lower().replace("-", " "))
    assert (answer.status_code, answer.json()["role"], answer.json()["name"]) == (201, "staff", "Lina")
    told = till.get("/till").json()
    assert (told["name"], told["store"], told["staff"]) == ("Desk", "deux-rives", "Lina")
    assert house.enrol(code)[1].json()["code"] == "wrong_code"


def test_a_lost_answer_is_told_again_to_the_same_device(house: House) -> None:
    code, key = house.code(), new_key()
    till, first = house.enrol(code, key=key)
    assert house.enrol(code, till, key)[1].json()["subject"] == first.json()["subject"]
    assert house.enrol(code, till)[1].json()["subject"] == first.json()["subject"]


def test_a_code_is_good_for_an_hour(house: House) -> None:
    early, late = house.code(), house.code()
    house.clock.move(minutes=limits.ENROLMENT_CODE_MINUTES - 1)
    assert house.enrol(early)[1].status_code == 201
    house.clock.move(minutes=1)
    assert house.enrol(late)[1].json()["code"] == "wrong_code"


def test_a_key_that_anybody_could_sign_for_enrols_nothing(house: House) -> None:
    code, person = house.code(), house.backend.somebody()
    answer = person.post("/till/enrolments", {"code": code, "device_key": "00" * 32})
    assert answer.json()["code"] == "unsafe_key"
    assert house.enrol(code)[1].status_code == 201


def test_after_too_many_wrong_codes_an_address_is_not_listened_to_for_a_minute_even_with_a_right_one(
    house: House,
) -> None:
    code, guesser = house.code(), house.backend.somebody()
    tries = [house.enrol(WRONG, guesser)[1].json()["code"] for _ in range(limits.WRONG_ENROLMENTS_PER_MINUTE + 2)]
    assert tries == ["wrong_code"] * limits.WRONG_ENROLMENTS_PER_MINUTE + ["rate_limited"] * 2
    assert house.enrol(WRONG)[1].json()["code"] == "wrong_code"
    neighbour = house.backend.somebody()
    neighbour.address = guesser.address
    limited = house.enrol(code, neighbour)[1]
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert house.enrol(house.code(name="Elsewhere"))[1].status_code == 201
    house.clock.move(minutes=1)
    assert house.enrol(WRONG, guesser)[1].json()["code"] == "wrong_code"
    assert house.enrol(code, neighbour)[1].status_code == 201


def test_wrong_codes_leave_no_keys_behind(house: House) -> None:
    def kept() -> int:
        rows = found(house.backend, "SELECT count(*) FROM answers WHERE actor LIKE '%enrolments'")
        return int(rows[0][0])

    before = kept()
    for _ in range(3):
        assert house.enrol(WRONG)[1].json()["code"] == "wrong_code"
    assert kept() == before
    assert house.enrol(house.code(name="Right"))[1].status_code == 201
    assert kept() == before + 1


def test_a_revoked_till_is_out_at_once_and_stays_out(house: House) -> None:
    till, _ = house.enrol(house.code())
    subject = till.session["subject"]
    assert house.till("revoke", subject).code == 0
    answers = [
        till.get("/till"),
        till.get("/scans"),
        till.get("/till/trust"),
        till.post("/scans", {"frame": "MV1:"}),
        till.post("/scans", {"code": WRONG}),
        till.post("/scans/uploads", {"key": new_key(), "frame": "MV1:", "at": "2026-01-01T00:00:00Z"}),
        till.post("/scans/s-0/undos"),
        refreshed(till),
    ]
    assert {answer.json()["code"] for answer in answers} == {"session_ended"}
    assert "revoked" in house.till("list").out


def test_a_code_that_waits_is_revoked_as_well(house: House) -> None:
    code = house.code(name="Kiosk")
    [line] = [line for line in house.till("list").out.splitlines() if "Kiosk" in line]
    assert "waiting until" in line
    assert house.till("revoke", line.split()[0]).code == 0
    assert house.enrol(code)[1].json()["code"] == "wrong_code"
    assert "Kiosk" not in house.till("list").out


def test_the_operator_is_shown_the_code_how_long_it_is_good_and_its_picture(house: House) -> None:
    said = house.till("enrol", "--store", "hammam-noor", "--name", "Door")
    first, *picture = said.out.splitlines()
    assert f"good once, for {limits.ENROLMENT_CODE_MINUTES} minutes" in first
    assert len(picture) >= 12 and all(set(line) <= set(" █▀▄\xa0") for line in picture)
    ready = house.enrol(first.split()[0])[0].session["subject"]
    assert [line.split()[-1] for line in house.till("list").out.splitlines() if ready in line] == ["ready"]


@pytest.mark.parametrize(
    ("words", "missing"), [(("enrol", "--store", "moon", "--name", "x"), "moon"), (("revoke", "till-0"), "till-0")]
)
def test_what_does_not_exist_is_named_in_one_line(house: House, words: tuple[str, ...], missing: str) -> None:
    said = house.till(*words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1) and missing in said.err


def test_no_code_is_kept_as_it_is(house: House) -> None:
    if house.backend.database_url:
        return
    code = house.code()
    house.enrol(code)
    kept = b"".join(file.read_bytes() for file in house.backend.data.rglob("*") if file.is_file())
    assert code.encode() not in kept and code.replace("-", "").encode() not in kept


def test_a_till_is_set_up_again_as_the_same_one_and_the_device_before_is_it_no_more(house: House) -> None:
    before, first = house.enrol(house.code("deux-rives", "Desk"))
    till = first.json()["subject"]
    said = house.till("enrol", "--again", till)
    assert said.code == 0, said.err
    code = said.out.split()[0]
    after, second = house.enrol(code)
    assert (second.status_code, second.json()["subject"]) == (201, till)
    assert after.get("/till").json()["name"] == "Desk"
    assert refreshed(before).json()["code"] == "session_ended"
    assert house.enrol(code, after)[1].json()["subject"] == till  # its answer was lost
    assert house.enrol(code, before)[1].json()["code"] == "wrong_code"


def test_the_same_device_may_become_its_till_again(house: House) -> None:
    device, first = house.enrol(house.code())
    for _time in range(2):
        code = house.till("enrol", "--again", first.json()["subject"]).out.split()[0]
        assert house.enrol(code, device)[1].status_code == 201
        assert refreshed(device).status_code == 201


def test_only_a_till_that_is_there_and_not_revoked_is_set_up_again(house: House) -> None:
    assert house.till("enrol", "--again", "till-none").code != 0
    assert house.till("enrol", "--store", "cafe-lumiere").code != 0
    till = house.enrol(house.code())[1].json()["subject"]
    house.till("revoke", till)
    assert house.till("enrol", "--again", till).code != 0


def test_a_till_that_lost_the_answer_hours_ago_goes_on_and_one_that_heard_it_does_not_go_back(house: House) -> None:
    till, _ = house.enrol(house.code())
    first = till.session
    assert refreshed(till).status_code == 201  # and the answer is lost
    house.clock.move(hours=30)
    again = refreshed(till)
    assert again.status_code == 201
    till.session = again.json()
    assert refreshed(till).status_code == 201
    till.session = first
    assert refreshed(till).json()["code"] == "session_ended"
